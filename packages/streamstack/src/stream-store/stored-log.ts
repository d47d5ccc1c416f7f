import { type Chunk, StreamstackError, type StreamEnd, toStreamstackError } from '@streamstack/protocol'
import { type Batch, MemoryLog, type StreamLog, chunkBytes } from '../stream/index.ts'
import type { LiveStream, StreamWatcher } from './live-stream.ts'
import type { StreamStore } from './stream-store.ts'
import { decodeStored, encodeStored, encodeStoredEnd } from './stored-chunk.ts'

/** What may wait for the disk before the producer waits, too. */
const UNKEPT_BYTES_MAX = 1_048_576

/** How much a reader that is behind gets at once. */
const READ_BYTES = 32_768

/** When the disk is behind with what all have appended: how long until the next try. */
const RETRY_MS = 20

export interface StoredLogOptions {
  readonly store: StreamStore
  readonly stream: LiveStream
  /** The newest chunks that are kept in memory as well, for the readers at the end of the stream. */
  readonly recentBytes: number
  /** The note of the stream once it has ended, kept together with the end. */
  readonly noteAtEnd: (end: Omit<StreamEnd, 'offset'>) => string
  /** Called once, when something could not be kept: nothing more will be. */
  readonly onFailure: (error: StreamstackError) => void
}

/** A log whose chunks are seen when the store has kept them, and read from there by those who are behind. Offsets are the positions in the store. */
export class StoredLog implements StreamLog, StreamWatcher {
  lastOffset: number
  onVisible: (() => void) | null = null
  readonly #store: StreamStore
  readonly #stream: LiveStream
  readonly #recent: MemoryLog
  readonly #noteAtEnd: StoredLogOptions['noteAtEnd']
  readonly #onFailure: StoredLogOptions['onFailure']
  /** What came since the last write, and as bytes. */
  #chunks: Chunk[] = []
  #messages: Buffer[] = []
  #isScheduled = false
  #unkeptBytes = 0
  #waiting: (() => void)[] = []
  #failure: StreamstackError | null = null

  constructor({ store, stream, recentBytes, noteAtEnd, onFailure }: StoredLogOptions) {
    this.#store = store
    this.#stream = stream
    this.#noteAtEnd = noteAtEnd
    this.#onFailure = onFailure
    // The end, which comes last of a closed stream, is no chunk.
    this.lastOffset = stream.visibleTail - (stream.isVisiblyClosed ? 1 : 0)
    this.#recent = new MemoryLog(recentBytes, this.lastOffset)
    // Keeps the store from letting go of it while it is written.
    if (!stream.isVisiblyClosed) stream.watchers.add(this)
  }

  get droppedOffset(): number {
    return Math.min(this.#stream.record.dropped, this.lastOffset)
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

  async finish(end: Omit<StreamEnd, 'offset'>, last: Chunk | null): Promise<void> {
    if (last !== null) this.#add(last)
    try {
      await this.#write(end)
    } finally {
      this.#stream.watchers.delete(this)
    }
  }

  read(after: number): Batch | null {
    if (after >= this.lastOffset) return null
    if (after >= this.#recent.droppedOffset) return this.#recent.read(after)
    const page = this.#store.read(this.#stream, after, READ_BYTES)
    const chunks = decodeStored(page.parts)
    // Whoever is behind what is in memory holds nobody up.
    return { chunks, from: 0, to: chunks.length, offset: after + 1, bytesThrough: 0 }
  }

  #add(chunk: Chunk): void {
    this.#chunks.push(chunk)
    this.#messages.push(encodeStored(chunk))
    this.#unkeptBytes += chunkBytes(chunk)
  }

  #flush(): void {
    this.#isScheduled = false
    // What it throws has been told to `onFailure`.
    if (this.#failure === null) this.#write(null).catch(() => undefined)
  }

  /** Writes what has come, and an end if there is one. */
  async #write(end: Omit<StreamEnd, 'offset'> | null): Promise<void> {
    if (this.#failure !== null) throw this.#failure
    const chunks = this.#chunks
    const messages = this.#messages
    if (end === null && chunks.length === 0) return
    try {
      const kept =
        end === null
          ? this.#store.extend(this.#stream, messages)
          : this.#store.extend(this.#stream, [...messages, encodeStoredEnd(end)], {
              close: true,
              note: this.#noteAtEnd(end),
            })
      this.#chunks = []
      this.#messages = []
      if (kept !== undefined) await kept
    } catch (thrown) {
      const error = toStreamstackError(thrown)
      if (error.code === 'unavailable') return this.#tryAgain(end)
      throw this.#fail(error)
    }
    this.#show(chunks)
  }

  /** The disk is behind: what has come stays here, with what comes meanwhile, and its producer waits. */
  async #tryAgain(end: Omit<StreamEnd, 'offset'> | null): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS))
    return this.#write(end)
  }

  #show(chunks: readonly Chunk[]): void {
    for (const chunk of chunks) {
      this.#recent.append(chunk)
      this.#unkeptBytes -= chunkBytes(chunk)
    }
    this.lastOffset += chunks.length
    if (this.#unkeptBytes < UNKEPT_BYTES_MAX) this.#release()
    if (chunks.length > 0) this.onVisible?.()
  }

  #fail(error: StreamstackError): StreamstackError {
    if (this.#failure !== null) return this.#failure
    this.#failure = error
    this.#chunks = []
    this.#messages = []
    this.#stream.watchers.delete(this)
    this.#release()
    this.#onFailure(error)
    return error
  }

  #release(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const resolve of waiting) resolve()
  }
}
