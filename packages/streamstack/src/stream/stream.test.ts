import type { Chunk } from '@streamstack/protocol'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { collectGarbage } from '@streamstack/test-support/collect-garbage'
import { type Batch, MemoryLog, Stream, type StreamReader, chunkBytes } from './index.ts'

const chunk = (data: string): Chunk => ({ kind: 'text', data, metadata: null })

/** Everything that a log holds after an offset. */
function readAll(log: MemoryLog, after: number): { offset: number; data: string }[] {
  const found: { offset: number; data: string }[] = []
  for (let position = after; ;) {
    const batch = log.read(position)
    if (batch === null) return found
    expect(batch.offset).toBe(position + 1)
    expect(batch.to).toBeGreaterThan(batch.from)
    for (const { data } of batch.chunks.slice(batch.from, batch.to)) found.push({ offset: ++position, data })
  }
}

/** Takes what it may; `takes` says whether it may now. */
class TestReader implements StreamReader {
  position = 0
  readonly seen: string[] = []
  isPaused = false
  wakes = 0
  readonly #stream: Stream

  constructor(stream: Stream) {
    this.#stream = stream
    stream.attach(this)
  }

  wake(): void {
    this.wakes++
    if (!this.isPaused) this.takeAll()
  }

  takeAll(): void {
    for (;;) {
      const batch = this.#stream.read(this.position)
      if (batch === null || batch instanceof Promise) return
      this.take(batch)
    }
  }

  take(batch: Batch): void {
    this.seen.push(...batch.chunks.slice(batch.from, batch.to).map(({ data }) => data))
    this.position = batch.offset + batch.to - batch.from - 1
  }
}

/** What the process holds, collected. */
function heldNow(): number {
  collectGarbage()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

describe('the memory log', () => {
  test('gives every chunk that it holds, from every offset, in order', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 400 }), { minLength: 1, maxLength: 600 }),
        fc.integer({ min: 1, max: 200_000 }),
        (sizes, windowBytes) => {
          const log = new MemoryLog(windowBytes)
          for (const [i, size] of sizes.entries()) log.append(chunk(`${i + 1}${'x'.repeat(size)}`))
          expect(log.lastOffset).toBe(sizes.length)
          expect(log.droppedOffset).toBeLessThan(sizes.length)
          for (let after = log.droppedOffset; after <= sizes.length; after += Math.max(1, sizes.length >> 4)) {
            const found = readAll(log, after)
            expect(found.map(({ offset }) => offset)).toEqual(
              Array.from({ length: sizes.length - after }, (_, i) => after + 1 + i),
            )
            for (const { offset, data } of found) expect(data.startsWith(String(offset))).toBe(true)
          }
        },
      ),
    )
  })

  test('holds no more than its window and one part of it, however long the stream', () => {
    const windowBytes = 100_000
    const log = new MemoryLog(windowBytes)
    for (let i = 0; i < 20_000; i++) {
      log.append(chunk('x'.repeat(100)))
      expect(log.bytesHeld).toBeLessThanOrEqual(windowBytes * 1.25)
    }
    // It does not throw away much more than it must either.
    expect(log.bytesHeld).toBeGreaterThan(windowBytes * 0.6)
  })

  test.each([
    [1_000, 20],
    [8, 90_000],
  ])('counts what it holds in memory, objects included: %i runs of %i words', (runs, length) => {
    const words = ['stream', 'of ', 'größe', '文字化け', 'a longer word that is more than one ']
    const before = heldNow()
    const logs = Array.from({ length: runs }, () => {
      const log = new MemoryLog(4_194_304)
      // Texts of their own, as those of a run are.
      for (let i = 0; i < length; i++) log.append(chunk(`${words[i % words.length]}${i % 10}`))
      log.finish({ outcome: 'completed', error: null }, null)
      return log
    })
    const counted = logs.reduce((sum, { bytesHeld }) => sum + bytesHeld, 0)
    const held = heldNow() - before
    // Until here they are in use.
    expect(logs.at(-1)?.lastOffset).toBe(length)
    expect(held / counted).toBeGreaterThan(0.6)
    expect(held / counted).toBeLessThan(1.6)
    // A word takes its bytes and a few more, not an object.
    if (length > 1_000) expect(counted / (runs * length)).toBeLessThan(30)
  })

  test('counts bytes through its batches as they were appended', () => {
    const log = new MemoryLog(10_000)
    let appended = 0
    for (let i = 0; i < 500; i++) {
      const one = chunk('y'.repeat(i % 50))
      appended += chunkBytes(one)
      log.append(one)
    }
    let last: Batch | null = null
    for (let at = log.droppedOffset; ;) {
      const batch = log.read(at)
      if (batch === null) break
      expect(batch.bytesThrough).toBeGreaterThan(last?.bytesThrough ?? 0)
      last = batch
      at = batch.offset + batch.to - batch.from - 1
    }
    expect(last?.bytesThrough).toBe(appended)
  })
})

