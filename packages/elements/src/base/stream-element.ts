import { type PropertyDeclarations, type PropertyValues } from 'lit'
import { openSource } from '../source/open-source.ts'
import {
  IDLE,
  type Item,
  type OpenSource,
  type Source,
  type SourceEnd,
  type SourceFormat,
  type SourceStatus,
  type TokenProvider,
} from '../source/source.ts'
import { placeOf } from './settings.ts'
import { ThemedElement } from './themed-element.ts'

/** Properties whose change opens another source. */
const SOURCE_PROPERTIES = ['server', 'src', 'method', 'body', 'stream', 'channel', 'from', 'format', 'token', 'headers']

/**
 * An element with a source. It reads the source when it is put into a page, stops when it is taken out, and tells what happens by events.
 *
 * @fires stream-start - The element opened its source.
 * @fires stream-item - A chunk arrived; the detail is `{ kind, content, metadata, offset }`.
 * @fires stream-status - The state changed; the detail is `{ state, waitMs, message, recoverable }`.
 * @fires stream-end - The source ended; the detail is `{ outcome, error }`.
 */
export class StreamElement extends ThemedElement {
  static override properties: PropertyDeclarations = {
    server: {},
    src: {},
    method: {},
    body: { converter: bodyOf },
    stream: {},
    channel: {},
    from: { converter: afterOf },
    format: {},
    manual: { type: Boolean },
    token: { attribute: false },
    headers: { attribute: false },
    status: { state: true },
  }

  /** Base URL of the server. Default: that of `configure()`, else the page's own. */
  declare server: string
  /** Path or URL of an endpoint to call. */
  declare src: string
  /** HTTP method of the call. Default: GET, or POST where there is a body. */
  declare method: string
  /** Inputs of the call; in markup as JSON. */
  declare body: unknown
  /** A stream to read: a run's `Stream-Url`, or `system/metrics`. */
  declare stream: string
  /** A channel to subscribe to. */
  declare channel: string
  /** Offset after which to read; `now`: only what comes next. */
  declare from: number | 'now' | null
  /**
   * Wire format: `ndjson`, `sse`, `lines`, `text`, `json` from a Streamstack server; `ai-sdk`,
   * `openai`, `plain-sse` from any server.
   */
  declare format: SourceFormat
  /** The element opens its source only when `start()` is called. */
  declare manual: boolean
  /** Bearer token, or a function that returns one. A property only: a token does not belong in markup. */
  declare token: TokenProvider | null
  /** Request headers. */
  declare headers: Readonly<Record<string, string>>
  /** Status of the stream. */
  declare status: SourceStatus

  /** Elements that only show a stream share one reading of it with their like. */
  protected readonly opener: typeof openSource = openSource
  protected readonly follows: boolean = false
  #open: OpenSource | null = null

  constructor() {
    super()
    this.server = ''
    this.src = ''
    this.method = ''
    this.body = null
    this.stream = ''
    this.channel = ''
    this.from = null
    this.format = 'ndjson'
    this.manual = false
    this.token = null
    this.headers = {}
    this.status = IDLE
  }

  override connectedCallback(): void {
    super.connectedCallback()
    if (this.hasAttribute('token')) {
      console.error(
        `<${this.localName}> ignores the attribute "token": set the property, or call configure({ token }).`,
      )
    }
    // The properties that a framework sets come after this.
    if (this.hasUpdated && this.#opensItself) this.start()
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback()
    this.#leave()
  }

  protected override willUpdate(changed: PropertyValues): void {
    super.willUpdate(changed)
    if (!SOURCE_PROPERTIES.some((name) => changed.has(name))) return
    if (this.#opensItself) queueMicrotask(() => this.isConnected && this.start())
    else if (this.hasUpdated && !this.hasSource) this.#leave()
  }

  get hasSource(): boolean {
    return this.src !== '' || this.stream !== '' || this.channel !== ''
  }

  get #opensItself(): boolean {
    return !this.manual && this.hasSource
  }

  /** Opens the source, anew where it is open. A body given here holds for this time. */
  start(body: unknown = this.body): void {
    this.read({ ...this.source, body, method: this.method || (body === null ? 'GET' : 'POST') })
  }

  /** Reads a source instead of the one that is being read. */
  protected read(source: Source): void {
    this.#leave()
    this.onStart()
    this.emit('stream-start', null)
    this.#open = this.opener(source, {
      item: (item) => {
        this.onItem(item)
        this.emit('stream-item', item)
      },
      status: (status) => {
        this.status = status
        this.onStatus(status)
        this.emit('stream-status', status)
      },
      end: (end) => {
        this.onEnd(end)
        this.emit('stream-end', end)
      },
    })
  }

  /** Tries again after a failure. */
  retry(): void {
    this.start()
  }

  /** Ends the run on the server where there is one, and reading. */
  stop(): void {
    this.#open?.cancel()
  }

  /** The stream that is being read, or was last; null before the first. */
  protected get open(): OpenSource | null {
    return this.#open
  }

  /** Chunks, bytes and rates of what is being read. */
  get progress(): OpenSource['progress'] | null {
    return this.#open?.progress ?? null
  }

  /** Address and offset from which another page can continue: `{ url, offset }`. */
  get position(): { url: string | null; offset: number } {
    return { url: this.#open?.url ?? null, offset: this.#open?.offset ?? 0 }
  }

  protected get source(): Source {
    const { src, method, body, stream, channel, from: after, format, headers } = this
    const { server, token } = safely(() => placeOf(this, src || stream || '/')) ?? { server: this.server, token: null }
    return { server, src, method, body, stream, channel, after, format, follows: this.follows, token, headers }
  }

  protected onStart(): void {}
  protected onItem(_item: Item): void {}
  protected onStatus(_status: SourceStatus): void {}
  protected onEnd(_end: SourceEnd): void {}

  /** Stops reading and forgets the source. */
  protected leave(): void {
    this.#leave()
  }

  #leave(): void {
    this.#open?.leave()
    this.#open = null
  }
}

/** Null where an address cannot be read; opening it says so. */
function safely<Found>(find: () => Found): Found | null {
  try {
    return find()
  } catch {
    return null
  }
}

function bodyOf(text: string | null): unknown {
  if (text === null || text.trim() === '') return null
  try {
    return JSON.parse(text) as unknown
  } catch {
    console.error(`The attribute "body" is not JSON: ${text.slice(0, 80)}`)
    return null
  }
}

function afterOf(text: string | null): number | 'now' | null {
  if (text === 'now') return 'now'
  return text !== null && /^\d+$/.test(text) ? Number(text) : null
}
