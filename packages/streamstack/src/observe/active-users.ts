import { type SlidingWindow, WINDOW_SLOTS } from './sliding-window.ts'

/** More users than this in a minute are counted as this many. */
const USERS_MAX = 100_000

/**
 * How many users called in the last minute, each once: the subject of a token, or the address that a call without a token came from. A user is held as a number of 53
 * bits, so that neither names nor addresses are kept; two of 100,000 fall together once in two million minutes.
 */
export class ActiveUsers {
  readonly #window: SlidingWindow
  /** Active users, by the slot of their last call. */
  readonly #slots: Set<number>[] = Array.from({ length: WINDOW_SLOTS }, () => new Set())
  readonly #slotOf = new Map<number, number>()
  /** The user that was seen last, and in which slot: one that calls again at once is not counted again. */
  #lastUser = ''
  #lastSlot = -1

  constructor(window: SlidingWindow) {
    this.#window = window
    window.add(this)
  }

  get count(): number {
    return this.#slotOf.size
  }

  saw(user: string): void {
    const { slot } = this.#window
    if (user === this.#lastUser && slot === this.#lastSlot) return
    this.#lastUser = user
    this.#lastSlot = slot
    const key = hashOf(user)
    const before = this.#slotOf.get(key)
    if (before === slot) return
    if (before === undefined && this.#slotOf.size >= USERS_MAX) return
    if (before !== undefined) this.#slots[before]?.delete(key)
    this.#slots[slot]?.add(key)
    this.#slotOf.set(key, slot)
  }

  forget(slot: number): void {
    this.#lastSlot = -1
    const gone = this.#slots[slot]
    for (const key of gone ?? []) this.#slotOf.delete(key)
    gone?.clear()
  }
}

/**
 * cyrb53: spreads well and costs little. It need not be secure: a collision only merges two users
 * in a count.
 */
function hashOf(text: string): number {
  let high = 0xdeadbeef
  let low = 0x41c6ce57
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    high = Math.imul(high ^ code, 2_654_435_761)
    low = Math.imul(low ^ code, 1_597_334_677)
  }
  high = Math.imul(high ^ (high >>> 16), 2_246_822_507) ^ Math.imul(low ^ (low >>> 13), 3_266_489_909)
  low = Math.imul(low ^ (low >>> 16), 2_246_822_507) ^ Math.imul(high ^ (high >>> 13), 3_266_489_909)
  return 4_294_967_296 * (2_097_151 & low) + (high >>> 0)
}
