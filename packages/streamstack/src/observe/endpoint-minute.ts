import { SlidingHistogram } from './sliding-histogram.ts'
import { SlidingCount, type SlidingWindow } from './sliding-window.ts'

/** Percentiles of one endpoint are within 6 % of what a sorted list would give, in a quarter of the memory of those of all together. */
const STEPS_BITS = 3

/** Counters of one endpoint in the last minute. */
export class EndpointMinute {
  readonly requests: SlidingCount
  readonly finished: SlidingCount
  readonly faults: SlidingCount
  readonly firstChunk: SlidingHistogram
  readonly duration: SlidingHistogram

  constructor(window: SlidingWindow) {
    this.requests = new SlidingCount(window)
    this.finished = new SlidingCount(window)
    this.faults = new SlidingCount(window)
    this.firstChunk = new SlidingHistogram(window, STEPS_BITS)
    this.duration = new SlidingHistogram(window, STEPS_BITS)
  }
}
