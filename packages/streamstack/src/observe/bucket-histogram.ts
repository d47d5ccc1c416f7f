/** Durations since the start by upper bounds, as Prometheus wants them. */
export class BucketHistogram {
  /** Upper bounds in milliseconds, ascending; a value equal to a bound is in its bucket. */
  readonly boundsMs: readonly number[]
  /** One for each bound and one for what is beyond them all. */
  readonly #counts: Float64Array
  #sumMs = 0
  #count = 0

  constructor(boundsMs: readonly number[]) {
    this.boundsMs = boundsMs
    this.#counts = new Float64Array(boundsMs.length + 1)
  }

  /** A duration in milliseconds, that so many had. */
  record(milliseconds: number, times: number): void {
    const bounds = this.boundsMs
    let bucket = 0
    while (bucket < bounds.length && milliseconds > (bounds[bucket] as number)) bucket++
    this.#counts[bucket] = (this.#counts[bucket] as number) + times
    this.#sumMs += milliseconds * times
    this.#count += times
  }

  get count(): number {
    return this.#count
  }

  get sumMs(): number {
    return this.#sumMs
  }

  /** How many were no longer than each bound. */
  cumulative(): number[] {
    let sum = 0
    return this.boundsMs.map((_bound, bucket) => (sum += this.#counts[bucket] as number))
  }
}
