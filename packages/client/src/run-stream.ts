import type { Outcome } from '@streamstack/protocol'
import { page } from './page.ts'
import type { Progress } from './progress.ts'
import { type ReaderOptions, type ReaderStatus, ReconnectingReader } from './reconnecting-reader.ts'
import { sleep } from './retry.ts'
import { StreamError, answerError, asStreamError } from './stream-error.ts'

/** One chunk as it is handed out. */
export interface Chunk<Content = unknown, Metadata = Record<string, unknown>> {
  content: Content
  metadata: Metadata | null
  /** Where it stands in the stream, from 1; null in the format `text`, whose pieces are no chunks of the server's. */
  offset: number | null
}

/** How a stream ended. */
export interface StreamResult<Content = unknown, Metadata = Record<string, unknown>> {
  /** How the run ended; null when that is not known: the call was refused, the connection was lost for good, or the reader left. */
  outcome: Outcome | null
  /** Why, when the outcome is not `completed`. */
  error: StreamError | null
  /** Offset of the last chunk that was read: `client.read(stream.url, { after: offset })` goes on from there. */
  offset: number
  /** What `result()` read; empty when somebody else read the stream. */
  chunks: Chunk<Content, Metadata>[]
}

/** What listeners are told of the connection. */
export interface StreamStatus {
  status: ReaderStatus
  /** What broke the connection. */
  cause: StreamError | null
}

/** Events and what listeners get. `end` comes last, once, whatever happened; `error` before it, unless the run was completed, or this reader cancelled it or left. */
export interface StreamEvents<Content, Metadata> {
  chunk: Chunk<Content, Metadata>
  progress: Progress
  status: StreamStatus
  error: StreamError
  end: StreamResult<Content, Metadata>
}

type Listener = (event: never) => void

/** After so long a page gets its turn, to draw and to hear its user. */
const TURN_MS_MAX = 16

/** First wait before a cancel is sent again that reached the server before its call did. It doubles. */
const CANCEL_AGAIN_MS = 50

/**
 * A run's stream. Read it in one way: `for await`, or with a listener on `chunk`, or whole with `result()`. Leaving a loop leaves the run to
 * itself (the endpoint's `on_disconnect` decides); `cancel()` ends it.
 */
export class RunStream<Content = unknown, Metadata = Record<string, unknown>> implements AsyncIterable<
  Chunk<Content, Metadata>
