import { type Chunk, StreamstackError, type StreamEnd, toStreamstackError } from '@streamstack/protocol'
import { after } from '../storage/index.ts'
import { type Batch, MemoryLog, type StreamLog, activeMemory, chunkBytes } from '../stream/index.ts'
import { readStored } from './finished-log.ts'
import type { LiveStream, StreamWatcher, Watch } from './live-stream.ts'
import type { StreamStore } from './stream-store.ts'
import { encodeStored, encodeStoredEnd } from './stored-chunk.ts'

/** What may wait for the disk before the producer waits, too. */
const UNKEPT_BYTES_MAX = 1_048_576

/** When the disk is behind with what all have appended: how long until the next try. */
const RETRY_MS = 20

/** So long a disk may be behind; then nothing more is taken. */
const BEHIND_MS_MAX = 30_000

/** What a stream ends with. */
export interface StoredEnd {
  /** Its note from then on, kept together with the end. */
  readonly note: string
  /** How long it is kept after it was last written or read; null: for ever. */
  readonly ttlSeconds: number | null
}

export interface StoredLogOptions {
  readonly store: StreamStore
  /** Not closed. */
  readonly stream: LiveStream
  /** Settles when the making of the stream is kept, where it was just made. */
  readonly created: void | Promise<unknown>
  /** The newest chunks that are kept in memory as well, for the readers at the end of the stream. */
  readonly recentBytes: number
  readonly atEnd: (end: Omit<StreamEnd, 'offset'>) => StoredEnd
  /** Called once, when something could not be kept: nothing more will be. */
  readonly onFailure: (error: StreamstackError) => void
  /** Returns the failure in the form that readers receive as the reason of the end. */
  readonly tell: (error: StreamstackError) => StreamstackError
}

/**
 * A log whose chunks are seen when the store has kept them, and read from there by those who are behind. Offsets are the positions in the store. What
 * comes in one turn is written together, and what comes while the disk is busy does not wait for it: the store keeps the order.
 */
export class StoredLog implements StreamLog, StreamWatcher {
  lastOffset: number
  onVisible: (() => void) | null = null
  readonly #store: StreamStore
  readonly #stream: LiveStream
  readonly #recent: MemoryLog
  readonly #atEnd: StoredLogOptions['atEnd']
  readonly #onFailure: StoredLogOptions['onFailure']
  readonly #tell: StoredLogOptions['tell']
  /** What came since the last write, and as bytes. */
  #chunks: Chunk[] = []
  #messages: Buffer[] = []
  #end: Omit<StreamEnd, 'offset'> | null = null
  readonly #watch: Watch
  readonly #ended = Promise.withResolvers<void>()
  #isScheduled = false
  /** Since when the store takes nothing, on the monotonic clock; null: it does. */
  #behindSinceMs: number | null = null
  #unkeptBytes = 0
  #waiting: (() => void)[] = []
  #failure: StreamstackError | null = null

