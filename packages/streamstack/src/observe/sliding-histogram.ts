import { type SlidingWindow, WINDOW_SLOTS } from './sliding-window.ts'

/** Every power of two is cut into so many buckets of one width, so that a value is known to 1/64 of itself, 1.6 %. */
const STEPS_BITS = 5
const STEPS = 1 << STEPS_BITS

/** Longer counts as this, 35 minutes. Values are whole microseconds, which fit in 31 bits. */
const MICROSECONDS_MAX = 2 ** 31 - 1
const BUCKETS = bucketOf(MICROSECONDS_MAX) + 1

/** Percentiles of the last minute, in milliseconds. Null: nothing was recorded. */
export interface Percentiles {
  readonly count: number
  readonly p50: number | null
  readonly p95: number | null
  readonly p99: number | null
}

/**
 * Durations of the last minute in log-linear buckets (as HdrHistogram has them): 45 kB however many are recorded, and percentiles that are off by
 * 1.6 % or half a microsecond at most.
 */
export class SlidingHistogram {
  readonly #window: SlidingWindow
  /** Buckets of each slot, and of all slots together. */
  readonly #slots = new Uint32Array(WINDOW_SLOTS * BUCKETS)
  readonly #all = new Uint32Array(BUCKETS)
  #count = 0

  constructor(window: SlidingWindow) {
    this.#window = window
    window.add(this)
  }

  /** A duration in milliseconds, that so many had. */
  record(milliseconds: number, times: number): void {
    const bucket = bucketOf(Math.max(0, Math.min(milliseconds * 1_000, MICROSECONDS_MAX)) | 0)
    const at = this.#window.slot * BUCKETS + bucket
    this.#slots[at] = (this.#slots[at] as number) + times
    this.#all[bucket] = (this.#all[bucket] as number) + times
    this.#count += times
  }

  forget(slot: number): void {
    const start = slot * BUCKETS
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      const gone = this.#slots[start + bucket] as number
      if (gone === 0) continue
      this.#all[bucket] = (this.#all[bucket] as number) - gone
      this.#count -= gone
      this.#slots[start + bucket] = 0
    }
  }

  percentiles(): Percentiles {
    return { count: this.#count, p50: this.#percentile(0.5), p95: this.#percentile(0.95), p99: this.#percentile(0.99) }
  }

  /** The smallest duration that this share of all did not exceed (nearest rank), as the middle of its bucket. */
  #percentile(share: number): number | null {
    if (this.#count === 0) return null
    let left = Math.max(1, Math.ceil(share * this.#count))
    let bucket = -1
    while (left > 0) left -= this.#all[++bucket] as number
    return middleOf(bucket) / 1_000
  }
}

function bucketOf(microseconds: number): number {
  if (microseconds < STEPS) return microseconds
  const shift = 31 - Math.clz32(microseconds) - STEPS_BITS
  return (shift << STEPS_BITS) + (microseconds >>> shift)
}

function middleOf(bucket: number): number {
  if (bucket < 2 * STEPS) return bucket + 0.5
  const shift = (bucket >>> STEPS_BITS) - 1
  return (STEPS + (bucket & (STEPS - 1)) + 0.5) * 2 ** shift
}
