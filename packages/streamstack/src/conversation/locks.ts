import { StreamstackError } from '@streamstack/protocol'

/** More calls than this do not wait for one conversation. */
const WAITING_MAX = 8

/** Gives each conversation to one run at a time, in the order in which they ask. */
export class ConversationLocks {
  /** Holder and waiting runs by conversation. */
  readonly #held = new Map<string, { holder: string; waiting: { run: string; grant: () => void }[] }>()

  /**
   * Settles when the run has the conversation. `abandon` gives it back, whether it was granted or not. Throws `conversation_busy` when too
   * many wait.
   */
  acquire(key: string, run: string): { granted: Promise<void> | null; abandon: () => void } {
    const abandon = (): void => this.release(key, run)
    const lock = this.#held.get(key)
    if (lock === undefined) {
      this.#held.set(key, { holder: run, waiting: [] })
      return { granted: null, abandon }
    }
    if (lock.holder === run) return { granted: null, abandon }
    if (lock.waiting.length >= WAITING_MAX) {
      throw new StreamstackError('conversation_busy', `${WAITING_MAX} calls wait for this conversation already.`, {
        retryAfterMs: 1_000,
      })
    }
    const granted = new Promise<void>((grant) => lock.waiting.push({ run, grant }))
    return { granted, abandon }
  }

  /** The run that has the conversation, and those that wait for it. */
  runsWith(key: string): readonly string[] {
    const lock = this.#held.get(key)
    return lock === undefined ? [] : [lock.holder, ...lock.waiting.map(({ run }) => run)]
  }

  /** Gives a conversation to the next run; a run that still waits no longer does. */
  release(key: string, run: string): void {
    const lock = this.#held.get(key)
    if (lock === undefined) return
    if (lock.holder !== run) {
      lock.waiting = lock.waiting.filter((one) => one.run !== run)
      return
    }
    const next = lock.waiting.shift()
    if (next === undefined) this.#held.delete(key)
    else {
      lock.holder = next.run
      next.grant()
    }
  }
}
