import { type Caller, GuardedSource } from '../../access/index.ts'
import type { Stream, StreamReader } from '../../stream/index.ts'

/** A stream of the server itself. */
export interface SystemSource {
  readonly stream: Stream
  readonly url: string
  /** Offset after which it begins. */
  readonly begin: number
  /** Makes what is made only for readers. */
  refresh(): void
  attach(reader: StreamReader): void
  detach(reader: StreamReader): void
}

/** A stream of the server itself for one reader. */
export class SystemView extends GuardedSource {
  readonly stream: Stream
  readonly url: string
  readonly #source: SystemSource
  readonly #check: (caller: Caller) => void

  /** `check` throws when a caller may not read it. What the stream makes only for readers is there from now on. */
  constructor(source: SystemSource, caller: Caller, check: (caller: Caller) => void) {
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
