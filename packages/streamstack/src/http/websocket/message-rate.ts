/** How many messages a connection may send: so many a second, and a burst of so many at once. */
export class MessageRate {
  readonly #perSecond: number
  readonly #burst: number
  #left: number
  #countedMs = performance.now()

  constructor(perSecond: number, burst: number) {
    this.#perSecond = perSecond
    this.#burst = burst
    this.#left = burst
  }

  /** Counts one message; false: it is one too many. */
  take(nowMs: number): boolean {
    const earned = ((nowMs - this.#countedMs) / 1_000) * this.#perSecond
    this.#left = Math.min(this.#burst, this.#left + earned)
    this.#countedMs = nowMs
    if (this.#left < 1) return false
    this.#left -= 1
    return true
  }
}
