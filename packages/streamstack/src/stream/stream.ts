import { type Chunk, type StreamEnd, publicError } from '@streamstack/protocol'
import type { ChunkTimes } from './chunk-times.ts'
import { type Batch, type StreamLog, chunkBytes } from './log.ts'
import type { MemoryBudget } from './memory-budget.ts'

/** Chunks that pile up within one tick go out early when they reach this. */
const FLUSH_BYTES = 32_768

/** How far the fastest reader may be behind before the producer waits; less where the log keeps less. */
const LAG_BYTES_MAX = 262_144

/**
 * A reader: the stream wakes it when there are new chunks, and it calls `read` when it can accept
 * more.
 */
export interface StreamReader {
  /** Offset of the last chunk taken. */
  readonly position: number
  /** New chunks or the end are there. Must not throw. */
  wake(): void
}

export interface StreamOptions {
  log: StreamLog
  /**
   * What happens without readers: `wait` keeps every chunk for the reader to come and lets the producer wait when `unreadBytesMax` are
   * kept; `drop` lets it go on, the log drops the oldest.
   */
  whenUnread: 'wait' | 'drop'
  unreadBytesMax: number
  /** Takes the times of the chunks. Default: they are not kept. */
  times?: ChunkTimes
  /** How far the fastest reader may be behind before the producer waits. Default: as `unreadBytesMax`, 256 KiB at most. */
  lagBytesMax?: number
  /** Lets the producer wait earlier while little is free. Default: none. */
  budget?: MemoryBudget | null
}

/**
 * An append-only log of chunks with offsets and, at the end, one outcome; any number of readers, each with its own position.
 * The producer waits for the fastest reader, never for a slow one: that one falls behind in the log, at no cost to others.
 */
export class Stream {
  readonly log: StreamLog
  /** Null while chunks may come. */
  end: StreamEnd | null = null
  /** What one reader has encoded, for the others that read in the same format; by what each wrote it with. Null: nothing is. */
  shared: Map<unknown, unknown> | null = null
  /** Of the chunks that come one after another, one at a time is marked with when it came, so that a reader can tell how long it took to it. */
  markedOffset = 0
  /** On the monotonic clock. */
  markedAtMs = 0
  /** Times of the chunks; null: they are not kept. */
  readonly times: ChunkTimes | null
  /** Since when a producer has been waiting for readers, on the monotonic clock; null: none waits. */
  congestedSinceMs: number | null = null
  /** Readers that take nothing are disconnected: the server needs the room. */
  isGivenUp = false
  readonly budget: MemoryBudget | null
  readonly #whenUnread: 'wait' | 'drop'
  readonly #unreadBytesMax: number
  readonly #lagBytesMax: number
  readonly #flushBytes: number
  readonly #readers = new Set<StreamReader>()
  /** Bytes appended in all, and how many of them some reader has taken. */
  #bytesAppended = 0
  #bytesTaken = 0
  #bytesUnflushed = 0
  /** Of all bytes appended, those at which the producer waits; smaller when the budget or the readers have changed since. */
  #fullAt = 0
  /** Offset of the newest chunk, whether or not it can be seen. */
  #appendedOffset: number
  #isMarked = false
  #wakeScheduled = false
  #isFinished = false
  /** Whether the log wants to know what was taken. */
  #followsTaken = false
  #waitingProducers: (() => void)[] = []
  #endListeners: (() => void)[] = []

  constructor(options: StreamOptions) {
    this.log = options.log
    this.times = options.times ?? null
    this.#appendedOffset = options.log.lastOffset
    this.#whenUnread = options.whenUnread
    this.#unreadBytesMax = options.unreadBytesMax
    this.budget = options.budget ?? null
    if (this.budget !== null && this.log.takenBytes !== undefined) this.#followsTaken = true
    this.#noteTaken()
    // A log that keeps little must not drop what its only reader has yet to take.
    this.#lagBytesMax = Math.min(LAG_BYTES_MAX, options.lagBytesMax ?? options.unreadBytesMax)
    this.#flushBytes = Math.min(FLUSH_BYTES, this.#lagBytesMax / 4)
    const wake = (): void => this.#wakeReaders()
    if (this.log.onVisible !== undefined) this.log.onVisible = wake
  }

  get lastOffset(): number {
    return this.log.lastOffset
  }

  /** Whether the log still holds what comes after an offset, or will. */
  holdsAfter(offset: number): boolean {
    return offset >= this.log.droppedOffset
  }

  get readerCount(): number {
    return this.#readers.size
  }

  /** Bytes appended so far, as `chunkBytes` counts. */
  get bytesAppended(): number {
    return this.#bytesAppended
  }

