import { type Caller, GuardedSource } from '../access/index.ts'
import type { SystemStream } from '../observe/index.ts'
import type { Stream, StreamReader } from '../stream/index.ts'

/** A stream of the server itself for one reader. */
export class SystemView extends GuardedSource {
  readonly stream: Stream
  readonly url: string
  readonly #source: SystemStream
  readonly #check: (caller: Caller) => void

  /** `check` throws when a caller may not read it. What the stream makes only for readers is there from now on. */
  constructor(source: SystemStream, caller: Caller, check: (caller: Caller) => void) {
    super(caller)
    source.refresh()
    this.#source = source
    this.#check = check
    this.url = source.url
    this.stream = source.stream
  }

  get begin(): number {
    return this.#source.begin
  }

  protected check(caller: Caller): void {
    this.#check(caller)
  }

  protected attached(reader: StreamReader): void {
    this.#source.attach(reader)
  }

  protected detached(reader: StreamReader): void {
    this.#source.detach(reader)
  }
}