describe('the stream', () => {
  const newStream = (whenUnread: 'wait' | 'drop' = 'wait', windowBytes = 1_000_000): Stream =>
    new Stream({ log: new MemoryLog(windowBytes), whenUnread, unreadBytesMax: windowBytes / 2 })

  test('hands on the chunks of one tick together, at its end', async () => {
    const stream = newStream()
    const reader = new TestReader(stream)
    void stream.append(chunk('a'))
    await Promise.resolve()
    expect(reader.seen).toEqual(['a'])
    void stream.append(chunk('b'))
    void stream.append(chunk('c'))
    expect(reader.seen).toEqual(['a'])
    await Promise.resolve()
    expect(reader.seen).toEqual(['a', 'b', 'c'])
    expect(reader.wakes).toBe(2)
  })

  test('hands on what a stream that begins and ends in one tick has in one go', () => {
    const stream = newStream()
    const reader = new TestReader(stream)
    for (const word of ['a', 'b', 'c']) void stream.append(chunk(word))
    stream.finish({ outcome: 'completed', error: null }, null)
    expect(reader.seen).toEqual(['a', 'b', 'c'])
    expect(reader.wakes).toBe(1)
  })

  test('does not let many small chunks pile up within one tick', () => {
    const stream = newStream()
    const reader = new TestReader(stream)
    for (let i = 0; i < 1_000; i++) void stream.append(chunk('x'.repeat(100)))
    expect(reader.seen.length).toBeGreaterThan(500)
  })

  test('gives each reader everything, wherever the others are', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(5), { minLength: 1, maxLength: 60 }), fc.nat(20), async (moves, late) => {
        const stream = newStream('drop')
        const early = new TestReader(stream)
        const pausing = new TestReader(stream)
        const all: string[] = []
        let joining: TestReader | null = null
        for (const [i, move] of moves.entries()) {
          if (i === late) joining = new TestReader(stream)
          if (move === 0) pausing.isPaused = !pausing.isPaused
          if (move === 1) await Promise.resolve()
          all.push(String(i))
          await stream.append(chunk(String(i)))
        }
        stream.finish({ outcome: 'completed', error: null }, null)
        pausing.takeAll()
        for (const reader of [early, pausing, ...(joining === null ? [] : [joining])]) expect(reader.seen).toEqual(all)
        expect(stream.end).toEqual({ outcome: 'completed', offset: all.length, error: null })
      }),
    )
  })

  test('waits for the fastest reader, not for the slow one', async () => {
    const stream = newStream()
    const slow = new TestReader(stream)
    slow.isPaused = true
    const big = 'x'.repeat(50_000)
    let waits: Promise<void> | null = null
    for (let i = 0; i < 20 && waits === null; i++) waits = stream.append(chunk(big)) ?? null
    expect(waits).not.toBeNull()
    expect(stream.lastOffset).toBeLessThan(30)
    const fast = new TestReader(stream)
    fast.takeAll()
    await waits
    for (let i = 0; i < 20; i++) expect(stream.append(chunk(big))).toBeUndefined()
    expect(fast.position).toBe(stream.lastOffset)
    expect(slow.position).toBe(0)
  })

  test.each([8_192, 65_536, 1_000_000])(
    'never drops what its only reader has yet to take, with a window of %i',
    async (windowBytes) => {
      const stream = newStream('drop', windowBytes)
      const reader = new TestReader(stream)
      reader.isPaused = true
      for (let i = 0; i < 3_000; i++) {
        const wait = stream.append(chunk('x'.repeat(i % 200)))
        expect(stream.log.droppedOffset).toBeLessThanOrEqual(reader.position)
        if (wait !== undefined) {
          reader.takeAll()
          await wait
        }
      }
      reader.takeAll()
      expect(reader.seen).toHaveLength(3_000)
    },
  )

  test('goes on for a reader that begins at its end, when all others stand still', async () => {
    const stream = new Stream({ log: new MemoryLog(1_048_576), whenUnread: 'drop', unreadBytesMax: 524_288 })
    stream.attach({ position: 0, wake: () => undefined })
    let wait: void | Promise<void> = undefined
    while (wait === undefined) wait = stream.append(chunk('x'.repeat(1_000)))
    stream.attach({ position: stream.lastOffset, wake: () => undefined })
    await wait
    expect(stream.isCongested).toBe(false)
  })

  test('goes on for a producer that never waits, however far its readers are behind', () => {
    const stream = new Stream({ log: new MemoryLog(100_000), whenUnread: 'wait', unreadBytesMax: 50_000 })
    stream.attach({ position: 0, wake: () => undefined })
    for (let offset = 1; offset <= 1_000; offset++) {
      expect(stream.appendWithoutWaiting(chunk('x'.repeat(1_000)))).toBe(offset)
      expect(stream.isCongested).toBe(false)
    }
    expect(stream.log.bytesHeld).toBeLessThan(200_000)
    expect([stream.holdsAfter(0), stream.holdsAfter(1_000)]).toEqual([false, true])
    void stream.append(chunk('x'.repeat(60_000)))
    expect(stream.isCongested).toBe(true)
  })

  test('with nobody to read: `wait` makes the producer wait, `drop` does not', () => {
    const waiting = newStream('wait', 20_000)
    const dropping = newStream('drop', 20_000)
    let waited = false
    for (let i = 0; i < 1_000; i++) {
      if (!waited) waited = waiting.append(chunk('x'.repeat(100))) !== undefined
      expect(dropping.append(chunk('x'.repeat(100)))).toBeUndefined()
    }
    expect(waited).toBe(true)
    expect(waiting.log.droppedOffset).toBe(0)
    expect(dropping.log.bytesHeld).toBeLessThanOrEqual(25_000)
  })

  test('lets a producer go that waits when the stream ends', async () => {
    const stream = newStream('wait', 1_000)
    let wait: void | Promise<void>
    do wait = stream.append(chunk('x'.repeat(100)))
    while (wait === undefined)
    stream.finish({ outcome: 'cancelled', error: null }, null)
    await wait
    expect(stream.end?.outcome).toBe('cancelled')
  })

  test('ends once, and notifies listeners that were added before and after', () => {
    const stream = newStream()
    const heard: string[] = []
    stream.onEnd(() => heard.push('before'))
    stream.finish({ outcome: 'failed', error: null }, { kind: 'error', data: '{}', metadata: null })
    stream.onEnd(() => heard.push('after'))
    expect(heard).toEqual(['before', 'after'])
    expect(stream.end).toEqual({ outcome: 'failed', offset: 1, error: null })
    expect(() => stream.finish({ outcome: 'completed', error: null }, null)).toThrow('once')
    expect(stream.end?.outcome).toBe('failed')
  })
})
