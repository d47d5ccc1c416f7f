import type { Chunk } from '@streamstack/protocol'
import { type Caller, GuardedSource } from '../access/index.ts'
import { MemoryLog, Stream, type StreamReader } from '../stream/index.ts'

/** Bound of the unread data of one reader; beyond it, the reader ends with an error. */
const WINDOW_BYTES = 262_144

export interface PresenceViewOptions {
  readonly url: string
  readonly caller: Caller
  /** Throws when this caller may not look. */
  readonly check: (caller: Caller) => void
  /** The chunks that tell who is there now. */
  readonly here: () => readonly Chunk[]
  readonly onAttached: () => void
  readonly onDetached: () => void
}

/**
 * The members of a channel, for one reader: a stream of its own, which begins with all members, so
 * a reconnecting reader needs no offset.
 */
export class PresenceView extends GuardedSource {
  readonly stream = new Stream({ log: new MemoryLog(WINDOW_BYTES), whenUnread: 'drop', unreadBytesMax: Infinity })
  readonly #options: PresenceViewOptions

  constructor(options: PresenceViewOptions) {
    super(options.caller)
    this.#options = options
  }

  get url(): string {
    return this.#options.url
  }

  get begin(): number {
    return this.stream.log.droppedOffset
  }

  tell(chunk: Chunk): void {
    if (this.refusal !== null) return
    this.stream.appendWithoutWaiting(chunk)
  }

  protected attached(reader: StreamReader): void {
    this.stream.attach(reader)
    if (this.readers.size > 1) return
    if (this.stream.lastOffset === 0) for (const chunk of this.#options.here()) this.tell(chunk)
    this.#options.onAttached()
  }

  protected detached(reader: StreamReader): void {
    this.stream.detach(reader)
    if (this.readers.size === 0) this.#options.onDetached()
  }

  protected check(caller: Caller): void {
    this.#options.check(caller)
  }
}
