import { describe, expect, test, vi } from 'vitest'
import type { StreamReader } from '../stream/index.ts'
import { ActivityStream, type FinishedCall } from './activity-stream.ts'
import { HistoryStream } from './history-stream.ts'
import { Metrics } from './metrics.ts'
import { MetricsStream } from './metrics-stream.ts'
import { Prometheus } from './prometheus.ts'
import type { SystemStream } from './system-stream.ts'
import { metricsSample } from './metrics-sample.ts'
import { parsePrometheus, valueOf } from '@streamstack/test-support/prometheus-text'

const NO_DELAY = { p50: null, p99: null, max: null }

/** All that a system stream holds. */
function held({ stream }: SystemStream): { offset: number; value: Record<string, unknown> }[] {
  const found: { offset: number; value: Record<string, unknown> }[] = []
  for (let position = stream.log.droppedOffset; ;) {
    const batch = stream.log.read(position)
    if (batch === null || batch instanceof Promise) return found
    for (const { data } of batch.chunks.slice(batch.from, batch.to)) {
      found.push({ offset: ++position, value: JSON.parse(data) as Record<string, unknown> })
    }
  }
}

const reader = (): StreamReader => ({ position: 0, wake: () => undefined })

describe('metrics', () => {
  const seven = (): Metrics => {
    const metrics = new Metrics()
    const outcomes = ['completed', 'completed', 'completed', 'failed', 'cancelled'] as const
    for (const outcome of outcomes) {
      metrics.callBegan('chat', 1_000)
      metrics.runBegan()
      metrics.readerAttached()
      metrics.firstChunkWritten('chat', 20, 1_020)
      metrics.chunksWritten('chat', 10, 1_030)
      metrics.chunkTimed(2, 10, 1_030)
      metrics.runEnded('chat', outcome, outcome === 'completed' ? null : 'step_failed', 40, 1_040)
      metrics.readerDetached()
    }
    metrics.callBegan('items/list', 1_100)
    metrics.callRefused('unavailable', 503, 1_101)
    metrics.callBegan('items/list', 1_200)
    metrics.callRefused('unauthenticated', 401, 1_201)
    metrics.callBegan(null, 1_300)
    metrics.callRefused('endpoint_unknown', 404, 1_301)
    return metrics
  }

  test('are what was recorded', () => {
    const metrics = seven()
    metrics.runBegan()
    const sample = metricsSample(metrics, NO_DELAY, 2_000)
    expect(sample).toMatchObject({
      active_streams: 1,
      active_readers: 0,
      requests: { total: 8, last_minute: 8 },
      refused: { total: 3, last_minute: 3 },
      error_rate: 2 / 8,
      first_chunk_ms: { count: 5 },
      chunk_ms: { count: 50 },
      chunks: { total: 50, last_minute: 50 },
      runs: { completed: 3, failed: 1, cancelled: 1, abandoned: 0 },
      errors: { step_failed: 2, unavailable: 1, unauthenticated: 1, endpoint_unknown: 1 },
    })
    expect(sample.first_chunk_ms.p99).toBeCloseTo(20, 0)
    expect(sample.chunk_ms.p50).toBeCloseTo(2, 1)
  })

  test('of the last minute go, totals stay', () => {
    expect(metricsSample(seven(), NO_DELAY, 70_000)).toMatchObject({
      requests: { total: 8, last_minute: 0 },
      error_rate: null,
      first_chunk_ms: { count: 0, p50: null },
      chunks: { total: 50, last_minute: 0 },
      runs: { completed: 3 },
    })
  })

  test('are the same for Prometheus, in text that parses', async () => {
    const metrics = seven()
    metrics.bytesSent = () => 4_711
    const prometheus = new Prometheus(metrics)
    const families = parsePrometheus(prometheus.text())
    prometheus.close()
    const values = {
      'streamstack_requests_total{endpoint="chat"}': 5,
      'streamstack_requests_total{endpoint="items/list"}': 2,
      streamstack_unknown_requests_total: 1,
      'streamstack_refused_total{code="unauthenticated"}': 1,
      'streamstack_runs_total{endpoint="chat",outcome="completed"}': 3,
      'streamstack_runs_total{endpoint="chat",outcome="cancelled"}': 1,
      'streamstack_runs_total{endpoint="chat",outcome="abandoned"}': 0,
      'streamstack_run_errors_total{code="step_failed"}': 2,
      'streamstack_first_chunk_seconds_bucket{endpoint="chat",le="0.01"}': 0,
      'streamstack_first_chunk_seconds_bucket{endpoint="chat",le="0.025"}': 5,
      'streamstack_first_chunk_seconds_bucket{endpoint="chat",le="+Inf"}': 5,
      'streamstack_first_chunk_seconds_count{endpoint="chat"}': 5,
      'streamstack_chunk_latency_seconds_bucket{le="0.001"}': 0,
      'streamstack_chunk_latency_seconds_bucket{le="0.0025"}': 50,
      streamstack_chunk_latency_seconds_count: 50,
      'streamstack_chunks_written_total{endpoint="chat"}': 50,
      streamstack_sent_bytes_total: 4_711,
    }
    for (const [name, value] of Object.entries(values)) expect(valueOf(families, name), name).toBe(value)
    expect(valueOf(families, 'streamstack_first_chunk_seconds_sum{endpoint="chat"}')).toBeCloseTo(0.1, 9)
    expect(valueOf(families, 'streamstack_memory_bytes{kind="rss"}')).toBeGreaterThan(1e6)
    for (const [name, { type, help }] of families) {
      expect(help.length, name).toBeGreaterThan(20)
      if (type === 'counter') expect(name).toMatch(/_total$/)
    }
  })

  test('have no more names than there is room for, whatever is called', async () => {
    const metrics = new Metrics()
    for (let i = 0; i < 10_000; i++) {
      metrics.callBegan(`endpoint-${i}`, i)
      metrics.callBegan(null, i)
      metrics.callRefused(`code of a caller ${i}`, 400, i)
      metrics.runBegan()
      metrics.runEnded(`endpoint-${i}`, 'failed', `made up ${i}`, 1, i)
    }
    const prometheus = new Prometheus(metrics)
    const text = prometheus.text()
    prometheus.close()
    const families = parsePrometheus(text)
    expect(families.get('streamstack_requests_total')?.samples.size).toBe(201)
    expect(valueOf(families, 'streamstack_requests_total{endpoint="/other"}')).toBe(9_800)
    expect(valueOf(families, 'streamstack_refused_total{code="thrown"}')).toBe(10_000)
    expect(valueOf(families, 'streamstack_run_errors_total{code="thrown"}')).toBe(10_000)
    expect(text).not.toMatch(/made up|code of a caller|endpoint-200"/)
    const sample = metricsSample(metrics, NO_DELAY, 10_000)
    expect(sample.errors).toEqual({ thrown: 20_000 })
  })

  test('of channels and WebSockets are by declared names and by known codes alone', async () => {
    const metrics = new Metrics()
    metrics.channels.gauges = () => ({ open: 3, subscribers: 2, members: 1 })
    for (let i = 0; i < 300; i++) {
      metrics.channels.messagePublished(`rooms-${i}/{room}`, i)
      metrics.chunksWritten({ channel: `rooms-${i}/{room}` }, 2, i)
      metrics.channels.messageRefused(`code of a caller ${i}`, i)
    }
    metrics.channels.messageRefused('forbidden', 300)
    for (const code of [1000, 1006, 4402, 4402, 4999, 3777]) {
      metrics.sockets.socketOpened()
      metrics.sockets.socketClosed(code)
    }
    metrics.sockets.socketOpened()
    const prometheus = new Prometheus(metrics)
    const text = prometheus.text()
    prometheus.close()
    const families = parsePrometheus(text)
    const values = {
      streamstack_channels_open: 3,
      streamstack_channel_subscribers: 2,
      streamstack_presence_members: 1,
      'streamstack_channel_messages_total{channel="rooms-7/{room}"}': 1,
      'streamstack_channel_messages_total{channel="/other"}': 100,
      'streamstack_channel_chunks_written_total{channel="rooms-7/{room}"}': 2,
      'streamstack_channel_refused_total{code="thrown"}': 300,
      'streamstack_channel_refused_total{code="forbidden"}': 1,
      streamstack_websocket_connections: 1,
      streamstack_websocket_opened_total: 7,
      'streamstack_websocket_closed_total{code="1000"}': 1,
      'streamstack_websocket_closed_total{code="4402"}': 2,
      'streamstack_websocket_closed_total{code="other"}': 2,
    }
    for (const [name, value] of Object.entries(values)) expect(valueOf(families, name), name).toBe(value)
    expect(text).not.toMatch(/rooms-250|code of a caller|3777/)
    expect(metricsSample(metrics, NO_DELAY, 400)).toMatchObject({
      chunks: { total: 600, last_minute: 600 },
      channels: { open: 3, subscribers: 2, members: 1, published: { total: 300 }, refused: { total: 301 } },
      websockets: { open: 1, closed: { 1000: 1, 1006: 1, 4402: 2, other: 2 } },
    })
    expect(metricsSample(metrics, NO_DELAY, 70_000)).toMatchObject({
      channels: { published: { total: 300, last_minute: 0 }, refused: { total: 301, last_minute: 0 } },
    })
  })

  test('of names that are no plain words are escaped', async () => {
    const metrics = new Metrics()
    metrics.callBegan('a"b\\c\nd', 1)
    const prometheus = new Prometheus(metrics)
    const families = parsePrometheus(prometheus.text())
    prometheus.close()
    expect(valueOf(families, String.raw`streamstack_requests_total{endpoint="a\"b\\c\nd"}`)).toBe(1)
  })
})

describe('the last minute', () => {
  test('has each user once, by subject or address, and no longer than a minute', () => {
    const metrics = new Metrics()
    for (const user of ['subject ann', 'subject bob', 'subject ann', '127.0.0.1', 'subject ann'])
      metrics.userCalled(user, 1_000)
    expect(metricsSample(metrics, NO_DELAY, 2_000).active_users).toBe(3)
    metrics.userCalled('subject bob', 40_000)
    expect(metricsSample(metrics, NO_DELAY, 65_000).active_users).toBe(1)
    expect(metricsSample(metrics, NO_DELAY, 120_000).active_users).toBe(0)
  })

  test('is counted for each endpoint, the busiest first, and for all', () => {
    const metrics = new Metrics()
    for (let i = 0; i < 30; i++) {
      for (let call = 0; call <= i; call++) metrics.callBegan(`e${i}`, 1_000)
      metrics.firstChunkWritten(`e${i}`, 10 + i, 1_000)
      metrics.runBegan()
      metrics.runEnded(`e${i}`, i % 2 === 0 ? 'completed' : 'failed', null, 100 + i, 1_000)
    }
    metrics.callRefused('unavailable', 503, 1_000, 'e29')
    metrics.callRefused('input_invalid', 400, 1_000, 'e28')
    const { endpoints, duration_ms } = metricsSample(metrics, NO_DELAY, 2_000)
    expect(Object.keys(endpoints)).toEqual(Array.from({ length: 20 }, (_none, index) => `e${29 - index}`))
    expect(endpoints['e29']).toMatchObject({
      requests: { last_minute: 30 },
      error_rate: 1,
      first_chunk_ms: { count: 1 },
    })
    expect(endpoints['e28']).toMatchObject({ error_rate: 0 })
    // Percentiles of one endpoint are within 6 %.
    expect(Math.abs((endpoints['e29']?.first_chunk_ms.p50 ?? 0) / 39 - 1)).toBeLessThan(0.07)
    expect(Math.abs((endpoints['e29']?.duration_ms.p95 ?? 0) / 129 - 1)).toBeLessThan(0.07)
    expect(duration_ms.count).toBe(30)
    expect(metricsSample(metrics, NO_DELAY, 70_000).endpoints).toEqual({})
  })
})

describe('system/history', () => {
  test('has a short sample each ten seconds even without a reader, and holds an hour of them', () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] })
    try {
      const metrics = new Metrics()
      const history = new HistoryStream(metrics)
      history.start()
      vi.advanceTimersByTime(15_000)
      metrics.userCalled('subject ann', performance.now())
      vi.advanceTimersByTime(15_000)
      expect(held(history).map(({ value }) => value['active_users'])).toEqual([0, 1, 1])
      vi.advanceTimersByTime(2 * 3_600_000)
      expect(history.stream.lastOffset - history.begin).toBe(360)
      // What the window holds reaches back as far as the hour.
      expect(history.stream.log.droppedOffset).toBeLessThanOrEqual(history.begin)
      history.close()
      expect(vi.getTimerCount()).toBe(0)
    } finally {
      vi.useRealTimers()
    }
  })
})

