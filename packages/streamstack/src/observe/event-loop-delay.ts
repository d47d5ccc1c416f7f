import { monitorEventLoopDelay } from 'node:perf_hooks'

/** How often the event loop is looked at. A look that comes on time is no delay, so this is subtracted. */
const RESOLUTION_MS = 10

type DelayHistogram = ReturnType<typeof monitorEventLoopDelay>

/** Milliseconds by which timers came late. Null: there was no look yet. */
export interface EventLoopDelay {
  readonly p50: number | null
  readonly p99: number | null
  readonly max: number | null
}

/** How late the event loop is. Nothing runs before `start`. */
export class EventLoopMonitor {
  /**
   * The first is the one that is read next. There are two, reset in turn: a reset loses the delay that is just going on, and the question may come in the
   * middle of one. The other has it.
   */
  #histograms: [DelayHistogram, DelayHistogram] | null = null

  start(): void {
    if (this.#histograms !== null) return
    const options = { resolution: RESOLUTION_MS }
    this.#histograms = [monitorEventLoopDelay(options), monitorEventLoopDelay(options)]
    for (const histogram of this.#histograms) histogram.enable()
  }

  stop(): void {
    for (const histogram of this.#histograms ?? []) histogram.disable()
    this.#histograms = null
  }

  /** The delays since the question before the last one. */
  take(): EventLoopDelay {
    if (this.#histograms === null) return { p50: null, p99: null, max: null }
    const [histogram, next] = this.#histograms
    const delays =
      histogram.count === 0
        ? { p50: null, p99: null, max: null }
        : {
            p50: delayMs(histogram.percentile(50)),
            p99: delayMs(histogram.percentile(99)),
            max: delayMs(histogram.max),
          }
    histogram.reset()
    this.#histograms = [next, histogram]
    return delays
  }
}

function delayMs(nanoseconds: number): number {
  return Math.max(0, Math.round(nanoseconds / 1_000 - RESOLUTION_MS * 1_000) / 1_000)
}
