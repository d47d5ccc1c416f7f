import type { StreamstackError } from '@streamstack/protocol'
import type { Caller } from './caller.ts'

/**
 * The right of one caller to read something. It can end while the caller reads: when its token expires, by other
 * settings, by other rules. Subclasses adapt it to what is read.
 */
export abstract class Guard {
  /** Why this caller reads no more; null: it may. */
  refusal: StreamstackError | null = null
  #caller: Caller

  constructor(caller: Caller) {
    this.#caller = caller
  }

  /** Throws `unauthenticated`, `forbidden` when this caller may not read. */
  protected abstract check(caller: Caller): void

  /** Wakes the readers of this caller, which look at `refusal` then. */
  protected abstract wakeReaders(): void

  protected get caller(): Caller {
    return this.#caller
  }

  /** When the token of its caller expires, milliseconds since 1970; null: never, or it is read on nevertheless. The server calls `refuse` then, or `renew` before. */
  get expiresAtMs(): number | null {
    return this.#caller.expiresAtMs
  }

  /** Goes on with a fresh token. Throws what `check` does. */
  renew(caller: Caller): void {
    this.check(caller)
    this.#caller = caller
  }

  /** Checks the right again, by rules that may have changed. */
  recheck(): void {
    try {
      this.check(this.#caller)
    } catch (error) {
      this.refuse(error as StreamstackError)
    }
  }

  /** Ends it for this caller's readers, which get nothing more. Others read on. */
  refuse(error: StreamstackError): void {
    if (this.refusal !== null) return
    this.refusal = error
    this.wakeReaders()
  }
}
