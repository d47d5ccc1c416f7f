import type { Stream } from '../stream/index.ts'
import type { Metrics, ReadName } from './metrics.ts'

/**
 * What one reader of a stream tells the metrics: that it is there, what it writes, and how long chunks take. Of those that come while it reads, one
 * at a time is timed, from its way into the stream to its write, and stands for what was written with it; chunks from before the reader came are not timed.
 */
export class ReaderRecord {
  readonly #metrics: Metrics
  readonly #name: ReadName
  /** When the request came that waits for its first chunk, on the monotonic clock; null: it waits for none. */
  #calledMs: number | null
  #isAttached = false
  /** How many chunks were not for this reader, which counts as none of what it wrote. Null: all are for all. */
  readonly #passedOver: (() => number) | null
  #lastPassedOver = 0
  /** Offset of the last chunk written. */
  #position = 0
  /** The chunk that is timed, or was last. */
  #timed = 0
  #timedSinceMs = 0
  #isTiming = false
  /** Chunks written for which the next time that is known will stand. */
  #untimed = 0
  /** Chunks written so far. */
  chunks = 0
  /** When the first of them was written, on the monotonic clock; null: none was. */
  firstChunkAtMs: number | null = null

  constructor(metrics: Metrics, name: ReadName, calledMs: number | null, passedOver: (() => number) | null = null) {
    this.#metrics = metrics
    this.#name = name
    this.#calledMs = calledMs
    this.#passedOver = passedOver
  }

  /** It reads on after an offset. */
  attached(stream: Stream, position: number): void {
    this.#position = position
    this.#timed = stream.lastOffset
    this.#isAttached = true
    this.#metrics.readerAttached()
  }

  detached(): void {
    if (!this.#isAttached) return
    this.#isAttached = false
    this.#metrics.readerDetached()
  }

  /** It was woken, whether or not it can write now. */
  woken({ markedOffset, markedAtMs, lastOffset }: Stream): void {
    if (this.#isTiming || markedOffset <= this.#timed || markedOffset > lastOffset) return
    this.#timed = markedOffset
    this.#timedSinceMs = markedAtMs
    this.#isTiming = true
  }

  /** It has written all up to an offset. `passedOver`: how many chunks in all were not for it, where that is not asked of the channel. */
  wrote(position: number, nowMs: number, passedOver = this.#passedOver?.() ?? 0): void {
    if (position === this.#position) return
    const count = position - this.#position - (passedOver - this.#lastPassedOver)
    this.#position = position
    this.#lastPassedOver = passedOver
    const metrics = this.#metrics
    if (count > 0) {
      metrics.chunksWritten(this.#name, count, nowMs)
      this.chunks += count
      this.firstChunkAtMs ??= nowMs
    }
    if (this.#calledMs !== null && typeof this.#name === 'string') {
      metrics.firstChunkWritten(this.#name, nowMs - this.#calledMs, nowMs)
      this.#calledMs = null
    }
    this.#untimed += count
    if (!this.#isTiming || position < this.#timed) return
    metrics.chunkTimed(nowMs - this.#timedSinceMs, this.#untimed, nowMs)
    this.#isTiming = false
    this.#untimed = 0
  }
}
