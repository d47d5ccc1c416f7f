import { type Decoded, type DecodedChunk, FormatError, type Outcome, type PublicError } from '@streamstack/protocol'
import { type CallRequest, withQuery } from './call-request.ts'
import { ProgressCounter } from './progress.ts'
import { type RetryOptions, retryDelayMs, sleep } from './retry.ts'
import { StreamError, answerError, mayRetry, outcomeError } from './stream-error.ts'
import type { Transport } from './transport.ts'
import {
  type Connection,
  type StreamFormat,
  demandMedium,
  failedConnection,
  jsonConnection,
  lost,
  streamConnection,
  wires,
} from './wire.ts'

/** Where a stream stands: `reconnecting` from the break until something answers again. */
export type ReaderStatus = 'connecting' | 'open' | 'reconnecting' | 'ended'

export interface ReaderOptions {
  transport: Transport
  /** Null for a run that goes on already. */
  call: CallRequest | null
  /** Path of the run's stream; null until an answer told it. */
  path: string | null
  /** Offset after which to read. */
  after: number
  format: StreamFormat
  /** The caller's own. */
  headers: Readonly<Record<string, string>>
  retry: Required<RetryOptions>
  /** How long a connection that should show signs of life may show none; 0: for ever. */
  silenceMsMax: number
  onStatus: (status: ReaderStatus, cause: StreamError | null) => void
}

/** A chunk as it is handed out. */
export type ReadChunk = Pick<DecodedChunk, 'content' | 'metadata' | 'offset'>

