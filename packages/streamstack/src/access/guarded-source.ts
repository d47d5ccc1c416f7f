import type { StreamstackError } from '@streamstack/protocol'
import type { Stream, StreamReader, StreamSource } from '../stream/index.ts'
import type { Select } from '../stream/reading.ts'
import type { Caller } from './caller.ts'

/** Selects nothing. */
const NOTHING: Select = () => false

const NO_HEADERS: ReadonlyMap<string, string> = new Map()

/**
 * A stream for the readers of one caller, whose right to read it can end while they do: by the time of its token, by other settings, by other rules. What is
 * guarded says in `check` who may read it.
 */
export abstract class GuardedSource implements StreamSource {
  abstract readonly stream: Stream
  abstract readonly url: string
  readonly run: string | null = null
  refusal: StreamstackError | null = null
  protected readonly readers = new Set<StreamReader>()
  #caller: Caller

  protected constructor(caller: Caller) {
    this.#caller = caller
  }

  /** Throws `unauthenticated`, `forbidden` when this caller may not read. */
  protected abstract check(caller: Caller): void

  /** A reader has come, and is among `readers`. */
  protected abstract attached(reader: StreamReader): void

  /** A reader has left, and is no longer among `readers`. */
  protected abstract detached(reader: StreamReader): void

  protected get caller(): Caller {
    return this.#caller
  }

  get contentType(): string | undefined {
    return undefined
  }

  get responseHeaders(): ReadonlyMap<string, string> {
    return NO_HEADERS
  }

  get failure(): StreamstackError | null {
    return null
  }

  /** When the token of its caller expires, milliseconds since 1970; null: never, or it is read on nevertheless. Whoever serves it calls `refuse` then, or `renew` before. */
  get expiresAtMs(): number | null {
    return this.#caller.expiresAtMs
  }

  /** Also for a reader that does not look at `refusal`. */
  get select(): Select | null {
    return this.refusal === null ? this.selection() : NOTHING
  }

  /** What of the stream is for this reader; null: all. */
  protected selection(): Select | null {
    return null
  }

  /** Goes on with a fresh token. Throws what `check` does. */
  renew(caller: Caller): void {
    this.check(caller)
    this.#caller = caller
  }

  /** Looks again whether it may be read, by rules that may have changed. */
  recheck(): void {
    try {
      this.check(this.#caller)
    } catch (error) {
      this.refuse(error as StreamstackError)
    }
  }

  /** Ends it for this caller's readers, who get nothing more. Others read on. */
  refuse(error: StreamstackError): void {
    if (this.refusal !== null) return
    this.refusal = error
    for (const reader of this.readers) reader.wake()
  }

  attach(reader: StreamReader): void {
    this.readers.add(reader)
    this.attached(reader)
  }

  detach(reader: StreamReader): void {
    this.readers.delete(reader)
    this.detached(reader)
  }

  /** Most have no producer that sets headers. */
  answerBegan(): void {}
}
