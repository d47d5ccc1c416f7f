import type { Dashboard, DashboardWidget } from '@streamstack/protocol'
import { type PropertyDeclarations, type PropertyValues, css, html, nothing } from 'lit'
import { placeOf } from '../base/settings.ts'
import { ThemedElement } from '../base/themed-element.ts'
import { splitUrl } from '../source/own-source.ts'
import type { SourceStatus, TokenProvider } from '../source/source.ts'
import { controls } from '../theme/controls.ts'

const LABELS = {
  live: 'live',
  connecting: 'connecting',
  reconnecting: 'reconnecting',
  failed: 'failed',
  retry: 'Retry',
  loadFailed: 'The dashboard could not be loaded: {message}',
  empty: 'The dashboard has no widgets.',
  unknown: 'This page cannot show widgets of the type "{type}".',
} as const

/** Elements of the types of widgets. */
const TAGS: Readonly<Record<string, string>> = {
  metric: 'metric-card',
  line: 'live-chart',
  bar: 'live-chart',
  gauge: 'live-chart',
  feed: 'activity-feed',
  table: 'stream-table',
}

/** Settings of widgets; properties of the elements have the same names. No other name of a description reaches an element. */
const SETTINGS =
  'type path unit scale digits better warn fail series each label countBy note min max span columns stale'.split(' ')

/**
 * A dashboard from one description: a grid of metric cards, charts, feeds and tables that share the readings of their streams.
 *
 * @tagname stream-dashboard
 * @csspart header - Title and state.
 * @csspart grid - The grid of widgets.
 * @csspart widget - Each widget.
 * @fires dashboard-load - The description was loaded; it is the detail.
 * @fires dashboard-error - The description could not be loaded; the detail is `{ status, message }`.
 */
export class StreamDashboard extends ThemedElement {
  static override styles = [
    ...super.styles,
    controls,
    css`
      :host {
        container-type: inline-size;
        background: var(--bg);
      }
      .top {
        display: flex;
        flex-wrap: wrap;
        gap: 4px 10px;
        align-items: center;
        margin-block-end: 16px;
      }
      h1 {
        margin: 0;
        font-size: var(--size-4);
        font-weight: 650;
        letter-spacing: -0.01em;
      }
      .top p {
        flex-basis: 100%;
        margin: 0;
        color: var(--text-2);
        font-size: var(--size-2);
      }
      .grid {
        display: grid;
        grid-template-columns: minmax(0, 1fr);
        grid-auto-flow: dense;
        gap: 16px;
      }
      .grid > * {
        min-inline-size: 0;
      }
      live-chart,
      activity-feed {
        min-block-size: 236px;
      }
      .grid > * > * {
        block-size: 100%;
      }
      .grid > * > activity-feed {
        block-size: 320px;
      }
      .grid > * > stream-table {
        block-size: 360px;
      }
      .problem {
        padding: 16px;
        border: 1px solid var(--line);
        border-radius: 10px;
        background: var(--surface);
        color: var(--failed);
        font-size: var(--size-2);
      }
      @container (inline-size >= 560px) {
        .grid {
          grid-template-columns: repeat(2, minmax(0, 1fr));
        }
        .w2,
        .w3,
        .w4 {
          grid-column: span 2;
        }
      }
      @container (inline-size >= 960px) {
        .grid {
          grid-template-columns: repeat(4, minmax(0, 1fr));
        }
        .w3 {
          grid-column: span 3;
        }
        .w4 {
          grid-column: span 4;
        }
      }
    `,
  ]

  static override properties: PropertyDeclarations = {
    src: {},
    server: {},
    description: { attribute: false },
    token: { attribute: false },
    labels: { attribute: false },
    problem: { state: true },
    tick: { state: true },
  }

  /** Path or URL of a description, such as `/dashboards/main`. */
  declare src: string
  /** Base URL of the server. Default: that of `configure()`, else the page's own. */
  declare server: string
  /** The description itself. */
  declare description: Dashboard | null
  /** Bearer token, or a function that returns one. */
  declare token: TokenProvider | null
  /** The words that the element shows. */
  declare labels: Partial<Record<keyof typeof LABELS, string>>
  declare problem: string | null
  declare tick: number

  readonly #elements = new WeakMap<DashboardWidget, HTMLElement>()
  readonly #states = new Map<EventTarget, SourceStatus>()
  #load = 0

  constructor() {
    super()
    this.src = ''
    this.server = ''
    this.description = null
    this.token = null
    this.labels = {}
    this.problem = null
    this.tick = 0
    this.addEventListener('stream-status', (event) => {
      const [widget] = event.composedPath()
      if (widget !== undefined) this.#states.set(widget, (event as CustomEvent<SourceStatus>).detail)
      this.tick++
    })
  }

