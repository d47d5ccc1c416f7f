import type { Chunk, StreamEnd } from '@streamstack/protocol'
import { type Batch, type StreamLog, chunkBytes } from './log.ts'
import { segmentOf } from './segment-of.ts'

/** Chunks that are dropped together, at most; small enough that the window stays close to its bound, large enough that dropping is rare. */
const SEGMENT_BYTES = 32_768
const SEGMENT_CHUNKS = 256

interface Segment {
  /** Offset of `chunks[0]`. */
  readonly first: number
  readonly chunks: Chunk[]
  /** Of all segments before this one, dropped ones included. */
  readonly bytesBefore: number
  bytes: number
}

/** A log that keeps the newest chunks in memory, about `windowBytes` of them, and drops the oldest. */
export class MemoryLog implements StreamLog {
  lastOffset: number
  bytesHeld = 0
  /** Everything is seen at once. */
  onVisible = null
  readonly #windowBytes: number
  readonly #segmentBytes: number
  readonly #segments: Segment[]
  #tail: Segment

  /** `after`: offset of the last chunk before this log. */
  constructor(windowBytes: number, after = 0) {
    this.lastOffset = after
    this.#windowBytes = windowBytes
    this.#segmentBytes = Math.min(SEGMENT_BYTES, windowBytes / 8)
    this.#tail = { first: after + 1, chunks: [], bytesBefore: 0, bytes: 0 }
    this.#segments = [this.#tail]
  }

  get droppedOffset(): number {
    return (this.#segments[0] as Segment).first - 1
  }

  append(chunk: Chunk): void {
    const bytes = chunkBytes(chunk)
    let tail = this.#tail
    if (tail.bytes >= this.#segmentBytes || tail.chunks.length >= SEGMENT_CHUNKS) tail = this.#openSegment()
    tail.chunks.push(chunk)
    tail.bytes += bytes
    this.bytesHeld += bytes
    this.lastOffset++
  }

  finish(_end: Omit<StreamEnd, 'offset'>, last: Chunk | null): void {
    if (last !== null) this.append(last)
  }

  /** Goes on as if so many chunks had come and everything had been dropped since. */
  skip(count: number): void {
    const { bytesBefore, bytes } = this.#tail
    this.lastOffset += count
    this.bytesHeld = 0
    this.#tail = { first: this.lastOffset + 1, chunks: [], bytesBefore: bytesBefore + bytes, bytes: 0 }
    this.#segments.length = 0
    this.#segments.push(this.#tail)
  }

  read(after: number): Batch | null {
    if (after >= this.lastOffset) return null
    const tail = this.#tail
    const segment = after + 1 >= tail.first ? tail : segmentOf(this.#segments, after + 1)
    const { chunks, first } = segment
    return {
      chunks,
      from: after + 1 - first,
      to: chunks.length,
      offset: after + 1,
      bytesThrough: segment.bytesBefore + segment.bytes,
    }
  }

  #openSegment(): Segment {
    const { bytesBefore, bytes } = this.#tail
    const segment: Segment = { first: this.lastOffset + 1, chunks: [], bytesBefore: bytesBefore + bytes, bytes: 0 }
    this.#segments.push(segment)
    this.#tail = segment
    // What is left is never less than the window, so that one large chunk does not push itself out.
    while (this.bytesHeld - (this.#segments[0] as Segment).bytes >= this.#windowBytes) {
      this.bytesHeld -= (this.#segments.shift() as Segment).bytes
    }
    return segment
  }
}
