import type { ChunkKind, Outcome } from '@streamstack/protocol'
import { page } from './page.ts'
import type { Progress } from './progress.ts'
import type { ReadChunk, ReaderOptions, ReaderStatus } from './reader-options.ts'
import { ReconnectingReader } from './reconnecting-reader.ts'
import { sleep } from './retry.ts'
import { StreamError, answerError, asStreamError, invalid } from './stream-error.ts'

/** One chunk as it is handed out. */
export interface Chunk<Content = unknown, Metadata = Record<string, unknown>> {
  /** `text` or `json`: content of the answer. Others come where the call asks for them with `kinds`. */
  kind: ChunkKind
  content: Content
  metadata: Metadata | null
  /** Where it stands in the stream, from 1; null in the format `text`, whose pieces are no chunks of the server's, and in `presence()`. */
  offset: number | null
}

/** How a stream ended. */
export interface StreamResult<Content = unknown, Metadata = Record<string, unknown>> {
  /** How the run ended; null when there was none or that is not known: the call was refused, the connection was lost for good, or the reader left. */
  outcome: Outcome | null
  /** Why, when the outcome is not `completed`. */
  error: StreamError | null
  /** Offset of the last chunk that was handed out: `client.read(stream.url, { after: offset })` goes on from there. */
  offset: number
  /** All of them, when `result()` took them; empty when a loop or listeners did. */
  chunks: Chunk<Content, Metadata>[]
}

/** Where the connection stands. */
export interface StreamStatus {
  status: ReaderStatus
  /** What broke the connection, or ended the stream; null: nothing went wrong. */
  cause: StreamError | null
  /**
   * With `reconnecting`: delay before the next attempt, in milliseconds; it grows with each
   * attempt. Otherwise 0.
   */
  waitMs: number
}

/**
 * Events and what listeners get. `chunk` and `progress` come with each chunk that is taken. `end` comes last, once, whatever happened; `error` right before it,
 * unless the run was completed, or this reader cancelled it or left. A listener that is added after the end is told of it, too.
 */
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
 * Attempts to report to the server that the reader of a call has disconnected; the call itself may
 * arrive late or never.
 */
const LEAVE_TRIES = 5

/**
 * A run's stream. Its chunks are taken in one way, each once: by a loop (`for await`), by listeners on `chunk`, or by `result()`. Until one of them begins, the first
 * ones wait, and the server with the rest. Leaving a loop ends the run if it has no other reader, unless its endpoint says `on_disconnect: continue`; `leave()` before that lets it go on for a while, and `cancel()` ends it in any case.
 */
export class RunStream<Content = unknown, Metadata = Record<string, unknown>> implements AsyncIterable<
  Chunk<Content, Metadata>
