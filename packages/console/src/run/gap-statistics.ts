/** Up to so many gaps quantiles are exact; beyond, within 5 %. */
const EXACT_MAX = 2_000

/** Buckets for each doubling of a gap. */
const STEPS = 16
/** Shorter gaps count as this, in milliseconds. */
const LEAST_MS = 0.01

/** Shorter gaps are no stalls. */
const STALL_MS = 100
/** A stall is so many times as long as the median. */
const STALL_TIMES = 3

/** Gaps between the chunks of a run: quantiles and the longest one, at a cost for each chunk that does not grow with their number. */
export class GapStatistics {
  #exact: number[] | null = []
  #isSorted = true
  readonly #buckets: number[] = []
  #count = 0
  #longest = { index: 0, gapMs: 0 }

  /** `index`: place of the chunk that the gap is before. */
  add(index: number, gapMs: number): void {
    this.#count++
    if (gapMs > this.#longest.gapMs) this.#longest = { index, gapMs }
    if (this.#exact !== null) {
      this.#exact.push(gapMs)
      this.#isSorted = false
      if (this.#exact.length > EXACT_MAX) this.#exact = null
    }
    const bucket = Math.round(Math.log2(Math.max(gapMs, LEAST_MS) / LEAST_MS) * STEPS)
    this.#buckets[bucket] = (this.#buckets[bucket] ?? 0) + 1
  }

  /** A quantile, such as 0.95, in milliseconds; 0 without gaps. */
  quantile(quantile: number): number {
    const rank = Math.min(this.#count - 1, Math.floor(quantile * this.#count))
    if (rank < 0) return 0
    if (this.#exact !== null) {
      if (!this.#isSorted) this.#exact.sort((one, other) => one - other)
      this.#isSorted = true
      return this.#exact[rank] ?? 0
    }
    let seen = 0
    for (const [bucket, count] of this.#buckets.entries()) {
      seen += count ?? 0
      if (seen > rank) return LEAST_MS * 2 ** (bucket / STEPS)
    }
    return 0
  }

  /** Whether a gap stands out: at least 100 ms, and more than three times the median. */
  isStall(gapMs: number): boolean {
    return gapMs >= STALL_MS && gapMs > STALL_TIMES * this.quantile(0.5)
  }

  /** The longest gap, where it is a stall. */
  get stall(): { readonly index: number; readonly gapMs: number } | null {
    return this.isStall(this.#longest.gapMs) ? this.#longest : null
  }
}
