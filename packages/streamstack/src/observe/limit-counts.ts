import type { BucketHistogram } from './bucket-histogram.ts'

/** The runs of an endpoint with a bound of its own, and the calls that wait for one of them to end. */
export interface QueueGauges {
  readonly running: number
  readonly waiting: number
  readonly refused: number
  readonly waited: BucketHistogram
}

/** Calls beyond a rate limit. Names come from the workspace: no caller can make one. */
export interface LimitedCalls {
  readonly endpoint: string
  /** What it counts and by what. */
  readonly limit: string
  readonly mode: 'enforce' | 'report'
  count: number
}

/** What limits have refused, or would have, and how full they are. */
export class LimitCounts {
  /** Asked only when a sample is made. */
  gauges: () => { readonly openStreams: number; readonly queues: ReadonlyMap<string, QueueGauges> } = () => ({
    openStreams: 0,
    queues: new Map(),
  })
  readonly #limited = new Map<string, LimitedCalls>()

  get limited(): Iterable<LimitedCalls> {
    return this.#limited.values()
  }

  /** Calls that wait for a place, of all endpoints. */
  get waiting(): number {
    let waiting = 0
    for (const queue of this.gauges().queues.values()) waiting += queue.waiting
    return waiting
  }

  /** A call was beyond a limit. */
  limitExceeded(endpoint: string, limit: string, mode: LimitedCalls['mode']): void {
    const key = `${endpoint}\n${limit}\n${mode}`
    const known = this.#limited.get(key)
    if (known === undefined) this.#limited.set(key, { endpoint, limit, mode, count: 1 })
    else known.count++
  }
}
