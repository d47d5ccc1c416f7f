import { isStringOneByteRepresentation } from 'node:v8'
import type { Chunk, StreamEnd } from '@streamstack/protocol'

/** A run of chunks that a log hands out: `chunks[from]` has the offset `offset`, up to `chunks[to - 1]`. Never changed after. */
export interface Batch {
  readonly chunks: readonly Chunk[]
  readonly from: number
  readonly to: number
  readonly offset: number
  /** Bytes appended to the log up to and with `chunks[to - 1]`, dropped ones included, as `chunkBytes` counts. */
  readonly bytesThrough: number
  /** The same chunks as the format `lines` writes them without metadata, where the log has them so. */
  readonly lines?: string | null
}

/** Keeps the chunks of one stream. Offsets count from 1; "after 0" is the start. */
export interface StreamLog {
  /** Offset of the newest chunk that readers may see; 0 when there is none. */
  readonly lastOffset: number
  /** The smallest offset that one can still read after: everything up to it was dropped. */
  readonly droppedOffset: number
  /**
   * Adds one chunk, which readers may see at once or, when it must be kept first, later. A promise means: wait for it before adding more. Throws
   * when nothing can be kept any more.
   */
  append(chunk: Chunk): void | Promise<void>
  /** Nothing comes after this last chunk. A promise settles when all of it is kept, and rejects when it could not be. */
  finish(end: Omit<StreamEnd, 'offset'>, last: Chunk | null): void | Promise<void>
  /** The next chunks after an offset, at least one and some 32 kB at most (one chunk may be larger); null when there are none yet. `after` must not be below `droppedOffset`. Throws, or rejects, when they cannot be read. */
  read(after: number): Batch | null | Promise<Batch | null>
  /** What the log holds in memory now, objects included. */
  readonly bytesHeld: number
  /**
   * Of the bytes appended so far, as `chunkBytes` counts, how many its fastest reader has taken: the log drops nothing after them. Null: that is not
   * known. Absent: what the log drops can still be read.
   */
  takenBytes?: number | null
  /** Counts what the log holds now against its budget; it does so by itself as it grows. Absent: it has none. */
  account?(): void
  /** Called when chunks can be seen that could not when they were added. Absent: they can be seen at once. */
  onVisible?: (() => void) | null
}

/** So that chunks without content count for something. */
const CHUNK_OVERHEAD_BYTES = 64

/**
 * What a chunk counts for while its producer is held back: its characters and a fixed overhead. Counting characters, not bytes, keeps this off the hot
 * path. What logs hold in memory they count by themselves.
 */
export function chunkBytes(chunk: Chunk): number {
  return chunk.data.length + (chunk.metadata === null ? 0 : chunk.metadata.length) + CHUNK_OVERHEAD_BYTES
}

/** What the characters of a text hold in memory: V8 takes one byte for each where none is above 255, else two. */
export function textBytes(text: string): number {
  return isStringOneByteRepresentation(text) ? text.length : 2 * text.length
}
