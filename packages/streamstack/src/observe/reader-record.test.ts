import type { Chunk } from '@streamstack/protocol'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { MemoryLog, Stream, type StreamReader } from '../stream/index.ts'
import { Metrics } from './metrics.ts'
import { ReaderRecord } from './reader-record.ts'

const chunk: Chunk = { kind: 'text', data: 'x'.repeat(100), metadata: null }

beforeEach(() => vi.useFakeTimers({ toFake: ['performance'] }))
afterEach(() => vi.useRealTimers())

/** Microtasks run by themselves; the clock goes on when it is told to. */
async function pass(ms: number): Promise<void> {
  await Promise.resolve()
  vi.advanceTimersByTime(ms)
}

/** A reader that writes all there is, unless its socket is full. */
class WritingReader implements StreamReader {
  position: number
  isBlocked = false
  readonly #stream: Stream
  readonly #record: ReaderRecord

  constructor(stream: Stream, metrics: Metrics, after: number) {
    this.position = after
    this.#stream = stream
    this.#record = new ReaderRecord(metrics, 'chat', null)
    stream.attach(this)
    this.#record.attached(stream, after)
  }

  wake(): void {
    this.#record.woken(this.#stream)
    if (this.isBlocked) return
    for (;;) {
      const batch = this.#stream.read(this.position)
      if (batch === null || batch instanceof Promise) break
      this.position = batch.offset + batch.to - batch.from - 1
    }
    this.#record.wrote(this.position, performance.now())
  }

  leave(): void {
    this.#stream.detach(this)
    this.#record.detached()
    this.#record.detached()
  }
}

function opened(): { metrics: Metrics; stream: Stream } {
  const stream = new Stream({ log: new MemoryLog(4_000_000), whenUnread: 'drop', unreadBytesMax: 2_000_000 })
  return { metrics: new Metrics(), stream }
}

test('what was there before a reader came is written, and is no delay', async () => {
  const { metrics, stream } = opened()
  for (let i = 0; i < 10; i++) void stream.append(chunk)
  await pass(30_000)
  const reader = new WritingReader(stream, metrics, 0)
  reader.wake()
  expect(metrics.chunks.total).toBe(10)
  expect(metrics.chunk.percentiles().count).toBe(0)
  await pass(10_000)
  void stream.append(chunk)
  await pass(0)
  expect(metrics.chunk.percentiles()).toMatchObject({ count: 11 })
  expect(metrics.chunk.percentiles().p99).toBeLessThan(1)
  expect(metrics.activeReaders).toBe(1)
  reader.leave()
  expect(metrics.activeReaders).toBe(0)
})

test('a chunk that waits for a full socket took as long as it waited', async () => {
  const { metrics, stream } = opened()
  const reader = new WritingReader(stream, metrics, 0)
  void stream.append(chunk)
  await pass(1_000)
  expect(metrics.chunk.percentiles().p99).toBeLessThan(1)
  reader.isBlocked = true
  for (let i = 0; i < 5; i++) {
    void stream.append(chunk)
    await pass(100)
  }
  expect(metrics.chunks.total).toBe(1)
  reader.isBlocked = false
  reader.wake()
  expect(metrics.chunks.total).toBe(6)
  const { count, p99 } = metrics.chunk.percentiles()
  expect(count).toBe(6)
  expect(Math.abs((p99 ?? 0) - 500)).toBeLessThan(500 / 64)
  await pass(20_000)
  void stream.append(chunk)
  await pass(0)
  expect(metrics.chunk.percentiles().count).toBe(7)
})

test('a reader that is never up to date is not told to be ever later', async () => {
  const { metrics, stream } = opened()
  const reader = new WritingReader(stream, metrics, 0)
  void stream.append(chunk)
  for (let round = 0; round < 200; round++) {
    // Its socket takes what is there 40 ms late, and by then more has come.
    reader.isBlocked = true
    void stream.append(chunk)
    await pass(40)
    void stream.append(chunk)
    reader.isBlocked = false
    reader.wake()
  }
  const { count, p50, p99 } = metrics.chunk.percentiles()
  expect(count).toBeGreaterThan(390)
  expect(Math.abs((p50 ?? 0) - 40)).toBeLessThan(1)
  expect(p99).toBeLessThan(81)
})
