import type { ChunkKind, Decoded, Outcome, PublicError } from '@streamstack/protocol'
import { withQuery } from './call-request.ts'
import { page } from './page.ts'
import { ProgressCounter } from './progress.ts'
import type { ReadChunk, ReaderEnd, ReaderOptions, ReaderStatus } from './reader-options.ts'
import { retryDelayMs, sleep } from './retry.ts'
import type { Ask } from './shared-socket.ts'
import { StreamError, answerError, asStreamError, lost, mayRetry, publicError } from './stream-error.ts'
import {
  type Connection,
  type StreamFormat,
  demandMedium,
  failedConnection,
  jsonConnection,
  streamConnection,
  wires,
} from './wire.ts'

const CONTENT: readonly ChunkKind[] = ['text', 'json']

/**
 * Reads one run's stream over as many connections as it takes. Rules: a chunk counts as read when it is handed out, in the order of
 * offsets and never twice; only an outcome ends a stream; a call is sent again only with the key that lets the server know it again.
 */
export class ReconnectingReader {
  readonly progress = new ProgressCounter()
  /** Id of the run; null until an answer told it. */
  run: string | null
  /** Path of the run's stream. */
  path: string | null
  /** Offset of the last chunk handed out. */
  position: number
  status: ReaderStatus = 'connecting'
  end: ReaderEnd | null = null
  readonly #options: ReaderOptions
  #dial = new AbortController()
  #connection: Promise<Connection> | null = null
  #attempts = 0
  /** How long to wait before the next connection. */
  #restMs = 0
  /** Whether what was there before is of no interest, and it is not known where that ends. */
  #isFromNow: boolean
  #isOnSocket = false
  /** Whether the last resort is being tried: the whole rest as one JSON answer. */
  #isLastTry = false
  /** Told or found in what was read: to be acted on when the chunks before it are handed out. */
  #next: ReaderEnd | StreamError | null = null
  /** An error of this reader alone, that the server told before it broke off. */
  #fault: PublicError | null = null
  /** `text` has no offsets: what was handed out is counted, and dropped from what is read anew. */
  #charactersRead = 0
  #charactersToDrop = 0

  constructor(options: ReaderOptions) {
    this.#options = options
    this.path = options.path
    // `/v1/stream/runs/<id>`
    this.run = options.order === 'next' ? (options.path?.split(/[/?]/)[4] ?? null) : null
    this.#isFromNow = options.after === 'now'
    this.position = this.#isFromNow ? 0 : (options.after as number)
  }

