import type { Chunk, StreamstackError } from '@streamstack/protocol'
import type { Caller } from '../access/index.ts'
import type { SystemStream } from '../observe/index.ts'
import type { Stream, StreamReader, StreamSource } from '../stream/index.ts'

/** Selects nothing. */
const NOTHING = (): boolean => false

/** A stream of the server itself for one reader, whose right to read it can end while it reads. */
export class SystemView implements StreamSource {
  readonly run = null
  readonly contentType = undefined
  readonly failure = null
  refusal: StreamstackError | null = null
  readonly responseHeaders: ReadonlyMap<string, string>
  readonly url: string
  readonly stream: Stream
  /** When its token expires, milliseconds since 1970; null: never, or there is none. */
  readonly expiresAtMs: number | null
  readonly #source: SystemStream
  readonly #check: (caller: Caller) => void
  readonly #readers = new Set<StreamReader>()

  /** `check` throws when its caller may not read it. What the stream makes only for readers is there from now on. */
  constructor(source: SystemStream, caller: Caller, check: (caller: Caller) => void) {
    source.refresh()
    this.#source = source
    this.#check = check
    this.url = source.url
    this.stream = source.stream
    this.responseHeaders = source.responseHeaders
    this.expiresAtMs = caller.expiresAtMs
  }

  get begin(): number {
    return this.#source.begin
  }

  /** Also for a reader that does not look at `refusal`. */
  get select(): ((chunk: Chunk) => boolean) | null {
    return this.refusal === null ? null : NOTHING
  }

  /** Goes on with a fresh token. Throws `forbidden` when that may not read it. */
  renew(caller: Caller): void {
    this.#check(caller)
  }

  /** Ends it for this reader, who gets nothing more. */
  refuse(error: StreamstackError): void {
    if (this.refusal !== null) return
    this.refusal = error
    for (const reader of this.#readers) reader.wake()
  }

  attach(reader: StreamReader): void {
    this.#readers.add(reader)
    this.#source.attach(reader)
  }

  detach(reader: StreamReader): void {
    this.#readers.delete(reader)
    this.#source.detach(reader)
  }

  answerBegan(): void {
    // Nobody sets headers here.
  }
}
