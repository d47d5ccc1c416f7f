import { type SlidingWindow, WINDOW_SLOTS } from './sliding-window.ts'

/** Every power of two is cut into 2^5 buckets of one width, so that a value is known to 1/64 of itself, 1.6 %. */
const STEPS_BITS = 5

/** Longer counts as this, 35 minutes. Values are whole microseconds, which fit in 31 bits. */
const MICROSECONDS_MAX = 2 ** 31 - 1

/** Percentiles of the last minute, in milliseconds. Null: nothing was recorded. */
export interface Percentiles {
  readonly count: number
  readonly p50: number | null
  readonly p95: number | null
  readonly p99: number | null
}

/**
 * Durations of the last minute in log-linear buckets (as HdrHistogram has them): 45 kB however many are recorded, and percentiles that are off by
 * 1.6 % or half a microsecond at most. With fewer steps it takes less, and percentiles are off by more.
 */
export class SlidingHistogram {
  readonly #window: SlidingWindow
  /** Buckets of each slot, and of all slots together. */
  readonly #slots: Uint32Array
  readonly #all: Uint32Array
  readonly #stepsBits: number
  #count = 0

  constructor(window: SlidingWindow, stepsBits = STEPS_BITS) {
    const buckets = bucketOf(MICROSECONDS_MAX, stepsBits) + 1
    this.#window = window
    this.#stepsBits = stepsBits
    this.#slots = new Uint32Array(WINDOW_SLOTS * buckets)
    this.#all = new Uint32Array(buckets)
    window.add(this)
  }

  /** A duration in milliseconds, that so many had. */
  record(milliseconds: number, times: number): void {
    const bucket = bucketOf(Math.max(0, Math.min(milliseconds * 1_000, MICROSECONDS_MAX)) | 0, this.#stepsBits)
    const at = this.#window.slot * this.#all.length + bucket
    this.#slots[at] = (this.#slots[at] as number) + times
    this.#all[bucket] = (this.#all[bucket] as number) + times
    this.#count += times
  }

  forget(slot: number): void {
    const buckets = this.#all.length
    const start = slot * buckets
    for (let bucket = 0; bucket < buckets; bucket++) {
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
    return middleOf(bucket, this.#stepsBits) / 1_000
  }
}

function bucketOf(microseconds: number, stepsBits: number): number {
  if (microseconds < 1 << stepsBits) return microseconds
  const shift = 31 - Math.clz32(microseconds) - stepsBits
  return (shift << stepsBits) + (microseconds >>> shift)
}

function middleOf(bucket: number, stepsBits: number): number {
  const steps = 1 << stepsBits
  if (bucket < 2 * steps) return bucket + 0.5
  const shift = (bucket >>> stepsBits) - 1
  return (steps + (bucket & (steps - 1)) + 0.5) * 2 ** shift
}