describe('system/metrics', () => {
  test('has a sample for a new reader at once, one each interval, and none without a reader', () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] })
    try {
      const feed = new MetricsStream(new Metrics())
      vi.advanceTimersByTime(5_000)
      expect(held(feed)).toHaveLength(0)
      const [first, second] = [reader(), reader()]
      feed.attach(first)
      expect(held(feed)).toHaveLength(1)
      feed.attach(second)
      expect(held(feed)).toHaveLength(1)
      vi.advanceTimersByTime(3_000)
      expect(held(feed)).toHaveLength(4)
      feed.detach(first)
      vi.advanceTimersByTime(1_000)
      expect(held(feed)).toHaveLength(5)
      feed.detach(second)
      vi.advanceTimersByTime(60_000)
      expect(held(feed)).toHaveLength(5)
      expect(vi.getTimerCount()).toBe(0)
      feed.attach(first)
      expect(held(feed)).toHaveLength(6)
      feed.close()
    } finally {
      vi.useRealTimers()
    }
  })

  test('tells how late the event loop is', async () => {
    const feed = new MetricsStream(new Metrics(), 100)
    feed.attach(reader())
    await expect.poll(() => held(feed).length).toBeGreaterThan(1)
    const until = performance.now() + 150
    while (performance.now() < until);
    const longest = (): number =>
      Math.max(...held(feed).map(({ value }) => Number((value['event_loop_delay_ms'] as { max: number | null }).max)))
    await expect.poll(longest).toBeGreaterThan(100)
    feed.close()
  })
})

