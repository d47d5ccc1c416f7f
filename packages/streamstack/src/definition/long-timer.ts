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
  #leftMs: number
  #timer: NodeJS.Timeout | undefined
  #holdsProcess = true

  constructor(callback: () => void, durationMs: number) {
    this.#callback = callback
    this.#durationMs = Math.max(0, durationMs)
    this.#leftMs = this.#durationMs
    this.#start()
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
    this.#start()
  }

  unref(): this {
    this.#holdsProcess = false
    this.#timer?.unref()
    return this
  }

  #start(): void {
    const partMs = Math.min(this.#leftMs, TIMER_MS_MAX)
    this.#leftMs -= partMs
    const timer = setTimeout(() => this.#elapsed(), partMs)
    if (!this.#holdsProcess) timer.unref()
    this.#timer = timer
  }

  #elapsed(): void {
    if (this.#leftMs > 0) this.#start()
    else {
      this.#timer = undefined
      this.#callback()
    }
  }
}