> {
  readonly #reader: ReconnectingReader
  readonly #options: Omit<ReaderOptions, 'onStatus'>
  readonly #listeners = new Set<{ name: string; listener: Listener }>()
  readonly #ended = Promise.withResolvers<StreamResult<Content, Metadata>>()
  readonly #chunks: Chunk<Content, Metadata>[] = []
  /** The first chunks, requested at once, so that a refused call is reported before the page takes chunks. Further chunks are read once it does. */
  readonly #firstChunks: Promise<readonly ReadChunk[] | null>
  /** Offset of the last chunk that the caller got, or after which the first one comes; null until that is known, and where chunks have no offsets. */
  #handedOffset: number | null = null
  #isTaken = false
  #isCancelling = false

  constructor(options: Omit<ReaderOptions, 'onStatus'>, signal: AbortSignal | undefined) {
    this.#options = options
    this.#reader = new ReconnectingReader({
      ...options,
      onStatus: (status, cause, waitMs) => {
        if (status === 'open') this.#handedOffset ??= this.#reader.position
        this.#emit('status', () => ({ status, cause, waitMs }))
        if (status !== 'ended') return
        signal?.removeEventListener('abort', abort)
        options.streams?.delete(this)
      },
    })
    const abort = (): void => {
      this.#leave(new StreamError('aborted', 'The caller aborted.', { cause: signal?.reason }))
    }
    options.streams?.add(this)
    signal?.addEventListener('abort', abort)
    if (signal?.aborted === true) abort()
    this.#firstChunks = this.#reader.pull()
    void this.#firstChunks.then((chunks) => chunks === null && this.#finish())
  }

  /** Id of the run; null until the server has answered. */
  get run(): string | null {
    return this.#reader.run
  }

  /** Path of the stream for `client.read`, on this page or another; null until the server has answered. */
  get url(): string | null {
    return this.#reader.path
  }

  /** Offset of the last chunk that was handed out; before the first, the one after which reading begins. */
  get offset(): number {
    return this.#handedOffset ?? this.#reader.position
  }

  /** Where the connection stands now. */
  get status(): ReaderStatus {
    return this.#reader.status
  }

  /** How far the stream has come now. */
  get progress(): Progress {
    return this.#reader.progress.now()
  }

  /**
   * Listens; returns what takes the listener away. A listener on `chunk` takes the chunks, as fast as they come, or at the pace of a loop that begins in the same tick.
   * Any other only looks on, and may be added at any time: without a loop, a listener on `chunk` or `result()` nothing is read up to the end.
   */
  on<Name extends keyof StreamEvents<Content, Metadata>>(
    name: Name,
    listener: (event: StreamEvents<Content, Metadata>[Name]) => void,
  ): () => void {
    const entry = { name, listener }
    this.#listeners.add(entry)
    if (name === 'chunk') queueMicrotask(() => this.#isTaken || this.#flow(false))
    // After the end that is all there is to tell.
    void this.#ended.promise.then(() => this.#finish())
    return () => void this.#listeners.delete(entry)
  }

  /**
   * The chunks, as fast as the loop takes them. Throws StreamError when the run does not complete, unless it was cancelled or left here; `call_invalid` when the chunks
   * are taken already.
   */
  [Symbol.asyncIterator](): AsyncIterator<Chunk<Content, Metadata>, undefined> {
    if (this.#isTaken) {
      throw invalid('A loop, a `chunk` listener or result() has taken the chunks; client.read(stream.url) reads anew.')
    }
    this.#isTaken = true
    return this.#iterate()
  }

  /** Waits for the end. Keeps all chunks unless other code takes them. Never rejects: see `outcome` and `error`. */
  result(): Promise<StreamResult<Content, Metadata>> {
    if (!this.#isTaken) this.#flow(true)
    return this.#ended.promise
  }

  /**
   * Ends the run on the server; what was sent is kept and still arrives where the chunks are taken. Rejects with StreamError when the server cannot be told, or
   * this is no run.
   */
  async cancel(): Promise<void> {
    this.#isCancelling = true
    await this.#sendCancel('', () => this.#reader.end === null)
  }

  /** `isDue`: asked before each try. */
  async #sendCancel(query: string, isDue: () => boolean): Promise<void> {
    const { transport, call, headers: own } = this.#options
    for (let waitMs = CANCEL_AGAIN_MS; isDue(); waitMs *= 2) {
      const { run } = this
      // Until an answer has told the id, the key of the call stands for the run.
      const headers = run === null && call !== null ? { ...own, 'Idempotency-Key': call.key } : own
      const path = run === null ? 'cancel' : `${encodeURIComponent(run)}/cancel`
      const response = await transport
        .send(`/v1/runs/${path}${query}`, { method: 'POST' }, headers)
        .catch((thrown: unknown) => {
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

  /**
   * Stops reading for good, as leaving a loop does: the server cancels the run at once if it has no other reader, unless its endpoint says
   * `on_disconnect: continue`. What is read by its URL is only left.
   */
  close(): void {
    const isOpen = this.#reader.end === null
    this.leave()
    if (!isOpen || this.#options.call === null) return
    // The server finds out by itself, later.
    let tries = LEAVE_TRIES
    this.#sendCancel('?unread=true', () => tries-- > 0).catch(() => undefined)
  }

  /** Stops reading, to resume later: the run continues for the endpoint's `disconnect_grace`. */
  leave(): void {
    this.#leave(new StreamError('left', 'The reader left.'))
  }

  #leave(error: StreamError): void {
    this.#reader.stop(error)
    // Not at once: a listener may have called this.
    queueMicrotask(() => this.#finish())
  }

  async *#iterate(): AsyncGenerator<Chunk<Content, Metadata>, undefined> {
    let turnAtMs = performance.now()
    try {
      for (let chunks = await this.#firstChunks; chunks !== null; chunks = await this.#reader.pull()) {
        // What the endpoint sends is for the caller to know.
        for (const chunk of chunks as readonly Chunk<Content, Metadata>[]) {
          // It was left meanwhile.
          if (this.#reader.end !== null) break
          this.#hand(chunk)
          yield chunk
          // What has arrived is handed out without a turn of the page between, however much it is. A page that is not seen needs none.
          if (page.document?.hidden === false && performance.now() - turnAtMs > TURN_MS_MAX) {
            await new Promise((resolve) => setTimeout(resolve, 1))
            turnAtMs = performance.now()
          }
        }
      }
    } finally {
      this.close()
    }
    if (this.#fault !== null) throw this.#fault
  }

  /** Takes the chunks for listeners and `result()`. */
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
    this.#emit('chunk', () => chunk)
    this.#emit('progress', () => progress.now())
  }

  #finish(): void {
    const { end } = this.#reader
    if (end === null) return
    const fault = this.#fault
    const result = { ...end, offset: this.offset, chunks: this.#chunks }
    this.#emit('progress', () => this.progress)
    if (fault !== null) this.#emit('error', () => fault)
    this.#emit('end', () => result)
    this.#listeners.clear()
    this.#ended.resolve(result)
  }

  /** What went wrong; what the caller did is no fault. */
  get #fault(): StreamError | null {
    const error = this.#reader.end?.error ?? null
    const isWanted = error?.code === 'left' || (error?.outcome === 'cancelled' && this.#isCancelling)
    return isWanted ? null : error
  }

  #emit<Name extends keyof StreamEvents<Content, Metadata>>(
    name: Name,
    event: () => StreamEvents<Content, Metadata>[Name],
  ): void {
    for (const entry of this.#listeners) {
      try {
        if (entry.name === name) entry.listener(event() as never)
      } catch (error) {
        // A fault of one listener is the page's to see, and no fault of the stream.
        queueMicrotask(() => {
          throw error
        })
      }
    }
  }
}
