/** What decides which stream an element reads: a change opens it anew. */
export const SOURCE = ['server', 'src', 'method', 'body', 'stream', 'channel', 'from', 'format', 'manual']

/** Properties of each element that the editor or `options` may set, besides those of the source. */
export const PROPERTIES = {
  'stream-chat': ['heading', 'input', 'history', 'conversationInput', 'path', 'saveAs', 'conversations', 'attachments', 'suggestions', 'quiet', 'labels', 'theme'],
  'stream-progress': ['heading', 'for', 'labels', 'theme'],
  'metric-card': ['heading', 'path', 'unit', 'scale', 'digits', 'better', 'warn', 'fail', 'span', 'history', 'stale', 'labels', 'theme'],
  'live-chart': ['heading', 'type', 'path', 'series', 'each', 'label', 'countBy', 'unit', 'note', 'scale', 'min', 'max', 'warn', 'fail', 'span', 'history', 'stale', 'labels', 'theme'],
  'activity-feed': ['heading', 'max', 'history', 'stale', 'labels', 'theme'],
}

/** The element's properties from the component's content: what is empty is left to the element's default. */
export function propertiesOf(content) {
  const tag = Object.hasOwn(PROPERTIES, content.element) ? content.element : 'stream-chat'
  const known = [...SOURCE, ...PROPERTIES[tag]]
  const options = isObject(content.options) ? content.options : {}
  const source = {}
  const own = {}
  for (const name of known) {
    const direct = Object.hasOwn(content, name) ? content[name] : undefined
    const value = isEmpty(direct) && Object.hasOwn(options, name) ? options[name] : direct
    if (!isEmpty(value)) (SOURCE.includes(name) ? source : own)[name] = plain(value)
  }
  const unknown = Object.keys(options).filter((name) => !known.includes(name))
  return { tag, source, own, unknown }
}

/** The base URL of the server without a slash at its end; null where the text is no URL. */
export function serverOf(text) {
  try {
    const url = new URL(String(text ?? '').trim())
    return /^https?:$/.test(url.protocol) ? url.origin + url.pathname.replace(/\/+$/, '') : null
  } catch {
    return null
  }
}

const loading = new Map()

/** Loads the server's elements into a window, once, however many components ask for them. A failure can be tried again. */
export function loadElements(view, server) {
  if (view.customElements.get('stream-chat') !== undefined) return Promise.resolve()
  let loaded = loading.get(server)
  if (loaded === undefined) {
    loaded = new Promise((resolve, reject) => {
      const script = view.document.createElement('script')
      script.src = `${server}/elements.js`
      script.onload = resolve
      script.onerror = () => {
        loading.delete(server)
        script.remove()
        reject(new Error(`${server}/elements.js cannot be loaded. Is the server's address right, and does it run?`))
      }
      view.document.head.append(script)
    })
    loading.set(server, loaded)
  }
  return loaded
}

/** Vue's proxies cannot be cloned, and elements keep what they are given. */
function plain(value) {
  return typeof value === 'object' ? JSON.parse(JSON.stringify(value)) : value
}

function isObject(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isEmpty(value) {
  return value === undefined || value === null || value === ''
}