  /** The next chunks; null at the end, which `end` tells. Never rejects. One call at a time. */
  async pull(): Promise<readonly ReadChunk[] | null> {
    while (this.end === null) {
      try {
        if (this.#next !== null) {
          if (this.#next instanceof StreamError) throw this.#next
          this.#letGo()
          this.#finish(this.#next)
          break
        }
        this.#connection ??= this.#connect()
        const connection = await this.#connection
        const chunks = this.#take(await connection.read(), connection.format)
        if (chunks.length > 0) return chunks
      } catch (thrown) {
        await this.#recover(thrown)
      }
    }
    return null
  }

  /** Ends reading; a run whose outcome the error does not tell goes on. */
  stop(error: StreamError): void {
    this.#finish({ outcome: error.outcome, error })
  }

  async #connect(): Promise<Connection> {
    const { socket, format } = this.#options
    const { signal } = (this.#dial = new AbortController())
    const restMs = this.#restMs
    this.#restMs = 0
    if (socket !== null && format === 'ndjson' && !this.#isLastTry && socket.isThrough) {
      this.#isOnSocket = true
      const onOpen = ({ run, url, after }: { run: string | null; url: string; after: number }): void => {
        this.#meet(run, url)
        this.#begin(after)
        this.#become('open')
      }
      // What was refused over a connection that holds is not asked again at once.
      if (socket.isReady) await sleep(restMs, signal)
      signal.throwIfAborted()
      return socket.connection({ ask: () => this.#ask(), restMs, signal, onOpen, progress: this.progress })
    }
    this.#isOnSocket = false
    await sleep(restMs, signal)
    return this.#request(signal)
  }

  async #request(signal: AbortSignal): Promise<Connection> {
    const { transport, headers: own } = this.#options
    const format = this.#formatNow()
    const { accept, query: asked } = wires[format]
    const { kinds } = this.#options
    const { path, run } = this
    const call = path === null ? this.#options.call : null
    const query = new URLSearchParams(asked)
    // The pieces do not carry their kind.
    if (format === 'text' && kinds !== undefined) query.set('kinds', String(kinds))
    const headers: Record<string, string> = { ...own, Accept: accept }
    if (this.#isFromNow) query.set('offset', 'now')
    else if (this.position > 0) headers['Last-Event-ID'] = String(this.position)
    if (call !== null) headers['Idempotency-Key'] = call.key
    const { method = 'GET', body = null } = call ?? {}
    if (body !== null) headers['Content-Type'] = 'application/json'
    const sent = transport.send(withQuery(path ?? call?.path ?? '', query), { signal, method, body }, headers)
    const response = await (format === 'json' ? sent : this.#watch(sent))
    const { headers: told } = response
    this.#meet(told.get('Stream-Run'), told.get('Stream-Url'))
    if (!response.ok) {
      const error = await this.#watch(answerError(response))
      if (error.outcome === null) throw error
      return failedConnection(error)
    }
    demandMedium(response, format, run !== null)
    this.#become('open')
    if (format === 'json') return jsonConnection(response, this.progress)
    return streamConnection(response, format, { watch: (work) => this.#watch(work), progress: this.progress })
  }

  /** Formats without offsets or outcome are only good as long as nothing goes wrong. */
  #formatNow(): StreamFormat {
    const { format } = this.#options
    if (this.#isLastTry) return 'json'
    return this.status === 'connecting' || wires[format].tellsOutcome ? format : 'ndjson'
  }

  /** What a WebSocket is asked. */
  #ask(): Ask {
    const { ask, call, order } = this.#options
    const position = this.#isFromNow ? 'now' : this.position
    // A stream that never ends begins somewhere else than at 0.
    const after = order === 'none' || position === 0 ? undefined : position
    const read = { type: 'read', stream: this.path }
    return { ...(ask ?? (this.path === null ? call?.ask : read)), after } as Ask
  }

  /** Learns from an answer where the run can be found again. */
  #meet(run: string | null, url: string | null): void {
    this.run = run ?? this.run
    if (url !== null) this.path ??= this.#options.transport.pathOf(url)
  }

  /** Learns after which offset a stream begins. Before the first chunk that may be any; later, what is between would be lost. */
  #begin(after: number): void {
    if (this.#options.order === 'none') return
    if (this.position > 0 && after > this.position) {
      this.#next = gap()
      return
    }
    this.#isFromNow = false
    this.position = Math.max(this.position, after)
  }

  /** Breaks the connection off when the work takes longer than any silence may. */
  async #watch<T>(work: T | Promise<T>, dial = this.#dial): Promise<T> {
    const { silenceMsMax } = this.#options
    if (silenceMsMax === 0) return work
    const timer = setTimeout(() => dial.abort(lost(`Nothing came for ${silenceMsMax} ms.`)), silenceMsMax)
    try {
      return await work
    } finally {
      clearTimeout(timer)
    }
  }

  #take(items: readonly Decoded[], format: StreamFormat): ReadChunk[] {
    const chunks: ReadChunk[] = []
    for (const item of items) {
      if (this.#next !== null) break
      if (item.type === 'comment') continue
      if (item.type === 'end') {
        const isWhole = item.offset === null || item.offset === this.position || this.#options.order !== 'next'
        this.#next = isWhole ? endOf(item.outcome, item.error) : gap()
      } else if (item.type === 'error' && item.offset === null) this.#fault = item.error
      else if (format === 'text' || this.#advance(item.offset ?? this.position + 1)) {
        this.#attempts = 0
        if (item.type === 'chunk') this.#hand(item, format, chunks)
      }
    }
    return chunks
  }

  /** Whether the chunk is the next one. One that was handed out already is passed over, a gap is a break. */
  #advance(offset: number): boolean {
    const { order } = this.#options
    if (order === 'none') return true
    const isGap = order === 'next' && offset > this.position + 1
    if (isGap) this.#next = gap()
    if (isGap || offset <= this.position) return false
    this.#isFromNow = false
    this.position = offset
    return true
  }

  #hand({ kind, content, metadata }: ReadChunk, format: StreamFormat, chunks: ReadChunk[]): void {
    const { kinds = CONTENT } = this.#options
    if (kinds !== 'all' && format !== 'text' && !kinds.includes(kind)) return
    if (this.#options.format !== 'text') {
      chunks.push({ kind, content, metadata, offset: this.#options.order === 'none' ? null : this.position })
      return
    }
    if (typeof content !== 'string' && this.#charactersToDrop > 0) {
      // The same value may be written in more ways than one, so its characters cannot be counted.
      this.#next = new StreamError('text_not_resumable', 'Values cannot be resumed as text. Use ndjson.')
      return
    }
    const text = typeof content === 'string' ? content : JSON.stringify(content)
    const dropped = Math.min(this.#charactersToDrop, text.length)
    this.#charactersToDrop -= dropped
    if (dropped === text.length) return
    if (format === 'text') this.#charactersRead += text.length
    chunks.push({ kind, content: text.slice(dropped), metadata, offset: format === 'text' ? null : this.position })
  }

  async #recover(thrown: unknown): Promise<void> {
    const { retry, format, order, socket, onGap } = this.#options
    const error = this.#asStreamError(thrown)
    this.#connection = null
    this.#next = null
    this.#dial.abort()
    if (this.end !== null) return
    const isGap = onGap === 'restart' && error.code === 'offset_expired'
    if (isGap) this.position = 0
    else if (!mayRetry(error) || this.#isLastTry) return this.stop(error)
    if (!this.#isOnSocket && error.code === 'connection_lost') socket?.doubtBlock()
    // Without a network no try counts.
    const isOffline = page.navigator?.onLine === false
    if (!isOffline && ++this.#attempts > retry.attempts) {
      if (format === 'json' || order !== 'next') return this.stop(error)
      this.#isLastTry = true
    }
    this.#charactersToDrop += this.#charactersRead
    this.#charactersRead = 0
    if (isOffline) this.#restMs = retry.delayMsMax
    else if (!this.#isLastTry) this.#restMs = retryDelayMs(this.#attempts, retry, error.retryAfterMs)
    this.#become(isGap ? 'gap' : 'reconnecting', error)
  }

  #asStreamError(thrown: unknown): StreamError {
    const fault = this.#fault
    this.#fault = null
    const error = asStreamError(thrown)
    return fault === null || error.code !== 'connection_lost' ? error : publicError(fault, true)
  }

  /** After the last words the answer itself ends: taking that too lets the connection serve the next request. */
  #letGo(): void {
    const dial = this.#dial
    this.#dial = new AbortController()
    void this.#watch(
      this.#connection?.then((connection) => connection.read()),
      dial,
    )
      .catch(() => undefined)
      .finally(() => dial.abort())
  }

  #finish(end: ReaderEnd): void {
    if (this.end !== null) return
    this.end = end
    if (end.outcome === 'completed') this.progress.complete()
    this.#dial.abort()
    this.#become('ended', end.error)
  }

  #become(status: ReaderStatus, cause: StreamError | null = null): void {
    if ((this.status === status && this.#restMs === 0) || this.status === 'ended') return
    this.status = status
    this.#options.onStatus(status, cause, this.#restMs)
  }
}

function gap(): StreamError {
  return lost('The stream has a gap.')
}

function endOf(outcome: Outcome, error: PublicError | null): ReaderEnd {
  if (outcome === 'completed') return { outcome, error: null }
  if (error !== null) return { outcome, error: publicError(error, undefined, outcome) }
  return { outcome, error: new StreamError(outcome, `The run ended as ${outcome}.`, { outcome }) }
}
