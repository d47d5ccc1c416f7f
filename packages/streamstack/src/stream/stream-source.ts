import type { Chunk, StreamstackError } from '@streamstack/protocol'
import type { PlainAnswer } from './plain-answer.ts'
import type { Stream, StreamReader } from './stream.ts'

/** Which chunks a reader may see. */
export type Select = (chunk: Chunk) => boolean

/** A stream as the server offers it to readers: that of a run, of a channel, of the server itself. */
export interface StreamSource {
  readonly stream: Stream
  /** Where one comes back to it: the path of its own URL. */
  readonly url: string
  /** The run that it belongs to; null: none. */
  readonly run: string | null
  /** `Content-Type` that was declared for it, which decides the format when the reader has no wish. */
  readonly contentType: string | undefined
  /** Headers that its producer wants in answers; they go out with the first chunk. */
  readonly responseHeaders: ReadonlyMap<string, string>
  /** The plain answer that its producer gives. Default: null. */
  readonly plainAnswer?: PlainAnswer | null
  /** Why it ended, for an answer that has not begun. */
  readonly failure: StreamstackError | null
  /** Which chunks this reader may see; null: all. What it may not see leaves a gap in its offsets and nothing else. */
  readonly select: Select | null
  /**
   * Why this reader is to be broken off, set while it reads: what it may see has changed, or its token has expired. Its readers are woken then, tell it and
   * read no more. Default: null.
   */
  readonly refusal?: StreamstackError | null
  /** The offset after which its start is, where that moves on: a stream without an end begins with what it still holds. Default: 0. */
  readonly begin?: number
  attach(reader: StreamReader): void
  detach(reader: StreamReader): void
  /** An answer has begun: what its producer wants in headers from now on comes too late. */
  answerBegan(): void
}
