import type { Metrics } from './metrics.ts'
import { type HistorySample, historySample } from './metrics-sample.ts'
import { SystemStream } from './system-stream.ts'

const INTERVAL_MS = 10_000

/** The last hour. */
const SAMPLES = 360

/**
 * `system/history`: a short sample every 10 s, with or without readers. The last hour is kept, so
 * that a chart does not begin empty.
 */
export class HistoryStream extends SystemStream {
  readonly #metrics: Metrics
  #timer: NodeJS.Timeout | undefined

  constructor(metrics: Metrics) {
    super('system/history')
    this.#metrics = metrics
  }

  /** Offset after which the last hour begins. */
  override get begin(): number {
    return Math.max(super.begin, this.stream.lastOffset - SAMPLES)
  }

  /** Begins to sample. */
  start(): void {
    this.#timer ??= setInterval(() => this.sample(), INTERVAL_MS).unref()
  }

  override refresh(): void {}

  sample(): void {
    this.append(historySample(this.#metrics, performance.now()) satisfies HistorySample)
  }

  close(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }
}
