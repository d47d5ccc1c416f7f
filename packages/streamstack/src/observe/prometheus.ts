import type { BucketHistogram } from './bucket-histogram.ts'
import type { DeclaredChannelCounts } from './channel-counts.ts'
import type { EndpointCounts } from './endpoint-counts.ts'
import { EventLoopMonitor } from './event-loop-delay.ts'
import type { QueueGauges } from './limit-counts.ts'
import type { AuditNumbers, Metrics } from './metrics.ts'
import { type Family, PROMETHEUS_TYPE, type Sample, prometheusText } from './prometheus-text.ts'

/** A server that is scraped no more stops looking at its event loop. */
const IDLE_MS = 300_000

/**
 * The numbers of `Metrics` in the text format of Prometheus. They are read when they are scraped and kept nowhere twice. Names of endpoints come
 * from the workspace and codes from the table of errors: no caller can make a label.
 */
export class Prometheus {
  readonly #families: (() => Family)[] = []
  readonly #metrics: Metrics
  readonly #eventLoop = new EventLoopMonitor()
  #idle: NodeJS.Timeout | undefined

  constructor(metrics: Metrics) {
    this.#metrics = metrics
    this.#addCalls()
    this.#addStreams()
    this.#addLimits()
    this.#addModels()
    this.#addChannels()
    this.#addAudit()
    this.#addProcess()
  }

  /** Of the text, as scrapers want it. */
  get contentType(): string {
    return PROMETHEUS_TYPE
  }

