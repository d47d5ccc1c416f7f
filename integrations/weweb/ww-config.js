const only = (...elements) => (content) => !elements.includes(content.element || 'stream-chat')
const text = (label, more = {}) => ({ label: { en: label }, type: 'Text', section: 'settings', bindable: true, defaultValue: '', ...more })
const trigger = (name, label, event) => ({ name, label: { en: label }, event })

export default {
  editor: { label: { en: 'Streamstack' }, icon: 'chat' },
  triggerEvents: [
    trigger('started', 'On start', {}),
    trigger('chunk', 'On chunk', { content: 'Hello', kind: 'text', metadata: null, offset: 1 }),
    trigger('status', 'On change of state', { state: 'streaming', waitMs: null, message: '', recoverable: false }),
    trigger('ended', 'On end', { outcome: 'completed', error: null }),
    trigger('chat-sent', 'On question', { text: 'Hello', attachments: [], body: {} }),
  ],
  actions: [
    { action: 'send', label: { en: 'Send a question' }, args: [{ name: 'text', type: 'string', label: { en: 'Text' } }] },
    { action: 'start', label: { en: 'Start' }, args: [{ name: 'inputs', type: 'object', label: { en: 'Inputs' } }] },
    { action: 'stop', label: { en: 'Stop' }, args: [] },
    { action: 'retry', label: { en: 'Try again' }, args: [] },
    { action: 'push', label: { en: 'Add a value' }, args: [{ name: 'value', type: 'any', label: { en: 'Value' } }] },
  ],
  properties: {
    element: {
      label: { en: 'Element' },
      type: 'TextSelect',
      section: 'settings',
      options: {
        options: [
          { value: 'stream-chat', label: { en: 'Chat' } },
          { value: 'stream-progress', label: { en: 'Progress' } },
          { value: 'metric-card', label: { en: 'Metric card' } },
          { value: 'live-chart', label: { en: 'Live chart' } },
          { value: 'activity-feed', label: { en: 'Activity feed' } },
        ],
      },
      defaultValue: 'stream-chat',
    },
    server: text('Server'),
    token: text('Token (bind it to a variable)'),
    src: text('Endpoint, such as /api/stream-chat'),
    method: text('Method'),
    body: { label: { en: 'Inputs' }, type: 'RawObject', section: 'settings', bindable: true, defaultValue: null },
    stream: text('Or stream, such as system/metrics'),
    channel: text('Or channel, such as rooms/7'),
    from: text('From: now, or an offset'),
    manual: { label: { en: 'Start by action only' }, type: 'OnOff', section: 'settings', bindable: true, defaultValue: false },
    heading: text('Heading'),
    path: text('Path to the value in a chunk', { hidden: only('stream-chat', 'metric-card', 'live-chart') }),
    unit: text('Unit', { hidden: only('metric-card', 'live-chart') }),
    history: text('History', { hidden: only('metric-card', 'live-chart', 'activity-feed') }),
    type: {
      label: { en: 'Chart' },
      type: 'TextSelect',
      section: 'settings',
      options: { options: ['line', 'bar', 'gauge'].map((value) => ({ value, label: { en: value } })) },
      defaultValue: 'line',
      hidden: only('live-chart'),
    },
    options: { label: { en: 'Further options' }, type: 'RawObject', section: 'settings', bindable: true, defaultValue: null },
  },
}
