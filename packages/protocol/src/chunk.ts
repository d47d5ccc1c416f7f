import type { ChunkKind } from './chunk-kind.ts'
import type { PublicError } from './errors.ts'

/** How a stream ended. There is exactly one outcome to a stream, and nothing after it. */
export type Outcome = 'completed' | 'failed' | 'cancelled' | 'abandoned'

/**
 * One entry of a stream as logs keep it: encoded once by the producer, written by any number of readers in any format.
 * Its offset is not in it: the log knows. Offsets count from 1, and an offset means "everything up to and with this chunk".
 */
export interface Chunk {
  readonly kind: ChunkKind
  /** The content: of `text` and `reasoning` the text itself, of `error` a PublicError as JSON, of every other kind JSON. */
  readonly data: string
  /** An object as JSON, or null. */
  readonly metadata: string | null
}

/** What is said last of a stream. */
export interface StreamEnd {
  outcome: Outcome
  /** Of the last chunk; 0 when there was none. */
  offset: number
  /** Why, when the outcome is not `completed`. */
  error: PublicError | null
}

/** A chunk as a decoder gives it back. */
export interface DecodedChunk {
  type: 'chunk'
  /** Any but `error`. A newer server may send kinds that are not in the list. */
  kind: ChunkKind
  offset: number | null
  content: unknown
  metadata: Record<string, unknown> | null
}

/** What decoders yield. `comment` is a heartbeat. */
export type Decoded =
  | DecodedChunk
  | { type: 'error'; offset: number | null; error: PublicError }
  | { type: 'end'; outcome: Outcome; offset: number | null; error: PublicError | null }
  | { type: 'comment' }