describe('system/activity', () => {
  const call: FinishedCall = {
    endpoint: 'chat',
    route: 'POST /chat/:room',
    caller: 'ann',
    run: 'run-1',
    outcome: 'completed',
    status: 200,
    code: null,
    durationMs: 12.345_678,
    chunks: 3,
    bytes: 120,
  }

  test('tells who called what and how it ended', () => {
    const feed = new ActivityStream()
    feed.callFinished(call)
    feed.callFinished({ ...call, run: null, outcome: null, status: 401, code: 'unauthenticated', caller: null })
    feed.refresh()
    const time: unknown = expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/)
    const entry = { time, endpoint: 'chat', route: 'POST /chat/:room', duration_ms: 12.346, chunks: 3, bytes: 120 }
    expect(held(feed).map(({ value }) => value)).toEqual([
      { ...entry, caller: 'ann', run: 'run-1', outcome: 'completed', status: 200, error: null },
      { ...entry, caller: null, run: null, outcome: 'refused', status: 401, error: 'unauthenticated' },
    ])
  })

  test('keeps the newest of very many calls in little memory, though a reader stands still', async () => {
    const feed = new ActivityStream()
    feed.attach(reader())
    for (let i = 0; i < 20_000; i++) {
      feed.callFinished({ ...call, caller: 'x'.repeat(10_000), code: `secret ${i}` })
      if (i % 1_000 === 0) await Promise.resolve()
    }
    const entries = held(feed)
    expect(feed.stream.isCongested).toBe(false)
    expect(feed.stream.log.bytesHeld).toBeLessThan(400_000)
    expect(entries.at(-1)?.offset).toBe(feed.stream.lastOffset)
    expect(entries[0]?.value['caller']).toBe(`${'x'.repeat(200)}…`)
    expect(JSON.stringify(entries)).not.toContain('secret')
  })

  test('keeps the newest calls for who comes later, at the offsets that they would have had', () => {
    const feed = new ActivityStream()
    const numbered = (chunks: number): FinishedCall => ({ ...call, chunks })
    const begin = feed.begin
    feed.attach(reader())
    feed.callFinished(numbered(1))
    expect(held(feed).map(({ offset, value }) => [offset - begin, value['chunks']])).toEqual([[1, 1]])
    const unread = new ActivityStream()
    const first = unread.begin
    for (let number = 1; number <= 10; number++) unread.callFinished(numbered(number))
    unread.refresh()
    for (let number = 11; number <= 2_500; number++) unread.callFinished(numbered(number))
    unread.attach(reader())
    unread.callFinished(numbered(2_501))
    const entries = held(unread)
    expect(entries.every(({ offset, value }) => offset - first === value['chunks'])).toBe(true)
    expect(entries.at(-1)?.value['chunks']).toBe(2_501)
    expect(entries.length).toBeGreaterThan(500)
    expect(entries.length).toBeLessThanOrEqual(1_001)
    expect(unread.stream.lastOffset).toBe(first + 2_501)
  })

  test('tells of refusals one by one as long as they are few beside the runs, and then how many more there were', () => {
    const feed = new ActivityStream()
    const refused: FinishedCall = { ...call, caller: null, run: null, outcome: null, status: 401 }
    const tell = (finished: FinishedCall, count: number): void => {
      for (let i = 0; i < count; i++) feed.callFinished(finished)
    }
    tell(refused, 150)
    // Two may be told for eight runs.
    tell(call, 8)
    tell(refused, 5)
    tell(call, 1)
    feed.refresh()
    const entries = held(feed).map(({ value }) => [value['outcome'], value['more_refused']])
    expect(entries).toEqual([
      ...Array.from({ length: 100 }, () => ['refused', undefined]),
      ['completed', 50],
      ...Array.from({ length: 7 }, () => ['completed', undefined]),
      ['refused', undefined],
      ['refused', undefined],
      ['completed', 3],
    ])
    // A long flood between runs leaves most of what is kept to these.
    for (let i = 0; i < 5_000; i++) {
      tell(call, 1)
      tell(refused, 10)
    }
    feed.refresh()
    const kept = held(feed).filter(({ value }) => value['outcome'] === 'completed')
    expect(kept.length / held(feed).length).toBeGreaterThan(0.7)
  })

  test('has offsets that a later server does not give out again', () => {
    const before = new ActivityStream()
    before.callFinished(call)
    before.refresh()
    const after = new ActivityStream()
    expect(after.stream.log.droppedOffset).toBeGreaterThanOrEqual(before.stream.log.droppedOffset)
    expect(Number.isSafeInteger(after.stream.log.droppedOffset * 5)).toBe(true)
  })
})
