import type { ChunkKinds } from '../chunk-kind.ts'
import type { Chunk, Decoded, StreamEnd } from '../chunk.ts'
import type { PublicError } from '../errors.ts'

export interface EncodeOptions {
  /** Whether metadata goes along in formats where it is not always there. */
  metadata: boolean
  /** The kinds that are written; others leave a gap in the offsets and nothing else. Default: what the format carries by itself. */
  kinds?: ChunkKinds
}

export type DecodeOptions = Pick<EncodeOptions, 'metadata'>

/** Writes a stream as text. Stateless: any reader can start at any offset. */
export interface Encoder {
  readonly contentType: string
  /** Chunks `from` to `to` (exclusive) of the array as one text; `offset` is that of `chunks[from]`. */
  chunks(chunks: readonly Chunk[], from: number, to: number, offset: number): string
  /** An error of this one reader, which is no part of the stream and has no offset; '' when the format has no place for it. */
  fault(error: PublicError): string
  /** The last words; '' when the format has none. */
  end(end: StreamEnd): string
  /** What keeps an idle connection open; '' when the format has nothing that readers would skip. */
  readonly heartbeat: string
  /** Whether `end` tells the outcome. Where it does not, any outcome but `completed` must break the connection instead. */
  readonly tellsOutcome: boolean
}

/** Reads a format incrementally. Feed it text in pieces cut anywhere. */
export interface Decoder {
  push(text: string): Decoded[]
  /** The connection closed: what was still held back. */
  flush(): Decoded[]
}

export interface Format {
  readonly name: string
  readonly encoder: (options: EncodeOptions) => Encoder
  readonly decoder: (options: DecodeOptions) => Decoder
}