  /**
   * Adds a chunk. It goes to readers together with what else comes in the same tick, at whose end a socket sends what was written to it. A promise means: wait for
   * it before appending more (readers are behind, or the log is writing).
   */
  append(chunk: Chunk): void | Promise<void> {
    const { lastOffset } = this.log
    const written = this.log.append(chunk)
    this.#appendedOffset = Math.max(this.#appendedOffset + 1, this.log.lastOffset)
    if (!this.#isMarked) this.#mark()
    const bytes = chunkBytes(chunk)
    this.#bytesAppended += bytes
    if (this.log.lastOffset !== lastOffset) return this.#seen(bytes)
    // The log says when it can be seen.
    if (written !== undefined) return written.then(() => this.room())
    return this.#isFull() ? this.room() : undefined
  }

  /**
   * Adds a chunk for a producer that never waits, to a log that shows it at once. Returns its offset. It counts as taken, as if by the fastest
   * of readers: those that are behind hold nothing up, and the log drops what they miss.
   */
  appendWithoutWaiting(chunk: Chunk): number {
    void this.append(chunk)
    const { lastOffset } = this.log
    void this.read(lastOffset - 1)
    return lastOffset
  }

  #seen(bytes: number): void | Promise<void> {
    this.#bytesUnflushed += bytes
    if (this.#bytesUnflushed >= this.#flushBytes) {
      this.#wakeReaders()
      return this.#isFull() ? this.room() : undefined
    }
    if (!this.#wakeScheduled) {
      this.#wakeScheduled = true
      queueMicrotask(() => this.#scheduledWake())
    }
    // Chunks that come one by one fill what readers do not take, too.
    return this.#bytesAppended >= this.#fullAt && this.#isFull() ? this.room() : undefined
  }

  /**
   * Says how the stream ended, after one last chunk if there is one. Nothing can be appended after. Readers hear of it when the log has kept it; a log
   * that cannot keep it was left before its end, and that is the outcome.
   */
  finish(end: Omit<StreamEnd, 'offset'>, last: Chunk | null): void {
    if (this.#isFinished) throw new Error('a stream ends once')
    this.#isFinished = true
    const written = this.log.finish(end, last)
    if (written === undefined) this.#finished(end)
    else {
      written.then(
        () => this.#finished(end),
        (error: unknown) => this.#finished({ outcome: 'abandoned', error: publicError(error) }),
      )
    }
  }

  #finished(end: Omit<StreamEnd, 'offset'>): void {
    this.end = { outcome: end.outcome, offset: this.log.lastOffset, error: end.error }
    this.#wakeReaders()
    this.#releaseProducers()
    const listeners = this.#endListeners
    this.#endListeners = []
    for (const listener of listeners) listener()
  }

  /** Calls once, when the stream has ended; at once when it has already. */
  onEnd(listener: () => void): void {
    if (this.end === null) this.#endListeners.push(listener)
    else listener()
  }

  attach(reader: StreamReader): void {
    this.#readers.add(reader)
    this.#fullAt = 0
    this.#noteTaken()
    // A reader that begins at the end asks for nothing. A producer that waits for slower readers must learn of it.
    const { lastOffset } = this.log
    if (this.#waitingProducers.length > 0 && lastOffset > 0 && reader.position >= lastOffset)
      void this.read(lastOffset - 1)
  }

  detach(reader: StreamReader): void {
    this.#readers.delete(reader)
    if (this.#readers.size < 2) this.shared = null
    this.#fullAt = 0
    this.#noteTaken()
    // A producer that waited for this reader alone can go on.
    if (this.#waitingProducers.length > 0 && !this.#isFull()) this.#releaseProducers()
  }

  /** The next chunks for a reader at `after`; by asking it tells how far it has come. Throws, or rejects, when the log cannot read them. */
  read(after: number): Batch | null | Promise<Batch | null> {
    const batch = this.log.read(after)
    if (batch instanceof Promise) return batch.then((late) => this.#take(late))
    return this.#take(batch)
  }

  /** Whether a producer waits for readers: another one, of the same run, waits behind it before it adds to what is held. */
  get isCongested(): boolean {
    return this.#waitingProducers.length > 0
  }

  /** Settles when the producer may go on. */
  room(): Promise<void> {
    if (this.end !== null || !this.#isFull()) return Promise.resolve()
    if (this.congestedSinceMs === null) {
      this.congestedSinceMs = performance.now()
      this.log.account?.()
    }
    return new Promise((resolve) => this.#waitingProducers.push(resolve))
  }

  #take(batch: Batch | null): Batch | null {
    if (batch !== null && batch.bytesThrough > this.#bytesTaken) {
      this.#bytesTaken = batch.bytesThrough
      this.#noteTaken()
      if (this.#waitingProducers.length > 0 && !this.#isFull()) this.#releaseProducers()
    }
    return batch
  }

  #isFull(): boolean {
    this.#fullAt = this.#bytesTaken + this.#aheadBytesMax()
    return this.#bytesAppended >= this.#fullAt
  }

  /** How far the producer may be ahead now. */
  #aheadBytesMax(): number {
    if (this.#readers.size > 0) return this.#shareOf(this.#lagBytesMax)
    return this.#whenUnread === 'wait' ? this.#shareOf(this.#unreadBytesMax) : Infinity
  }

  /** A producer may be ahead by half of what the log may hold. */
  #shareOf(bytesMax: number): number {
    return this.budget === null ? bytesMax : this.budget.share(2 * bytesMax) / 2
  }

  /** Tells the log what it may drop: without readers everything, unless they are waited for. */
  #noteTaken(): void {
    if (!this.#followsTaken) return
    const isHeld = this.#readers.size > 0 || this.#whenUnread === 'wait'
    this.log.takenBytes = isHeld ? this.#bytesTaken : Infinity
  }

  #scheduledWake(): void {
    this.#wakeScheduled = false
    this.#wakeReaders()
    this.#isFull()
  }

  #wakeReaders(): void {
    this.#bytesUnflushed = 0
    for (const reader of this.#readers) reader.wake()
    if (this.markedOffset <= this.log.lastOffset) this.#isMarked = false
  }

  /** The next chunk is marked when readers were woken for this one: one look at the clock for all that comes in a tick. */
  #mark(): void {
    this.#isMarked = true
    this.markedOffset = this.#appendedOffset
    this.markedAtMs = performance.now()
    this.times?.add(this.markedOffset, this.markedAtMs)
  }

  #releaseProducers(): void {
    const waiting = this.#waitingProducers
    this.#waitingProducers = []
    this.congestedSinceMs = null
    for (const resolve of waiting) resolve()
  }
}
