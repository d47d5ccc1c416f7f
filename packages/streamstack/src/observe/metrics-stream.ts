import type { StreamReader } from '../stream/index.ts'
import { EventLoopMonitor } from './event-loop-delay.ts'
import type { Metrics } from './metrics.ts'
import { metricsSample } from './metrics-sample.ts'
import { SystemStream } from './system-stream.ts'

/** `system/metrics`: a sample each second while it has readers, and no work without readers. */
export class MetricsStream extends SystemStream {
  readonly #metrics: Metrics
  readonly #intervalMs: number
  readonly #eventLoop = new EventLoopMonitor()
  #timer: NodeJS.Timeout | undefined
  /** When the newest sample was made, on the monotonic clock. */
  #sampledMs = -Infinity

  constructor(metrics: Metrics, intervalMs = 1_000) {
    super('system/metrics')
    this.#metrics = metrics
    this.#intervalMs = intervalMs
  }

  override attach(reader: StreamReader): void {
    this.refresh()
    super.attach(reader)
    this.#eventLoop.start()
    this.#timer ??= setInterval(() => this.#sample(), this.#intervalMs).unref()
  }

  override detach(reader: StreamReader): void {
    super.detach(reader)
    if (this.stream.readerCount === 0) this.close()
  }

  /** Makes a sample unless the newest is of this interval, so that who reads the newest reads of now. */
  override refresh(): void {
    if (performance.now() - this.#sampledMs >= this.#intervalMs) this.#sample()
  }

  close(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
    this.#eventLoop.stop()
  }

  #sample(): void {
    this.#sampledMs = performance.now()
    this.append(metricsSample(this.#metrics, this.#eventLoop.take(), this.#sampledMs))
  }
}
