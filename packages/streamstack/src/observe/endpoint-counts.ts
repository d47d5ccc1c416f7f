import type { Outcome } from '@streamstack/protocol'
import { BucketHistogram } from './bucket-histogram.ts'
import { EndpointMinute } from './endpoint-minute.ts'
import { ModelCounts } from './model-counts.ts'
import type { SlidingWindow } from './sliding-window.ts'

/** From the latency that feels instant to one at which users give up. */
const FIRST_CHUNK_BOUNDS_MS = [1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000]
const RUN_BOUNDS_MS = [5, 10, 50, 100, 500, 1_000, 5_000, 10_000, 30_000, 60_000, 300_000, 900_000, 3_600_000]

/** Counters of one endpoint, since the start of the server and in the last minute. */
export class EndpointCounts {
  requests = 0
  chunks = 0
  readonly outcomes: Record<Outcome, number> = { completed: 0, failed: 0, cancelled: 0, abandoned: 0 }
  readonly firstChunk = new BucketHistogram(FIRST_CHUNK_BOUNDS_MS)
  readonly runDuration = new BucketHistogram(RUN_BOUNDS_MS)
  readonly models = new ModelCounts()
  readonly minute: EndpointMinute

  constructor(window: SlidingWindow) {
    this.minute = new EndpointMinute(window)
  }
}
