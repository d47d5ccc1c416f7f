import { ActivityStream, type FinishedCall } from './activity-stream.ts'
import { HistoryStream } from './history-stream.ts'
import { Metrics } from './metrics.ts'
import { MetricsStream } from './metrics-stream.ts'
import { Prometheus } from './prometheus.ts'

/** What an operator can see of a server: the same numbers as a stream and for Prometheus, and the calls as they finish. */
export class Observation {
  readonly metrics = new Metrics()
  readonly samples = new MetricsStream(this.metrics)
  readonly activity = new ActivityStream()
  readonly history = new HistoryStream(this.metrics)
  readonly prometheus = new Prometheus(this.metrics)

  /** Called with messages as they are published. */
  readonly channelObserver = {
    published: (declared: string): void => this.metrics.channels.messagePublished(declared, performance.now()),
    evicted: (declared: string): void => void this.metrics.channels.of(declared).evicted++,
    refused: (code: string): void => this.metrics.channels.messageRefused(code, performance.now()),
  }

  /** Whom to ask for what there is of channels, when a sample is made. */
  observe(channels: {
    readonly openCount: number
    readonly subscriberCount: number
    readonly memberCount: number
  }): void {
    this.metrics.channels.gauges = () => ({
      open: channels.openCount,
      subscribers: channels.subscriberCount,
      members: channels.memberCount,
    })
  }

  /** A call of an endpoint was answered with an error, and no run began. */
  callRefused(
    call: Pick<FinishedCall, 'endpoint' | 'route' | 'caller' | 'status' | 'durationMs'> & { code: string },
  ): void {
    this.metrics.callRefused(call.code, call.status, performance.now(), call.endpoint)
    this.activity.callFinished({ ...call, run: null, outcome: null, chunks: 0, bytes: 0 })
  }

  /** A request found no endpoint. Clients can send any number of these without a token, so they are only counted. */
  pathUnknown(code: string, status: number): void {
    const nowMs = performance.now()
    this.metrics.callBegan(null, nowMs)
    this.metrics.callRefused(code, status, nowMs)
  }

  runEnded(call: FinishedCall & { outcome: NonNullable<FinishedCall['outcome']> }): void {
    this.metrics.runEnded(call.endpoint, call.outcome, call.code, call.durationMs, performance.now())
    if (call.usage !== undefined && call.usage !== null) {
      this.metrics.modelsCalled(call.endpoint, call.usage, performance.now())
    }
    this.activity.callFinished(call)
  }

  close(): void {
    this.samples.close()
    this.history.close()
    this.prometheus.close()
  }
}
