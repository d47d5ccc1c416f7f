import type { Chunk, StreamEnd } from '@streamstack/protocol'
import type { Batch, StreamLog } from './log.ts'
import { Holding, type MemoryBudget } from './memory-budget.ts'
import { Segment } from './segment.ts'
import { segmentOf } from './segment-of.ts'

/** Chunks that are packed and dropped together, at most; small enough that the window stays close to its bound, large enough that both are rare. */
const SEGMENT_BYTES = 32_768
const SEGMENT_CHUNKS = 256

/** A log that holds less when it ends stays as it came: there is little to be saved. */
const PACKED_BYTES_MIN = 16_384

/** A segment that took so long to fill is packed at once: its readers have it, and its producer has time. */
const SLOW_MS = 20

export interface MemoryLogOptions {
  /** Offset of the last chunk before this log. Default: 0. */
  readonly after?: number
  /** Bounds the window further while little is free, and counts what the log holds until its end. Default: none. */
  readonly budget?: MemoryBudget | null
}

/**
 * A log that keeps the newest chunks in memory and drops the oldest: about `windowBytes` as they are held. It keeps the chunks that `takenBytes` says
 * are still unread; without it, at least half of the window by `chunkBytes`, which is how far a producer may be ahead of its only reader. Packing costs a part of what encoding does, so what comes fast
 * stays as it came until the end: most of that has been dropped by then.
 */
export class MemoryLog implements StreamLog {
  lastOffset: number
  takenBytes: number | null = null
  readonly #windowBytes: number
  readonly #segmentBytes: number
  readonly #segments: Segment[]
  /** Of all segments but the tail. */
  #heldBefore = 0
  #tail: Segment
  #tailSinceMs = performance.now()
  #budget: MemoryBudget | null
  #holding: Holding | null

  constructor(windowBytes: number, { after = 0, budget = null }: MemoryLogOptions = {}) {
    this.lastOffset = after
    this.#windowBytes = windowBytes
    this.#budget = budget
    this.#holding = budget === null ? null : new Holding(budget)
    this.#segmentBytes = Math.min(SEGMENT_BYTES, windowBytes / 8)
    this.#tail = new Segment(after + 1, 0)
    this.#segments = [this.#tail]
  }

  get droppedOffset(): number {
    return (this.#segments[0] as Segment).first - 1
  }

  get bytesHeld(): number {
    return this.#heldBefore + this.#tail.bytesHeld
  }

  append(chunk: Chunk): void {
    let tail = this.#tail
    if (tail.count >= SEGMENT_CHUNKS || tail.bytes >= this.#segmentBytes) tail = this.#openSegment()
    tail.add(chunk)
    this.lastOffset++
  }

  finish(_end: Omit<StreamEnd, 'offset'>, last: Chunk | null): void {
    if (last !== null) this.append(last)
    this.#tail.weigh()
    if (this.bytesHeld >= PACKED_BYTES_MIN) this.pack()
    // Logs of runs that are over have a bound of their own.
    this.#holding?.set(0)
    this.#holding = null
    this.#budget = null
  }

  account(): void {
    this.#holding?.set(this.bytesHeld)
  }

  /** Holds what it has in as little memory as it can. For a log that is finished. */
  pack(): void {
    this.#heldBefore = 0
    for (const segment of this.#segments) {
      segment.pack()
      if (segment !== this.#tail) this.#heldBefore += segment.bytesHeld
    }
  }

  /** Goes on as if so many chunks had come and everything had been dropped since. */
  skip(count: number): void {
    this.lastOffset += count
    this.#segments.length = 0
    this.#pushSegment()
    this.#heldBefore = 0
  }

  read(after: number): Batch | null {
    if (after >= this.lastOffset) return null
    const tail = this.#tail
    return (after + 1 >= tail.first ? tail : segmentOf(this.#segments, after + 1)).batch(after)
  }

  #openSegment(): Segment {
    const nowMs = performance.now()
    this.#tail.weigh()
    if (nowMs - this.#tailSinceMs >= SLOW_MS) this.#tail.pack()
    this.#tailSinceMs = nowMs
    this.#pushSegment()
    this.#drop()
    this.account()
    return this.#tail
  }

  #pushSegment(): void {
    const { bytesBefore, bytes, bytesHeld } = this.#tail
    this.#heldBefore += bytesHeld
    this.#tail = new Segment(this.lastOffset + 1, bytesBefore + bytes)
    this.#segments.push(this.#tail)
  }

  /** Leaves room in the window for what the tail will hold. The newest segment stays, so that one large chunk does not push itself out. */
  #drop(): void {
    const windowBytes = this.#budget?.share(this.#windowBytes) ?? this.#windowBytes
    const bytesMax = windowBytes - this.#segmentBytes
    const droppableBytes = this.takenBytes ?? this.#tail.bytesBefore - windowBytes / 2
    for (;;) {
      const { bytesHeld, bytesBefore, bytes } = this.#segments[0] as Segment
      if (this.bytesHeld - bytesHeld < bytesMax) break
      if (bytesBefore + bytes > droppableBytes) break
      this.#segments.shift()
      this.#heldBefore -= bytesHeld
    }
  }
}
