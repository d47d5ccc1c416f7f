import type { Outcome } from '@streamstack/protocol'
import type { EventLoopDelay } from './event-loop-delay.ts'
import type { Metrics } from './metrics.ts'
import type { Percentiles } from './sliding-histogram.ts'
import { WINDOW_SECONDS } from './sliding-window.ts'

interface Count {
  /** Since the server started. */
  readonly total: number
  readonly last_minute: number
}

/** Endpoints in a sample: those that were called most in the last minute. */
const ENDPOINTS_MAX = 20

/** The last minute of one endpoint. */
interface EndpointSample {
  readonly requests: Pick<Count, 'last_minute'>
  readonly error_rate: number | null
  readonly first_chunk_ms: Percentiles
  readonly duration_ms: Percentiles
}

/** One chunk of `system/history`: of `system/metrics`, what a chart of an hour shows. */
export interface HistorySample {
  readonly time: string
  /** Users who called in the last minute: subjects of tokens, and addresses of calls without one. */
  readonly active_users: number
  readonly active_streams: number
  readonly active_readers: number
  readonly requests: Pick<Count, 'last_minute'>
  readonly error_rate: number | null
  readonly first_chunk_ms: Percentiles
  readonly duration_ms: Percentiles
}

/** One chunk of `system/metrics`. */
export interface MetricsSample {
  readonly time: string
  readonly active_users: number
  /** From the start of a run to its end. */
  readonly duration_ms: Percentiles
  /** The endpoints that were called most in the last minute, by name. */
  readonly endpoints: Readonly<Record<string, EndpointSample>>
  readonly uptime_seconds: number
  /** How long "the last minute" is at most. */
  readonly window_seconds: number
  /** Streams of runs that go on. */
  readonly active_streams: number
  /** Readers of streams of runs and of channels, over HTTP and WebSockets. */
  readonly active_readers: number
  readonly requests: Count
  readonly refused: Count
  /** Of the calls that finished in the last minute, the share that failed by fault of the server or the endpoint; null: none finished. */
  readonly error_rate: number | null
  /** Calls that wait for a run of their endpoint to end (`concurrency`). */
  readonly queued_calls: number
  readonly first_chunk_ms: Percentiles
  readonly chunk_ms: Percentiles
  readonly chunks: Count
  readonly bytes_sent: number
  readonly channels: {
    readonly open: number
    readonly subscribers: number
    readonly members: number
    readonly published: Count
    readonly refused: Count
    /** Codes of refused messages, since the server started. */
    readonly errors: Readonly<Record<string, number>>
  }
  /** Calls of models in runs that are over, since the server started. */
  readonly models: {
    readonly calls: number
    readonly input_tokens: number
    readonly output_tokens: number
    readonly reasoning_tokens: number
    readonly cached_tokens: number
    /** In the currency of the prices in the settings. */
    readonly cost: number
    /** From the request to the first piece of the answer, in the last minute. */
    readonly first_token_ms: Percentiles
  }
  readonly websockets: {
    readonly open: number
    /** By code, since the server started. */
    readonly closed: Readonly<Record<string, number>>
  }
  /** Since the server started. */
  readonly runs: Readonly<Record<Outcome, number>>
  /** Codes of refused calls and of runs that did not complete, since the server started. */
  readonly errors: Readonly<Record<string, number>>
  readonly event_loop_delay_ms: EventLoopDelay
  readonly memory: { readonly rss_bytes: number; readonly heap_used_bytes: number; readonly external_bytes: number }
}

/** The numbers of a moment. `nowMs`: monotonic. */
export function metricsSample(metrics: Metrics, delay: EventLoopDelay, nowMs: number): MetricsSample {
  metrics.turn(nowMs)
  const { requests, refused, finished, faults, chunks, channels, sockets } = metrics
  const { rss, heapUsed, external } = process.memoryUsage()
  return {
    time: new Date().toISOString(),
    uptime_seconds: Math.round((nowMs - metrics.startedAtMs) / 1_000),
    window_seconds: WINDOW_SECONDS,
    active_users: metrics.users.count,
    active_streams: metrics.activeRuns,
    active_readers: metrics.activeReaders,
    requests: { total: requests.total, last_minute: requests.lastMinute },
    refused: { total: refused.total, last_minute: refused.lastMinute },
    error_rate: rate(faults.lastMinute, finished.lastMinute),
    queued_calls: metrics.limits.waiting,
    first_chunk_ms: metrics.firstChunk.percentiles(),
    duration_ms: metrics.duration.percentiles(),
    chunk_ms: metrics.chunk.percentiles(),
    chunks: { total: chunks.total, last_minute: chunks.lastMinute },
    bytes_sent: metrics.bytesSent(),
    channels: {
      ...channels.gauges(),
      published: { total: channels.published.total, last_minute: channels.published.lastMinute },
      refused: { total: channels.refused.total, last_minute: channels.refused.lastMinute },
      errors: Object.fromEntries(channels.refusedCodes),
    },
    models: {
      calls: metrics.models.calls,
      input_tokens: metrics.models.tokens.input,
      output_tokens: metrics.models.tokens.output,
      reasoning_tokens: metrics.models.tokens.reasoning,
      cached_tokens: metrics.models.tokens.cached,
      cost: metrics.models.cost,
      first_token_ms: metrics.firstToken.percentiles(),
    },
    websockets: { open: sockets.open, closed: Object.fromEntries(sockets.closedCodes) },
    runs: { ...metrics.outcomes },
    errors: summed(metrics.refusedCodes, metrics.runCodes),
    event_loop_delay_ms: delay,
    memory: { rss_bytes: rss, heap_used_bytes: heapUsed, external_bytes: external },
    endpoints: busiest(metrics),
  }
}

/** The numbers of a moment in short. `nowMs`: monotonic. */
export function historySample(metrics: Metrics, nowMs: number): HistorySample {
  metrics.turn(nowMs)
  return {
    time: new Date().toISOString(),
    active_users: metrics.users.count,
    active_streams: metrics.activeRuns,
    active_readers: metrics.activeReaders,
    requests: { last_minute: metrics.requests.lastMinute },
    error_rate: rate(metrics.faults.lastMinute, metrics.finished.lastMinute),
    first_chunk_ms: metrics.firstChunk.percentiles(),
    duration_ms: metrics.duration.percentiles(),
  }
}

/** Null: none finished. */
function rate(faults: number, finished: number): number | null {
  return finished === 0 ? null : faults / finished
}

function busiest({ endpoints }: Metrics): Record<string, EndpointSample> {
  const called = [...endpoints].filter(([, { minute }]) => minute.requests.lastMinute + minute.finished.lastMinute > 0)
  called.sort(([, a], [, b]) => b.minute.requests.lastMinute - a.minute.requests.lastMinute)
  return Object.fromEntries(
    called.slice(0, ENDPOINTS_MAX).map(([name, { minute }]) => [
      name,
      {
        requests: { last_minute: minute.requests.lastMinute },
        error_rate: rate(minute.faults.lastMinute, minute.finished.lastMinute),
        first_chunk_ms: minute.firstChunk.percentiles(),
        duration_ms: minute.duration.percentiles(),
      },
    ]),
  )
}

function summed(...counts: readonly ReadonlyMap<string, number>[]): Record<string, number> {
  const sums: Record<string, number> = {}
  for (const each of counts) for (const [code, count] of each) sums[code] = (sums[code] ?? 0) + count
  return sums
}
