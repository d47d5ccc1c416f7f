import type { ChunkKinds } from '../chunk-kind.ts'
import type { Chunk, Decoded, Outcome, StreamEnd } from '../chunk.ts'
import type { PublicError } from '../errors.ts'

export interface EncodeOptions {
  /** Whether metadata goes along in formats where it is not always there. */
  metadata: boolean
  /** The kinds that are written; others leave a gap in the offsets and nothing else. Default: what the format carries by itself. */
  kinds?: ChunkKinds
  /**
   * Whether a content of exactly `[DONE]` is the marker that an endpoint wrote for chat clients. In a stream that callers write to it is a message like
   * any other: one reader must not end what others read. Default: it is.
   */
  marksDone?: boolean
  /** The model that the caller asked for; `openai` names it where the stream names none. Default: `streamstack`. */
  model?: string
  /** Whether `csv` puts a quotation mark before text that a spreadsheet would compute. Default: false. */
  escapesFormulas?: boolean
}

export type DecodeOptions = Pick<EncodeOptions, 'metadata'>

/** What an encoder may tell of the stream that it writes. */
export interface EncodedStream {
  /** Id of the run; null: it is none. */
  readonly run: string | null
}

/**
 * The end of an answer. `outcome` is null if the stream has no end and the answer holds its current
 * content.
 */
export interface AnswerEnd extends Omit<StreamEnd, 'outcome'> {
  outcome: Outcome | null
}

/**
 * Writes one answer as text: `begin`, `chunks` any number of times, `end` or `fault`. It may start at any offset: `begin` writes whatever a client needs
 * before the first chunk, wherever that stands in its stream.
 */
export interface Encoder {
  readonly contentType: string
  /** Further headers of the answer. */
  readonly headers?: Readonly<Record<string, string>>
  /** Bytes that keep an idle connection open; '' if the format has none that readers skip. */
  readonly heartbeat: string
  /**
   * Whether `end` writes the outcome. If not, every outcome but `completed` must break the
   * connection.
   */
  readonly tellsOutcome: boolean
  /** Whether a chunk of the kinds `text` and `json` is written as its data and LF, so that bytes that stand so can be sent as they are. Default: false. */
  readonly writesLines?: boolean
  /** Whether the answer is one document that begins with its end: nothing of it is sent before that is known. */
  readonly waits: boolean
  /**
   * What `chunks` goes on from, besides the chunks: a part that is open, a comma that is due. Encoders of one stream and of equal `shared` that are in equal
   * states write equal text and are then in equal states again, so that readers share what one of them has written. '' where nothing is held.
   */
  state: string
  /** Names what the encoder was made for, where each answer has its own; undefined: the encoder itself serves all answers, or nothing is shared. */
  readonly shared?: string
  /**
   * Returns the bytes before the first chunk. `end`: the end of the answer, for an encoder that
   * waits for it; null for all others.
   */
  begin(end: AnswerEnd | null): string
  /** Chunks `from` to `to` (exclusive) of the array as one text; `offset` is that of `chunks[from]`. */
  chunks(chunks: readonly Chunk[], from: number, to: number, offset: number): string
  /** Members that clients of the format look for in a problem document, besides its own. */
  readonly problemMembers?: (error: Pick<PublicError, 'code' | 'message'>) => Record<string, unknown>
  /** An error of this one reader, which is no part of the stream and has no offset; '' when the format has no place for it. */
  fault(error: PublicError): string
  /** The last words; '' when the format has none. */
  end(end: AnswerEnd): string
  /** The last words to a reader that is to reconnect after `retryMs`, since the server stops; '' when the connection has to break instead. */
  goodbye(retryMs: number): string
}

/** Reads a format incrementally. Feed it text in pieces cut anywhere. */
export interface Decoder {
  push(text: string): Decoded[]
  /** The connection closed: what was still held back. */
  flush(): Decoded[]
}

/** A format that answers are written in. */
export interface AnswerFormat {
  readonly name: string
  /** Media types by which `Accept` asks for it, the usual one first; none: `?format=` alone asks for it. */
  readonly mediaTypes: readonly string[]
  /** Whether one encoder serves all answers of the same options: it holds nothing of its stream. */
  readonly isShared: boolean
  readonly encoder: (options: EncodeOptions, stream: EncodedStream) => Encoder
}

/** A format of Streamstack's own, which its clients read. */
export interface Format extends AnswerFormat {
  readonly decoder: (options: DecodeOptions) => Decoder
}

/** What an encoder has that holds nothing and sends as it goes. */
export const streaming = {
  waits: false,
  state: '',
  begin: () => '',
  goodbye: () => '',
} as const satisfies Partial<Encoder>