> {
  readonly #reader: ReconnectingReader
  readonly #options: Omit<ReaderOptions, 'onStatus'>
  readonly #listeners = new Map<string, Set<Listener>>()
  readonly #ended = Promise.withResolvers<StreamResult<Content, Metadata>>()
  readonly #chunks: Chunk<Content, Metadata>[] = []
  /** Offset of the last chunk that the caller got; null before the first, and where the format has no offsets. */
  #handedOffset: number | null = null
  #isTaken = false
  #isCancelling = false

  constructor(options: Omit<ReaderOptions, 'onStatus'>, signal: AbortSignal | undefined) {
    this.#options = options
    this.#reader = new ReconnectingReader({
      ...options,
      onStatus: (status, cause) => {
        this.#emit('status', { status, cause })
        if (status === 'ended') signal?.removeEventListener('abort', abort)
      },
    })
    const abort = (): void => {
      this.#leave(new StreamError('aborted', 'The caller aborted.', { cause: signal?.reason }))
    }
    signal?.addEventListener('abort', abort)
    if (signal?.aborted === true) abort()
  }

  /** Id of the run; null until the server has answered. */
  get run(): string | null {
    return this.#reader.run
  }

  /** Path of the stream for `client.read`, on this page or another; null until the server has answered. */
  get url(): string | null {
    return this.#reader.path
  }

  /** Offset of the last chunk that was read. */
  get offset(): number {
    return this.#handedOffset ?? this.#reader.position
  }

  get status(): ReaderStatus {
    return this.#reader.status
  }

  get progress(): Progress {
    return this.#reader.progress.now()
  }

  /**
   * Listens, and starts reading, unless a loop or `result()` in the same tick does. Returns what takes the listener away.
   */
  on<Name extends keyof StreamEvents<Content, Metadata>>(
    name: Name,
    listener: (event: StreamEvents<Content, Metadata>[Name]) => void,
  ): () => void {
    let listeners = this.#listeners.get(name)
    if (listeners === undefined) this.#listeners.set(name, (listeners = new Set()))
    listeners.add(listener)
    // A run that nobody takes the chunks of has its result to ask for later.
    queueMicrotask(() => this.#isTaken || this.#flow(this.#options.order === 'next' && !this.#listeners.has('chunk')))
    return () => void listeners.delete(listener)
  }

  /** The chunks, as fast as the loop takes them. Throws StreamError when the run does not complete, unless it was cancelled here. */
  [Symbol.asyncIterator](): AsyncIterator<Chunk<Content, Metadata>, undefined> {
    if (this.#isTaken) throw new StreamError('call_invalid', 'The stream is read already: loop right after `on`.')
    this.#isTaken = true
    return this.#iterate()
  }

  /** Waits for the end, and reads up to it when nobody else does. Never rejects: `outcome` and `error` tell. */
  result(): Promise<StreamResult<Content, Metadata>> {
    if (!this.#isTaken) this.#flow(true)
    return this.#ended.promise
  }

  /**
   * Ends the run on the server; what was sent is kept and still arrives. Rejects with StreamError when the server cannot be told.
   */
  async cancel(): Promise<void> {
    this.#isCancelling = true
    const { transport, call, headers: own } = this.#options
    for (let waitMs = CANCEL_AGAIN_MS; this.#reader.end === null; waitMs *= 2) {
      const { run } = this
      // Until an answer has told the id, the key of the call stands for the run.
      const headers = run === null && call !== null ? { ...own, 'Idempotency-Key': call.key } : own
      const path = `/v1/runs/${run === null ? '' : `${encodeURIComponent(run)}/`}cancel`
      const response = await transport.send(path, { method: 'POST' }, headers).catch((thrown: unknown) => {
        throw asStreamError(thrown)
      })
      if (response.ok) {
        await response.body?.cancel()
        return
      }
      const error = await answerError(response)
      if (error.code !== 'run_unknown' || run !== null || call === null) throw error
      // It overtook the call.
      await sleep(waitMs)
    }
  }

  /** Stops reading and lets the run be. */
  leave(): void {
    this.#leave(new StreamError('left', 'The reader left.'))
  }

  #leave(error: StreamError): void {
    this.#reader.leave(error)
    if (!this.#isTaken) this.#flow(false)
  }

  async *#iterate(): AsyncGenerator<Chunk<Content, Metadata>, undefined> {
    let turnAtMs = performance.now()
    try {
      for (let chunks; (chunks = await this.#reader.pull()) !== null;) {
        // What the endpoint sends is for the caller to know.
        for (const chunk of chunks as readonly Chunk<Content, Metadata>[]) {
          this.#hand(chunk)
          yield chunk
          // What has arrived is handed out without a turn of the page between, however much it is. A page that is not seen needs none.
          if (page.document?.hidden === false && performance.now() - turnAtMs > TURN_MS_MAX) {
            await sleep(1)
            turnAtMs = performance.now()
          }
        }
      }
    } finally {
      this.leave()
      this.#finish()
    }
    const { error } = await this.#ended.promise
    if (error !== null && this.#isFault(error)) throw error
  }

  /** Reads to the end for listeners and `result()`. */
  #flow(keeps: boolean): void {
    this.#isTaken = true
    const flow = async (): Promise<void> => {
      for await (const chunk of this.#iterate()) if (keeps) this.#chunks.push(chunk)
    }
    // Listeners and the result tell what went wrong.
    flow().catch(() => undefined)
  }

  #hand(chunk: Chunk<Content, Metadata>): void {
    const { progress } = this.#reader
    // The reader is ahead: it takes chunks in batches.
    this.#handedOffset = chunk.offset
    progress.countChunk(chunk.metadata as object | null)
    this.#emit('chunk', chunk)
    if (this.#listeners.has('progress')) this.#emit('progress', progress.now())
  }

  #finish(): void {
    const { end } = this.#reader
    if (end === null) return
    const { outcome, error } = end
    const result = { outcome, error, offset: this.offset, chunks: this.#chunks }
    this.#emit('progress', this.progress)
    if (error !== null && this.#isFault(error)) this.#emit('error', error)
    this.#emit('end', result)
    this.#ended.resolve(result)
  }

  /** What the reader did itself is no fault. */
  #isFault({ code, outcome }: StreamError): boolean {
    return code !== 'left' && !(outcome === 'cancelled' && this.#isCancelling)
  }

  #emit<Name extends keyof StreamEvents<Content, Metadata>>(
    name: Name,
    event: StreamEvents<Content, Metadata>[Name],
  ): void {
    for (const listener of this.#listeners.get(name) ?? []) {
      try {
        listener(event as never)
      } catch (error) {
        // A fault of one listener is the page's to see, and no fault of the stream.
        queueMicrotask(() => {
          throw error
        })
      }
    }
  }
}
