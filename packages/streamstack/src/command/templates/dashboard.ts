/** `init --template dashboard`: a page with figures that move, history of a table, and a feed of events. */
export const dashboardTemplate: Readonly<Record<string, string>> = {
  'dashboards/main.yaml': `# The page /dashboards/main. Every caller may open it; its sources keep their own rules.
title: Main
access: public
components:
  - component: Metric Cards
    source: GET /api/live
    metrics:
      - Active users
      - Requests per minute
      - { path: error_rate, title: Error rate, unit: '%', digits: 2, better: lower, warn: 0.8, fail: 0.95 }
  - component: Live Charts
    source: GET /api/live
    charts:
      - { chart: line, title: Active users, series: [{ path: active_users, label: users }], span: 60, width: 4 }
      - { chart: gauge, title: Requests per minute, path: requests_per_minute, max: 5000 }
  - component: Data Table
    title: The last days
    source: GET /api/history
    columns: [day, active_users, requests]
  - component: Activity Feed
    title: Events
    source: channel events
`,
  'tables/daily_figures.yaml': `# Records live in the data folder (.streamstack). An empty table gets the records of its seed when the server starts.
description: One record a day
columns:
  id: { type: integer, primary: true }
  day: { type: text, required: true, unique: true }
  active_users: { type: integer, required: true }
  requests: { type: integer, required: true }
seed:
  - { day: '2026-11-24', active_users: 812, requests: 40211 }
  - { day: '2026-11-25', active_users: 905, requests: 44120 }
  - { day: '2026-11-26', active_users: 861, requests: 43008 }
  - { day: '2026-11-27', active_users: 990, requests: 51877 }
`,
  'endpoints/live.yaml': `# Figures until the reader leaves: \`on_disconnect: cancel\` ends the run then. ?seconds=5 ends it by itself.
endpoint_settings:
  method: GET
  path: /api/live
  description: Figures every half second
  on_disconnect: cancel
  headers: { Content-Type: text/event-stream }

input_parameters:
  seconds: { type: integer, default: 600, min: 1, max: 600 }

function_stack:
  - function: For
    count: '{{seconds * 2}}'
    inner_functions:
      - function: Streaming API Response
        content:
          active_users: '{{900 + round(60 * random())}}'
          requests_per_minute: '{{3000 + round(400 * random())}}'
          error_rate: '{{round(random() * 100) / 100}}'
        metadata: { at: '{{now}}' }
      - { function: Sleep, duration: 500 }
`,
  'endpoints/history.yaml': `endpoint_settings:
  method: GET
  path: /api/history
  description: Daily figures, oldest first, for charts

function_stack:
  - { function: Get Records, table: daily_figures, order: day ASC, as: days }
  - { function: Streaming API Response, content: '{{days}}', metadata: { source: daily_figures } }
`,
  'endpoints/event.yaml': `# Other systems report here; all readers of the channel \`events\` receive it at once.
endpoint_settings:
  method: POST
  path: /api/events
  description: Report an event to the feed
  authentication: true

input_parameters:
  text: { type: text, required: true, max_length: 200 }
  level: { type: text, default: info, values: [info, warning, error] }

function_stack:
  - { function: Publish to Channel, channel: events, content: { level: '{{level}}', text: '{{text}}' } }
  - { function: Streaming API Response, content: reported }
`,
  'channels/events.yaml': `# The feed. Steps publish; every caller may read: curl -N …/v1/channels/events
description: What happens, as it happens
publish: false
subscribe: true
history: { count: 200, age: 1d }
`,
}