  constructor({ store, stream, created, recentBytes, atEnd, onFailure, tell }: StoredLogOptions) {
    this.#store = store
    this.#stream = stream
    this.#atEnd = atEnd
    this.#onFailure = onFailure
    this.#tell = tell
    this.lastOffset = stream.visibleTail
    this.#recent = new MemoryLog(recentBytes, { after: this.lastOffset, budget: activeMemory })
    // Keeps the store from letting go of it while it is written.
    this.#watch = stream.watch(this)
    created?.catch((thrown: unknown) => this.#fail(thrown))
  }

  /** What retention has taken from the disk may still be in memory. */
  get droppedOffset(): number {
    return Math.min(this.#stream.record.dropped, this.#recent.droppedOffset)
  }

  get bytesHeld(): number {
    return this.#recent.bytesHeld + this.#unkeptBytes
  }

  /** Nothing is to be done: what is kept is told by the write itself. */
  wake(): void {}

  append(chunk: Chunk): void | Promise<void> {
    if (this.#failure !== null) throw this.#failure
    this.#add(chunk)
    if (!this.#isScheduled) {
      this.#isScheduled = true
      queueMicrotask(() => this.#flush())
    }
    return this.#unkeptBytes < UNKEPT_BYTES_MAX ? undefined : new Promise((resolve) => this.#waiting.push(resolve))
  }

  finish(end: Omit<StreamEnd, 'offset'>, last: Chunk | null): Promise<void> {
    if (this.#failure !== null) return Promise.reject(this.#tell(this.#failure))
    if (last !== null) this.#add(last)
    this.#end = end
    this.#flush()
    return this.#ended.promise
  }

  read(offset: number): Batch | null | Promise<Batch> {
    if (offset >= this.lastOffset) return null
    if (offset >= this.#recent.droppedOffset) return this.#recent.read(offset)
    return after(readStored(this.#store, this.#stream, offset), (batch) => ({
      ...batch,
      // No further than to where memory begins: what is taken from there is what producers wait for.
      to: Math.min(batch.to, this.#recent.droppedOffset - offset),
    }))
  }

  #add(chunk: Chunk): void {
    this.#chunks.push(chunk)
    this.#messages.push(encodeStored(chunk))
    this.#unkeptBytes += chunkBytes(chunk)
  }

  /** Hands on what has come, with the end if that has come. */
  #flush(): void {
    this.#isScheduled = false
    const end = this.#end
    if (this.#failure !== null || (this.#chunks.length === 0 && end === null)) return
    const chunks = this.#chunks
    const messages = end === null ? this.#messages : [...this.#messages, encodeStoredEnd(end)]
    let kept: void | Promise<void>
    try {
      kept = this.#store.extend(this.#stream, messages, end === null ? {} : { close: true, ...this.#atEnd(end) })
    } catch (thrown) {
      const error = toStreamstackError(thrown)
      if (error.code === 'unavailable') this.#tryAgain(error)
      else this.#fail(error)
      return
    }
    this.#behindSinceMs = null
    this.#chunks = []
    this.#messages = []
    this.#end = null
    if (kept === undefined) this.#show(chunks, end !== null)
    else {
      kept.then(
        () => this.#show(chunks, end !== null),
        (thrown: unknown) => this.#fail(thrown),
      )
    }
  }

  /** The disk is behind: what has come stays here, with what comes meanwhile, and its producer waits. */
  #tryAgain(error: StreamstackError): void {
    const nowMs = performance.now()
    this.#behindSinceMs ??= nowMs
    if (nowMs - this.#behindSinceMs > BEHIND_MS_MAX) {
      this.#fail(error)
      return
    }
    this.#isScheduled = true
    setTimeout(() => this.#flush(), RETRY_MS)
  }

  #show(chunks: readonly Chunk[], isEnd: boolean): void {
    for (const chunk of chunks) {
      this.#recent.append(chunk)
      this.#unkeptBytes -= chunkBytes(chunk)
    }
    this.lastOffset += chunks.length
    if (this.#unkeptBytes < UNKEPT_BYTES_MAX) this.#release()
    if (chunks.length > 0) this.onVisible?.()
    if (!isEnd) return
    this.#watch.remove()
    this.#ended.resolve()
  }

  #fail(thrown: unknown): void {
    if (this.#failure !== null) return
    const error = toStreamstackError(thrown)
    // A stream whose making failed is not there any more; that callers could make it with PUT is no advice here.
    this.#failure =
      error.code === 'stream_unknown'
        ? new StreamstackError('storage_failed', 'The stream could not be kept.', { cause: error })
        : error
    this.#chunks = []
    this.#messages = []
    this.#unkeptBytes = 0
    this.#watch.remove()
    // It may settle before a caller awaits it.
    this.#ended.promise.catch(() => undefined)
    this.#ended.reject(this.#tell(this.#failure))
    this.#release()
    this.#onFailure(this.#failure)
  }

  #release(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const resolve of waiting) resolve()
  }
}
