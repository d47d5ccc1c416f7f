import type { Chunk } from '@streamstack/protocol'
import { type Batch, segmentOf } from '../stream/index.ts'
import { Segment } from '../stream/segment.ts'
import type { ChannelLog } from './channel-log.ts'
import type { HistoryDeclaration } from './declaration.ts'

/** Chunks that are packed and let go of together, at most. */
const SEGMENT_CHUNKS = 64
const SEGMENT_BYTES = 16_384

/** What is kept besides the history, for readers that come back after a short break: all that is newer, within bytes. */
export const RECENT_MS = 120_000
export const RECENT_BYTES = 262_144

const TIME_BYTES = 8

class TimedSegment extends Segment {
  /** When each chunk came, never less than the one before. */
  readonly atMs: number[] = []

  override get bytesHeld(): number {
    return super.bytesHeld + this.count * TIME_BYTES
  }
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
  onVisible = null
  readonly keep = null
  readonly #bytesMax: number
  readonly #nowMs: () => number
  readonly #segments: TimedSegment[]
  /** Of all segments but the tail. */
  #heldBefore = 0
  #tail: TimedSegment

  constructor({ after, bytesMax, nowMs }: HistoryLogOptions) {
    this.lastOffset = after
    this.#bytesMax = bytesMax
    this.#nowMs = nowMs
    this.#tail = new TimedSegment(after + 1, 0)
    this.#segments = [this.#tail]
  }

  get droppedOffset(): number {
    return (this.#segments[0] as TimedSegment).first - 1
  }

  get bytesHeld(): number {
    return this.#heldBefore + this.#tail.bytesHeld
  }

  append(chunk: Chunk): void {
    this.add(chunk, this.#nowMs())
  }

  /** Adds a chunk that came at a time. */
  add(chunk: Chunk, atMs: number): void {
    const tail = this.#tail
    const isFull = tail.bytes >= SEGMENT_BYTES || tail.count >= SEGMENT_CHUNKS
    const segment = isFull ? this.#openSegment() : tail
    segment.add(chunk)
    segment.atMs.push(Math.max(atMs, segment.atMs.at(-1) ?? tail.atMs.at(-1) ?? 0))
    this.lastOffset++
    // The newest stays, however large.
    while (this.bytesHeld > this.#bytesMax && this.#segments.length > 1) this.#dropSegment()
  }

  finish(): void {
    // A channel has no end.
  }

  read(after: number): Batch | null {
    if (after >= this.lastOffset) return null
    return segmentOf(this.#segments, after + 1).batch(after)
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
      if (((this.#segments[middle] as TimedSegment).atMs[0] ?? Infinity) < timeMs) low = middle + 1
      else high = middle
    }
    if (low === 0) return this.droppedOffset
    const { first, atMs } = this.#segments[low - 1] as TimedSegment
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
    for (;;) {
      const oldest = this.#segments[0] as TimedSegment
      const last = oldest.first + oldest.count - 1
      const isRecent = (oldest.atMs.at(-1) ?? 0) >= recentFrom && this.bytesHeld - oldest.bytesHeld < RECENT_BYTES
      if (oldest.count === 0 || last > start || isRecent) return
      if (oldest === this.#tail) this.#openSegment()
      this.#dropSegment()
    }
  }

  #dropSegment(): void {
    this.#heldBefore -= (this.#segments.shift() as TimedSegment).bytesHeld
  }

  #openSegment(): TimedSegment {
    const full = this.#tail
    full.pack()
    this.#heldBefore += full.bytesHeld
    this.#tail = new TimedSegment(this.lastOffset + 1, full.bytesBefore + full.bytes)
    this.#segments.push(this.#tail)
    return this.#tail
  }
}
