/** Keys that one counter holds; beyond it those that are idle go, then the oldest. */
const KEYS_MAX = 100_000

/** A bound, so that one huge run does not shut its caller out for good. */
const OWED_PERIODS_MAX = 10

/** The decision of a counter on one call. */
export interface Quota {
  readonly isAllowed: boolean
  /** Calls that are left now. */
  readonly remaining: number
  /** Milliseconds until all are there again. */
  readonly resetMs: number
  /** Milliseconds until the next call is allowed; 0: it is. */
  readonly retryAfterMs: number
}

/**
 * Counts calls, or what else a limit counts, by key: `calls` at once, and one more each `perMs / calls`. It holds one number a key: when its calls would be used up (the generic cell rate
 * algorithm, ITU-T I.371 Annex A), so that no window has an edge at which twice as many calls pass.
 */
export class RateCounter {
  readonly #perMs: number
  readonly #intervalMs: number
  readonly #usedUntil = new Map<string, number>()

  constructor(calls: number, perMs: number) {
    this.#perMs = perMs
    this.#intervalMs = perMs / calls
  }

  /** Counts a call, if it is allowed. `nowMs`: monotonic. */
  take(key: string, nowMs: number): Quota {
    const used = Math.max(this.#usedUntil.get(key) ?? 0, nowMs)
    const next = used + this.#intervalMs
    const overMs = next - nowMs - this.#perMs
    // A billionth: sums of intervals are not exact.
    if (overMs > this.#intervalMs * 1e-9) return this.#quota(false, used, nowMs, overMs)
    if (this.#usedUntil.size >= KEYS_MAX && !this.#usedUntil.has(key)) this.#makeRoom(nowMs)
    this.#usedUntil.delete(key)
    this.#usedUntil.set(key, next)
    return this.#quota(true, next, nowMs, 0)
  }

  /** Whether anything is left; counts nothing. */
  look(key: string, nowMs: number): Quota {
    const used = Math.max(this.#usedUntil.get(key) ?? 0, nowMs)
    const overMs = used + this.#intervalMs - nowMs - this.#perMs
    const isAllowed = overMs <= this.#intervalMs * 1e-9
    return this.#quota(isAllowed, used, nowMs, isAllowed ? 0 : overMs)
  }

  /** Counts what was used, also beyond what is left: the rest is owed, for ten periods at most. */
  charge(key: string, amount: number, nowMs: number): void {
    if (this.#usedUntil.size >= KEYS_MAX && !this.#usedUntil.has(key)) this.#makeRoom(nowMs)
    const used = Math.max(this.#usedUntil.get(key) ?? 0, nowMs)
    this.#usedUntil.delete(key)
    this.#usedUntil.set(key, Math.min(used + amount * this.#intervalMs, nowMs + OWED_PERIODS_MAX * this.#perMs))
  }

  /** Keys that it holds. */
  get size(): number {
    return this.#usedUntil.size
  }

  #quota(isAllowed: boolean, usedUntil: number, nowMs: number, retryAfterMs: number): Quota {
    const resetMs = usedUntil - nowMs
    const remaining = isAllowed ? Math.floor((this.#perMs - resetMs) / this.#intervalMs + 1e-6) : 0
    return { isAllowed, remaining, resetMs, retryAfterMs }
  }

  /** Those that have all their calls again need not be remembered. Keys stand in the order of their last call. */
  #makeRoom(nowMs: number): void {
    let dropped = 0
    for (const [key, usedUntil] of this.#usedUntil) {
      if (usedUntil > nowMs && dropped >= KEYS_MAX / 100) break
      this.#usedUntil.delete(key)
      dropped++
    }
  }
}