  protected override willUpdate(changed: PropertyValues): void {
    super.willUpdate(changed)
    if (changed.has('description')) this.#states.clear()
    if ((changed.has('src') || changed.has('server')) && this.src !== '') void this.load()
  }

  /** Loads the description again. */
  async load(): Promise<void> {
    const load = ++this.#load
    this.problem = null
    try {
      const { server, token } = placeOf(this, this.src)
      const description = await fetchDescription(this.src, server, token)
      if (load !== this.#load) return
      this.description = description
      this.emit('dashboard-load', description)
    } catch (thrown) {
      if (load !== this.#load) return
      this.problem = thrown instanceof Error ? thrown.message : String(thrown)
      this.emit('dashboard-error', { status: thrown instanceof Refusal ? thrown.status : null, message: this.problem })
    }
  }

  override render(): unknown {
    const words = { ...LABELS, ...this.labels }
    const { description, problem } = this
    if (problem !== null) {
      return html`<div class="problem" role="alert">
        <p>${words.loadFailed.replace('{message}', problem)}</p>
        <button type="button" class="btn" @click=${() => void this.load()}>${words.retry}</button>
      </div>`
    }
    if (description === null) return html`<slot></slot>`
    const widgets = Array.isArray(description.widgets)
      ? description.widgets.filter((one) => one !== null && typeof one === 'object')
      : []
    return html`<div class="top" part="header">
        <h1 dir="auto">${description.title}</h1>
        ${this.#renderState(words)}
        ${description.description === null ? nothing : html`<p dir="auto">${description.description}</p>`}
      </div>
      ${widgets.length === 0 ? html`<div class="problem">${words.empty}</div>` : nothing}
      <div class="grid" part="grid">
        ${widgets.map(
          (widget) =>
            html`<div class="w${Math.min(4, Math.max(1, Math.round(Number(widget.width)) || 1))}" part="widget">
              ${
                this.#elementOf(widget) ??
                html`<div class="problem">${words.unknown.replace('{type}', String(widget.type))}</div>`
              }
            </div>`,
        )}
      </div>`
  }

  /** One word for all widgets: the worst of their states. */
  #renderState(words: Readonly<Record<keyof typeof LABELS, string>>): unknown {
    const states = new Set([...this.#states.values()].map(({ state }) => state))
    if (states.has('failed')) return html`<span class="pill failed">${words.failed}</span>`
    if (states.has('reconnecting') || states.has('offline'))
      return html`<span class="pill caught pulse">${words.reconnecting}</span>`
    if (states.has('connecting')) return html`<span class="pill running">${words.connecting}</span>`
    return states.has('streaming') ? html`<span class="pill running pulse">${words.live}</span>` : nothing
  }

  /** The element of a widget; null: this page has none for its type. It stays the same while the description does. */
  #elementOf(widget: DashboardWidget): HTMLElement | null {
    const tag = Object.hasOwn(TAGS, widget.type) ? TAGS[widget.type] : undefined
    if (tag === undefined) return null
    const element = this.#elements.get(widget) ?? document.createElement(tag)
    this.#elements.set(widget, element)
    const { stream = '', channel = '', history = '', endpoint = '', inputs = null } = widget.source ?? {}
    const settings = Object.fromEntries(Object.entries(widget).filter(([name]) => SETTINGS.includes(name)))
    const { src, method } = endpointOf(endpoint)
    // The description came from this server, and its widgets read there; what names another one gets no token of this one.
    const { server } = placeOf(this, this.src || '/')
    const token = /^https?:/.test(src) || /^https?:/.test(stream) ? null : this.token
    const place = { stream, channel, history, src, method, body: inputs, server, token }
    return Object.assign(element, settings, place, { heading: widget.title })
  }
}

/** The server does not give the description. */
class Refusal extends Error {
  readonly status: number
  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

/** `GET /api/x` */
function endpointOf(endpoint: string): { method: string; src: string } {
  const [, method = '', src = ''] = /^([A-Z]+) (\S+)$/.exec(endpoint) ?? []
  return { method, src: src || endpoint }
}

async function fetchDescription(src: string, server: string, token: TokenProvider | null): Promise<Dashboard> {
  const { server: base, path } = splitUrl(server, src)
  const secret = typeof token === 'function' ? await token() : token
  const response = await fetch(base + path, {
    headers: { Accept: 'application/json', ...(secret === null ? {} : { Authorization: `Bearer ${secret}` }) },
  })
  const body = (await response.json().catch(() => null)) as (Dashboard & { detail?: string }) | null
  if (!response.ok) throw new Refusal(response.status, body?.detail ?? `the server answered ${response.status}`)
  if (body === null || typeof body !== 'object') throw new Error('the answer is not JSON')
  return body
}