  /** The text of one scrape. */
  text(): string {
    this.#metrics.turn(performance.now())
    this.#eventLoop.start()
    clearTimeout(this.#idle)
    this.#idle = setTimeout(() => this.close(), IDLE_MS).unref()
    return prometheusText(this.#families.map((read) => read()))
  }

  close(): void {
    clearTimeout(this.#idle)
    this.#eventLoop.stop()
  }

  #addCalls(): void {
    const metrics = this.#metrics
    this.#add('counter', 'requests_total', 'Calls of endpoints, refused ones included.', () =>
      this.#perEndpoint(({ requests }) => requests),
    )
    this.#add('counter', 'unknown_requests_total', 'Requests for paths where there is no endpoint.', () =>
      one(metrics.unknownRequests),
    )
    this.#add('counter', 'refused_total', 'Requests that were answered with an error and no run.', () =>
      perCode(metrics.refusedCodes),
    )
    this.#add('counter', 'runs_total', 'Runs that are over, by their outcome.', () =>
      Array.from(metrics.endpoints).flatMap(([endpoint, { outcomes }]) =>
        Object.entries(outcomes).map(([outcome, value]) => ({ labels: { endpoint, outcome }, value })),
      ),
    )
    this.#add('counter', 'run_errors_total', 'Runs that did not complete, by the code of their error.', () =>
      perCode(metrics.runCodes),
    )
    this.#add('histogram', 'run_duration_seconds', 'How long runs took, from their start to their outcome.', (name) =>
      this.#bucketsPerEndpoint(name, ({ runDuration }) => runDuration),
    )
  }

  #addStreams(): void {
    const metrics = this.#metrics
    this.#add('gauge', 'active_streams', 'Streams of runs that go on.', () => one(metrics.activeRuns))
    this.#add('gauge', 'active_readers', 'Readers of streams of runs and of channels.', () =>
      one(metrics.activeReaders),
    )
    this.#add('histogram', 'first_chunk_seconds', 'From a request to the write of its first chunk.', (name) =>
      this.#bucketsPerEndpoint(name, ({ firstChunk }) => firstChunk),
    )
    this.#add('histogram', 'chunk_latency_seconds', 'From the way of a chunk into its stream to its write.', (name) =>
      buckets(name, {}, metrics.chunkTotals),
    )
    this.#add('counter', 'chunks_written_total', 'Chunks written, once for each reader.', () =>
      this.#perEndpoint(({ chunks }) => chunks),
    )
    this.#add('counter', 'sent_bytes_total', 'Bytes that went to sockets, headers and framing included.', () =>
      one(metrics.bytesSent()),
    )
  }

  #addLimits(): void {
    const { limits } = this.#metrics
    this.#add('counter', 'rate_limited_total', 'Calls beyond a rate limit; with mode report they were let in.', () =>
      Array.from(limits.limited, ({ endpoint, limit, mode, count }) => ({
        labels: { endpoint, limit, mode },
        value: count,
      })),
    )
    this.#add('gauge', 'open_streams', 'Answers that may stream and are not over.', () =>
      one(limits.gauges().openStreams),
    )
    const perQueue = (value: (queue: QueueGauges) => number): Sample[] =>
      Array.from(limits.gauges().queues, ([endpoint, queue]) => ({ labels: { endpoint }, value: value(queue) }))
    this.#add('gauge', 'queued_calls', 'Calls that wait for a run of their endpoint to end.', () =>
      perQueue(({ waiting }) => waiting),
    )
    this.#add('gauge', 'bounded_runs', 'Runs of endpoints that declare `concurrency`.', () =>
      perQueue(({ running }) => running),
    )
    this.#add('counter', 'queue_refused_total', 'Calls for which a queue had no room, or no place in time.', () =>
      perQueue(({ refused }) => refused),
    )
    this.#add('histogram', 'queue_wait_seconds', 'How long calls waited that got a place.', (name) =>
      Array.from(limits.gauges().queues).flatMap(([endpoint, { waited }]) => buckets(name, { endpoint }, waited)),
    )
  }

  #addModels(): void {
    this.#add('counter', 'model_calls_total', 'Calls of models in runs that are over.', () =>
      this.#perEndpoint(({ models }) => models.calls),
    )
    this.#add(
      'counter',
      'model_tokens_total',
      'Tokens of calls of models: reasoning is part of output, cached of input.',
      () =>
        Array.from(this.#metrics.endpoints).flatMap(([endpoint, { models }]) =>
          Object.entries(models.tokens).map(([kind, value]) => ({ labels: { endpoint, kind }, value })),
        ),
    )
    this.#add(
      'counter',
      'model_cost_total',
      'What calls of models cost, in the currency of the prices in the settings.',
      () => this.#perEndpoint(({ models }) => models.cost),
    )
    this.#add(
      'histogram',
      'model_first_token_seconds',
      'From a request to a model to the first piece of its answer.',
      (name) => this.#bucketsPerEndpoint(name, ({ models }) => models.firstToken),
    )
  }

  #addChannels(): void {
    const { channels, sockets } = this.#metrics
    this.#add('gauge', 'channels_open', 'Channels that are in memory.', () => one(channels.gauges().open))
    this.#add('gauge', 'channel_subscribers', 'Readers of channels, those over WebSockets included.', () =>
      one(channels.gauges().subscribers),
    )
    this.#add('gauge', 'presence_members', 'Who is in channels, together.', () => one(channels.gauges().members))
    this.#add('counter', 'channel_messages_total', 'Messages published, by the declared name of the channel.', () =>
      perChannel(channels.declared, ({ published }) => published),
    )
    this.#add('counter', 'channel_refused_total', 'Messages that were refused, by the code of the error.', () =>
      perCode(channels.refusedCodes),
    )
    this.#add('counter', 'channel_evicted_total', 'Idle channels that lost their messages for want of room.', () =>
      perChannel(channels.declared, ({ evicted }) => evicted),
    )
    this.#add('counter', 'channel_chunks_written_total', 'Messages written, once for each reader.', () =>
      perChannel(channels.declared, ({ chunks }) => chunks),
    )
    this.#add('gauge', 'websocket_connections', 'WebSockets that are open.', () => one(sockets.open))
    this.#add('counter', 'websocket_opened_total', 'WebSockets that were opened.', () => one(sockets.opened))
    this.#add('counter', 'websocket_closed_total', 'WebSockets that were closed, by code.', () =>
      perCode(sockets.closedCodes),
    )
  }

  #addAudit(): void {
    const add = (type: Family['type'], suffix: string, help: string, of: (numbers: AuditNumbers) => number): void =>
      this.#add(type, suffix, help, () => {
        const numbers = this.#metrics.audit()
        return numbers === null ? [] : one(of(numbers))
      })
    add('counter', 'audit_entries_total', 'Entries of the audit.', ({ entries }) => entries)
    add(
      'counter',
      'audit_lost_total',
      'Entries that found no room while the audit could not be written.',
      (n) => n.lost,
    )
    add('gauge', 'audit_waiting', 'Entries that are not on disk yet.', ({ waiting }) => waiting)
    add('gauge', 'audit_failing', '1 while the audit cannot be written.', ({ isFailing }) => (isFailing ? 1 : 0))
    add('counter', 'audit_head_failures_total', 'Heads that the webhook did not take.', (n) => n.headFailures)
  }

  #addProcess(): void {
    const late = 'By how much timers came late in the time of two scrapes; quantile 1 is the longest.'
    this.#add('gauge', 'event_loop_delay_seconds', late, () => {
      const { p50, p99, max } = this.#eventLoop.take()
      return [
        ...(p50 === null ? [] : [{ labels: { quantile: '0.5' }, value: p50 / 1_000 }]),
        ...(p99 === null ? [] : [{ labels: { quantile: '0.99' }, value: p99 / 1_000 }]),
        ...(max === null ? [] : [{ labels: { quantile: '1' }, value: max / 1_000 }]),
      ]
    })
    this.#add('gauge', 'memory_bytes', 'Memory of the process.', () => {
      const { rss, heapUsed, external } = process.memoryUsage()
      return Object.entries({ rss, heap_used: heapUsed, external }).map(([kind, value]) => ({
        labels: { kind },
        value,
      }))
    })
    this.#add('counter', 'cpu_seconds_total', 'Time of processors that the process has used.', () => {
      const { user, system } = process.cpuUsage()
      return one((user + system) / 1e6)
    })
    const startedSeconds = (performance.timeOrigin + this.#metrics.startedAtMs) / 1_000
    this.#add('gauge', 'start_time_seconds', 'When the server started, in seconds since 1970.', () =>
      one(startedSeconds),
    )
  }

  /** A family whose samples are read at the scrape. */
  #add(type: Family['type'], suffix: string, help: string, read: (name: string) => readonly Sample[]): void {
    const name = `streamstack_${suffix}`
    this.#families.push(() => ({ name, help, type, samples: read(name) }))
  }

  #perEndpoint(value: (counts: EndpointCounts) => number): Sample[] {
    return Array.from(this.#metrics.endpoints, ([endpoint, counts]) => ({ labels: { endpoint }, value: value(counts) }))
  }

  #bucketsPerEndpoint(name: string, histogram: (counts: EndpointCounts) => BucketHistogram): Sample[] {
    return Array.from(this.#metrics.endpoints).flatMap(([endpoint, counts]) =>
      buckets(name, { endpoint }, histogram(counts)),
    )
  }
}

function one(value: number): Sample[] {
  return [{ labels: {}, value }]
}

function perCode(counts: ReadonlyMap<string, number>): Sample[] {
  return Array.from(counts, ([code, value]) => ({ labels: { code }, value }))
}

function perChannel(
  declared: ReadonlyMap<string, DeclaredChannelCounts>,
  value: (counts: DeclaredChannelCounts) => number,
): Sample[] {
  return Array.from(declared, ([channel, counts]) => ({ labels: { channel }, value: value(counts) }))
}

function buckets(name: string, labels: Readonly<Record<string, string>>, histogram: BucketHistogram): Sample[] {
  const { boundsMs, count, sumMs } = histogram
  const metricName = `${name}_bucket`
  return [
    ...histogram.cumulative().map((value, at) => ({
      metricName,
      labels: { ...labels, le: String((boundsMs[at] as number) / 1_000) },
      value,
    })),
    { metricName, labels: { ...labels, le: '+Inf' }, value: count },
    { metricName: `${name}_sum`, labels, value: sumMs / 1_000 },
    { metricName: `${name}_count`, labels, value: count },
  ]
}
