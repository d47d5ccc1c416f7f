import type { Chunk } from '@streamstack/protocol'
import { type Batch, chunkBytes, segmentOf } from '../stream/index.ts'
import type { ChannelLog } from './channel-log.ts'
import type { HistoryDeclaration } from './declaration.ts'

/** Chunks that are let go of together, at most. */
const SEGMENT_CHUNKS = 64
const SEGMENT_BYTES = 16_384

/** What is kept besides the history, for readers that come back after a short break: all that is newer, within bytes. */
export const RECENT_MS = 120_000
export const RECENT_BYTES = 262_144

interface Segment {
  /** Offset of `chunks[0]`. */
  readonly first: number
  readonly chunks: Chunk[]
  /** When each came, never less than the one before. */
  readonly atMs: number[]
  /** Of all segments before this one, those that are gone included. */
  readonly bytesBefore: number
  bytes: number
}

export interface HistoryLogOptions {
  /** Offset of the last chunk before this log. */
  readonly after: number
  /** Chunks beyond go, however new. */
  readonly bytesMax: number
  /** Milliseconds since 1970, of a clock that does not jump. */
  readonly nowMs: () => number
}

/** The newest messages of a channel in memory, each with its time. */
export class HistoryLog implements ChannelLog {
  lastOffset: number
  bytesHeld = 0
  onVisible = null
  readonly keep = null
  readonly #bytesMax: number
  readonly #nowMs: () => number
  readonly #segments: Segment[]
  #tail: Segment

  constructor({ after, bytesMax, nowMs }: HistoryLogOptions) {
    this.lastOffset = after
    this.#bytesMax = bytesMax
    this.#nowMs = nowMs
    this.#tail = { first: after + 1, chunks: [], atMs: [], bytesBefore: 0, bytes: 0 }
    this.#segments = [this.#tail]
  }

  get droppedOffset(): number {
    return (this.#segments[0] as Segment).first - 1
  }

  append(chunk: Chunk): void {
    this.add(chunk, this.#nowMs())
  }

  /** Adds a chunk that came at a time. */
  add(chunk: Chunk, atMs: number): void {
    const tail = this.#tail
    const isFull = tail.bytes >= SEGMENT_BYTES || tail.chunks.length >= SEGMENT_CHUNKS
    const segment = isFull ? this.#openSegment() : tail
    const bytes = chunkBytes(chunk)
    segment.chunks.push(chunk)
    segment.atMs.push(Math.max(atMs, segment.atMs.at(-1) ?? tail.atMs.at(-1) ?? 0))
    segment.bytes += bytes
    this.bytesHeld += bytes
    this.lastOffset++
    // The newest stays, however large.
    while (this.bytesHeld > this.#bytesMax && this.#segments.length > 1) this.#dropSegment()
  }

  finish(): void {
    // A channel has no end.
  }

  read(after: number): Batch | null {
    if (after >= this.lastOffset) return null
    const { chunks, first, bytesBefore, bytes } = segmentOf(this.#segments, after + 1)
    return { chunks, from: after + 1 - first, to: chunks.length, offset: after + 1, bytesThrough: bytesBefore + bytes }
  }

  historyStart({ count, ageMs }: HistoryDeclaration): number {
    if (count === 0) return this.lastOffset
    return Math.max(this.lastOffset - count, this.lastBefore(this.#nowMs() - ageMs))
  }

  /** Offset of the last chunk that came before a time; `droppedOffset` when none that is held did. */
  lastBefore(timeMs: number): number {
    let low = 0
    let high = this.#segments.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (((this.#segments[middle] as Segment).atMs[0] ?? Infinity) < timeMs) low = middle + 1
      else high = middle
    }
    if (low === 0) return this.droppedOffset
    const { first, atMs } = this.#segments[low - 1] as Segment
    const newer = atMs.findIndex((at) => at >= timeMs)
    return first - 1 + (newer === -1 ? atMs.length : newer)
  }

  /** When a chunk that is held came; 0 when it is not held. */
  timeOf(offset: number): number {
    if (offset <= this.droppedOffset || offset > this.lastOffset) return 0
    const { first, atMs } = segmentOf(this.#segments, offset)
    return atMs[offset - first] ?? 0
  }

  trim(history: HistoryDeclaration): void {
    const start = this.historyStart(history)
    const recentFrom = this.#nowMs() - RECENT_MS
    for (let oldest = this.#segments[0] as Segment; oldest.chunks.length > 0; oldest = this.#segments[0] as Segment) {
      const last = oldest.first + oldest.chunks.length - 1
      const isRecent = (oldest.atMs.at(-1) ?? 0) >= recentFrom && this.bytesHeld - oldest.bytes < RECENT_BYTES
      if (last > start || isRecent) return
      if (oldest === this.#tail) this.#openSegment()
      this.#dropSegment()
    }
  }

  #dropSegment(): void {
    this.bytesHeld -= (this.#segments.shift() as Segment).bytes
  }

  #openSegment(): Segment {
    const { bytesBefore, bytes } = this.#tail
    this.#tail = { first: this.lastOffset + 1, chunks: [], atMs: [], bytesBefore: bytesBefore + bytes, bytes: 0 }
    this.#segments.push(this.#tail)
    return this.#tail
  }
}