/** How reading ended. */
export interface ReaderEnd {
  outcome: Outcome | null
  error: StreamError | null
}

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
  readonly #leaving = new AbortController()
  #dial = new AbortController()
  #connection: Promise<Connection> | null
  #attempts = 0
  /** Whether the last resort is being tried: the whole rest as one JSON answer. */
  #isLastTry = false
  /** Told or found in what was read: to be acted on when the chunks before it are handed out. */
  #next: { end: ReaderEnd } | { breakWith: StreamError } | null = null
  /** An error of this reader alone, that the server told before it broke off. */
  #fault: PublicError | null = null
  /** `text` has no offsets: what was handed out is counted, and dropped from what is read anew. */
  #charactersRead = 0
  #charactersToDrop = 0

  constructor(options: ReaderOptions) {
    this.#options = options
    this.path = options.path
    this.run = /\/v1\/stream\/runs\/([^/?]+)/.exec(options.path ?? '')?.[1] ?? null
    this.position = options.after
    this.#connection = this.#connect()
    // Looked at when the first chunks are asked for.
    this.#connection.catch(() => undefined)
  }

  /** The next chunks; null at the end, which `end` tells. Never rejects. One call at a time. */
  async pull(): Promise<readonly ReadChunk[] | null> {
    while (this.end === null) {
      try {
        if (this.#next !== null) {
          if ('breakWith' in this.#next) throw this.#next.breakWith
          this.#letGo()
          this.#finish(this.#next.end)
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

  /** Ends reading; the run goes on. */
  leave(error: StreamError): void {
    this.#finish({ outcome: null, error })
  }

  async #connect(): Promise<Connection> {
    const { transport, call } = this.#options
    const format = this.#formatNow()
    const wire = wires[format]
    this.#dial = new AbortController()
    const { path } = this
    const query = new URLSearchParams(wire.query)
    const headers: Record<string, string> = { ...this.#options.headers, Accept: wire.accept }
    if (this.position > 0) headers['Last-Event-ID'] = String(this.position)
    const init: RequestInit = { signal: this.#dial.signal }
    if (path === null && call !== null) {
      headers['Idempotency-Key'] = call.key
      init.method = call.method
      if (call.body !== null) {
        init.body = call.body
        headers['Content-Type'] = 'application/json'
      }
    }
    const isKnown = this.run !== null
    const sent = transport.send(withQuery(path ?? call?.path ?? '', query), init, headers)
    const response = await (format === 'json' ? sent : this.#watch(sent))
    this.#meet(response)
    if (!response.ok) {
      const error = await this.#watch(answerError(response))
      if (error.outcome === null) throw error
      return failedConnection(error)
    }
    demandMedium(response, format, isKnown)
    this.#become('open', null)
    const onBytes = (count: number): void => {
      this.progress.bytes += count
    }
    if (format === 'json') return jsonConnection(response, onBytes)
    return streamConnection(response, format, { watch: (work) => this.#watch(work), onBytes })
  }

  /** Formats without offsets or outcome are only good as long as nothing goes wrong. */
  #formatNow(): StreamFormat {
    const { format } = this.#options
    if (this.#isLastTry) return 'json'
    return this.status === 'connecting' || format === 'json' || wires[format].tellsOutcome ? format : 'ndjson'
  }

  /** Learns from an answer where the run can be found again. */
  #meet({ headers }: Response): void {
    this.run = headers.get('Stream-Run') ?? this.run
    const url = headers.get('Stream-Url')
    if (url !== null) this.path = this.#options.transport.pathOf(url)
  }

  /** Breaks the connection off when the work takes longer than any silence may. */
  async #watch<T>(work: Promise<T>, dial = this.#dial): Promise<T> {
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
      if (item.type === 'comment') continue
      if (item.type === 'end') {
        this.#next =
          item.offset === null || item.offset === this.position
            ? { end: endOf(item.outcome, item.error) }
            : { breakWith: lost('The stream ended at another offset than its chunks.') }
        break
      }
      if (item.type === 'error' && item.offset === null) {
        this.#fault = item.error
        continue
      }
      if (format !== 'text' && !this.#advance(item.offset ?? this.position + 1)) {
        if (this.#next !== null) break
        continue
      }
      this.#attempts = 0
      if (item.type === 'chunk') this.#hand(item, format, chunks)
      if (this.#next !== null) break
    }
    return chunks
  }

  /** Whether the chunk is the next one. One that was handed out already is passed over, a gap is a break. */
  #advance(offset: number): boolean {
    if (offset > this.position + 1) this.#next = { breakWith: lost('The stream has a gap.') }
    if (offset !== this.position + 1) return false
    this.position = offset
    return true
  }

  #hand({ content, metadata }: ReadChunk, format: StreamFormat, chunks: ReadChunk[]): void {
    if (this.#options.format !== 'text') {
      chunks.push({ content, metadata, offset: this.position })
      return
    }
    if (typeof content !== 'string' && this.#charactersToDrop > 0) {
      // The same value may be written in more ways than one, so its characters cannot be counted.
      const message = 'A stream of values cannot be taken up again as text. Use the format ndjson.'
      this.#next = { breakWith: new StreamError('text_not_resumable', message) }
      return
    }
    const text = typeof content === 'string' ? content : JSON.stringify(content)
    const dropped = Math.min(this.#charactersToDrop, text.length)
    this.#charactersToDrop -= dropped
    if (dropped === text.length) return
    if (format === 'text') this.#charactersRead += text.length
    chunks.push({ content: text.slice(dropped), metadata, offset: format === 'text' ? null : this.position })
  }

  async #recover(thrown: unknown): Promise<void> {
    const { retry, format } = this.#options
    const error = this.#asStreamError(thrown)
    this.#connection = null
    this.#next = null
    this.#dial.abort()
    if (this.end !== null) return
    if (!mayRetry(error) || this.#isLastTry) return this.#finish({ outcome: error.outcome, error })
    if (++this.#attempts > retry.attempts) {
      if (format === 'json') return this.#finish({ outcome: null, error })
      this.#isLastTry = true
    }
    this.#charactersToDrop += this.#charactersRead
    this.#charactersRead = 0
    this.#become('reconnecting', error)
    if (!this.#isLastTry) {
      await sleep(retryDelayMs(this.#attempts, retry, error.retryAfterMs), this.#leaving.signal)
    }
  }

  #asStreamError(thrown: unknown): StreamError {
    const fault = this.#fault
    this.#fault = null
    if (thrown instanceof StreamError && thrown.code !== 'connection_lost') return thrown
    if (fault !== null) return new StreamError(fault.code, fault.message, { recoverable: true, cause: thrown })
    if (thrown instanceof StreamError) return thrown
    if (thrown instanceof FormatError) return lost(thrown.message, thrown)
    return lost(
      `The connection to the server was lost: ${thrown instanceof Error ? thrown.message : 'no reason given'}.`,
      thrown,
    )
  }

  /** After the last words the answer itself ends: taking that too lets the connection serve the next request. */
  #letGo(): void {
    const dial = this.#dial
    this.#dial = new AbortController()
    const rest = this.#connection?.then((connection) => connection.read()) ?? Promise.resolve()
    void this.#watch<unknown>(rest, dial)
      .catch(() => undefined)
      .finally(() => dial.abort())
  }

  #finish(end: ReaderEnd): void {
    if (this.end !== null) return
    this.end = end
    if (end.outcome === 'completed') this.progress.complete()
    this.#leaving.abort()
    this.#dial.abort()
    this.#become('ended', end.error)
  }

  #become(status: ReaderStatus, cause: StreamError | null): void {
    if (this.status === status || this.status === 'ended') return
    this.status = status
    this.#options.onStatus(status, cause)
  }
}

function endOf(outcome: Outcome, error: PublicError | null): ReaderEnd {
  return { outcome, error: outcome === 'completed' ? null : outcomeError(outcome, error) }
}
