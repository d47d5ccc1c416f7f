import { TIMER_MS_MAX } from './duration.ts'

/** A timer of any length. Node's own fire at once beyond 24.8 days. */
export interface LongTimer {
  /** Stops the timer; nothing happens when it has fired. */
  clear(): void
  /** Starts the timer again with the same length, also after it has fired or was cleared. */
  refresh(): void
  /** Lets the process end although the timer runs. */
  unref(): this
}

/** Calls back once after so many milliseconds; never for Infinity. */
export function startLongTimer(callback: () => void, durationMs: number): LongTimer {
  return new Timer(callback, durationMs)
}

class Timer implements LongTimer {
  readonly #callback: () => void
  readonly #durationMs: number
  /** What is left behind the part that runs. */
  #leftMs: number
  #timer: NodeJS.Timeout | undefined
  #holdsProcess = true

  constructor(callback: () => void, durationMs: number) {
    this.#callback = callback
    this.#durationMs = Math.max(0, durationMs)
    const partMs = Math.min(this.#durationMs, TIMER_MS_MAX)
    this.#leftMs = this.#durationMs - partMs
    this.#timer = setTimeout(elapse, partMs, this)
  }

  clear(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  refresh(): void {
    // Most timers fit in one of Node's, which is refreshed without a new object.
    if (this.#timer !== undefined && this.#durationMs <= TIMER_MS_MAX) {
      this.#timer.refresh()
      return
    }
    this.clear()
    this.#leftMs = this.#durationMs
    this.next()
  }

  unref(): this {
    this.#holdsProcess = false
    this.#timer?.unref()
    return this
  }

  /** A part has run: begins the next one, or calls back. */
  elapsed(): void {
    if (this.#leftMs > 0) return this.next()
    this.#timer = undefined
    this.#callback()
  }

  next(): void {
    const partMs = Math.min(this.#leftMs, TIMER_MS_MAX)
    this.#leftMs -= partMs
    this.#timer = setTimeout(elapse, partMs, this)
    if (!this.#holdsProcess) this.#timer.unref()
  }
}

/** One function for all timers: a closure for each would be made with every run. */
function elapse(timer: Timer): void {
  timer.elapsed()
}
