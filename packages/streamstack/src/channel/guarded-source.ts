import type { Chunk, StreamstackError } from '@streamstack/protocol'
import type { Caller } from '../access/index.ts'
import type { StreamReader } from '../stream/index.ts'

const NO_HEADERS: ReadonlyMap<string, string> = new Map()

/** Selects nothing. */
const NOTHING = (): boolean => false

/** What all streams of channels have in common for one reader: a right that can end while it reads. */
export abstract class GuardedSource {
  readonly run = null
  readonly contentType = undefined
  readonly responseHeaders = NO_HEADERS
  readonly failure = null
  refusal: StreamstackError | null = null
  protected caller: Caller
  protected readonly readers = new Set<StreamReader>()

  protected constructor(caller: Caller) {
    this.caller = caller
  }

  /** Throws `unauthenticated`, `forbidden` when this caller may not read. */
  protected abstract check(caller: Caller): void

  /** When the token of its caller expires, milliseconds since 1970; null: never, or there is none. Whoever serves it calls `refuse` then, or `renew` before. */
  get expiresAtMs(): number | null {
    return this.caller.expiresAtMs
  }

  /** Also for a reader that does not look at `refusal`. */
  get select(): ((chunk: Chunk) => boolean) | null {
    return this.refusal === null ? this.selection() : NOTHING
  }

  /** What of the stream is for this reader; null: all. */
  protected selection(): ((chunk: Chunk) => boolean) | null {
    return null
  }

  /** Goes on with a fresh token. Throws `unauthenticated`, `forbidden`. */
  renew(caller: Caller): void {
    this.check(caller)
    this.caller = caller
  }

  /** Looks again whether it may be read, by rules that may have changed. */
  recheck(): void {
    try {
      this.check(this.caller)
    } catch (error) {
      this.refuse(error as StreamstackError)
    }
  }

  /** Ends it for this reader, who gets nothing more. */
  refuse(error: StreamstackError): void {
    if (this.refusal !== null) return
    this.refusal = error
    for (const reader of this.readers) reader.wake()
  }

  answerBegan(): void {
    // Nobody sets headers here.
  }
}
