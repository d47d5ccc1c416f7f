import type { Chunk, StreamEnd } from '@streamstack/protocol'
import type { Batch, StreamLog } from './log.ts'
import { Holding, type MemoryBudget } from './memory-budget.ts'
import { Segment } from './segment.ts'
import { segmentOf } from './segment-of.ts'

/** Chunks that are packed and dropped together, at most; small enough that the window stays close to its bound, large enough that both are rare. */
const SEGMENT_BYTES = 32_768
const SEGMENT_CHUNKS = 256

/** Chunks of a segment that fills slowly, as a model speaks: they are objects until it is full. Others take a multiple of it. */
const SLOW_CHUNKS = 32

/** So many segments of slow chunks are packed once more, as one. */
const SLOW_SEGMENTS_JOINED = SEGMENT_CHUNKS / SLOW_CHUNKS

/** A log that holds less when it ends stays as it came: there is little to be saved. */
const PACKED_BYTES_MIN = 16_384

/** A segment that has been filled for so long is slow: it is packed at once, because its readers have it and its producer has time. */
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
  /** Chunks with which the tail is looked at: it is full, or fills slowly. */
  #tailChunksMax = SLOW_CHUNKS
  /** Segments of slow chunks at the end that are not joined. */
  #slowCount = 0
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
    if (tail.count >= this.#tailChunksMax || tail.bytes >= this.#segmentBytes) tail = this.#nextTail()
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

  /** Packs what it has. For a log that is finished. */
  pack(): void {
    this.#heldBefore = 0
    for (const segment of this.#segments) {
      // A fast producer has left many chunks, which are packed at once.
      segment.pack(false)
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

  /** The segment for the next chunk: the tail if that is not full and fills fast, or a new one. */
  #nextTail(): Segment {
    const tail = this.#tail
    const nowMs = performance.now()
    const isSlow = nowMs - this.#tailSinceMs >= SLOW_MS
    if (!isSlow && tail.count < SEGMENT_CHUNKS && tail.bytes < this.#segmentBytes) {
      this.#tailChunksMax += SLOW_CHUNKS
      return tail
    }
    tail.weigh()
    if (isSlow) tail.pack()
    this.#slowCount = isSlow && tail.count === SLOW_CHUNKS ? this.#slowCount + 1 : 0
    if (this.#slowCount === SLOW_SEGMENTS_JOINED) this.#joinSlow()
    this.#tailChunksMax = SLOW_CHUNKS
    this.#tailSinceMs = nowMs
    this.#pushSegment()
    this.#drop()
    this.account()
    return this.#tail
  }

  /** Makes one segment of the slow ones at the end, unless that is larger than a segment may be. Some may have been dropped. */
  #joinSlow(): void {
    this.#slowCount = 0
    const slow = this.#segments.slice(-SLOW_SEGMENTS_JOINED)
    const [oldest] = slow as [Segment]
    if (this.#tail.bytesBefore + this.#tail.bytes - oldest.bytesBefore > this.#segmentBytes) return
    this.#segments.length -= slow.length
    for (const segment of slow) if (segment !== this.#tail) this.#heldBefore -= segment.bytesHeld
    this.#tail = Segment.joined(slow)
    this.#segments.push(this.#tail)
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
