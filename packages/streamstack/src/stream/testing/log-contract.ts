import type { Chunk, ChunkKind } from '@streamstack/protocol'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type StreamLog, chunkBytes } from '../log.ts'
import { Stream, type StreamReader } from '../stream.ts'

/** Opens an empty log that keeps at least 8 MB of what tests write to it. Each test takes its own. */
export type OpenLog = () => StreamLog

/** A chunk at an offset. */
export interface Found extends Chunk {
  readonly offset: number
}

/** Everything that a log shows after an offset. Batches must be as they are promised. */
export async function readAll(log: StreamLog, after = 0): Promise<Found[]> {
  const found: Found[] = []
  for (let position = after; ;) {
    const batch = await log.read(position)
    if (batch === null) return found
    expect(batch.offset).toBe(position + 1)
    expect(batch.to).toBeGreaterThan(batch.from)
    const chunks = batch.chunks.slice(batch.from, batch.to)
    // The last may be as large as it likes; those before it are no more than a page.
    expect(chunks.slice(0, -1).reduce((sum, one) => sum + one.data.length, 0)).toBeLessThan(33_000)
    for (const chunk of chunks) found.push({ offset: ++position, ...chunk })
  }
}

export function text(data: string, metadata: string | null = null): Chunk {
  return { kind: 'text', data, metadata }
}

/** Adds chunks as a producer does, who waits when it is told to. */
export async function appendAll(log: StreamLog, chunks: readonly Chunk[]): Promise<void> {
  for (const chunk of chunks) await log.append(chunk)
}

/** Settles when a log shows a chunk. */
export async function shown(log: StreamLog, offset: number): Promise<void> {
  await expect.poll(() => log.lastOffset, { interval: 1 }).toBeGreaterThanOrEqual(offset)
}

/** A reader that takes what it may. */
class Taker implements StreamReader {
  position = 0
  readonly seen: string[] = []
  isPaused = false
  readonly #stream: Stream

  constructor(stream: Stream) {
    this.#stream = stream
    stream.attach(this)
  }

  wake(): void {
    while (!this.isPaused) {
      const batch = this.#stream.read(this.position)
      if (batch === null || batch instanceof Promise) return
      for (const { data } of batch.chunks.slice(batch.from, batch.to)) this.seen.push(data)
      this.position = batch.offset + batch.to - batch.from - 1
    }
  }
}

const json = fc.jsonValue().map((value) => JSON.stringify(value))
const object = fc.dictionary(fc.string(), fc.jsonValue()).map((value) => JSON.stringify(value))

/** Any chunk that a run can send. */
export const anyChunk: fc.Arbitrary<Chunk> = fc.oneof(
  fc.record({
    kind: fc.constantFrom<ChunkKind>('text', 'reasoning'),
    // Every UTF-16 unit, also halves of pairs; and what our own encoding is made of.
    data: fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)) }),
      fc.constantFrom('', '\n', '\r\n', '"', '\\', '\\"', '\0', '😀', '\ud83d', '},\n{', '[DONE]', '","content":"'),
    ),
    metadata: fc.option(object),
  }),
  fc.record({
    kind: fc.constantFrom<ChunkKind>('json', 'error', 'tool_call', 'usage', 'replace'),
    data: json,
    metadata: fc.option(object),
  }),
)

/** What every log must do, alone and under a stream. */
export function streamLogContract(open: OpenLog): void {
  describe('a log', () => {
    test('gives back every chunk as it was added, in order, from every offset', async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(anyChunk, { minLength: 1, maxLength: 80 }),
          fc.infiniteStream(fc.nat(6)),
          async (chunks, pauses) => {
            const log = open()
            for (const chunk of chunks) {
              await log.append(chunk)
              if (pauses.next().value === 0) await new Promise((resolve) => setImmediate(resolve))
            }
            await log.finish({ outcome: 'completed', error: null }, null)
            expect(log.lastOffset).toBe(chunks.length)
            for (const after of new Set([0, 1, chunks.length >> 1, chunks.length - 1, chunks.length])) {
              const expected = chunks.map((chunk, index) => ({ offset: index + 1, ...chunk })).slice(after)
              expect(await readAll(log, after)).toEqual(expected)
            }
          },
        ),
        { numRuns: 60 },
      )
    })

    test('keeps numbers with 30 digits, and spellings of JSON, to the character', async () => {
      const log = open()
      const data = '{"a": 123456789012345678901234567890.12345678901234567890, "b": 1e400, "a": -0 }'
      await appendAll(log, [{ kind: 'json', data, metadata: ' {"n" : 0.1000000000000000055511151231257827} ' }])
      await log.finish({ outcome: 'completed', error: null }, null)
      expect(await readAll(log)).toEqual([
        { offset: 1, kind: 'json', data, metadata: ' {"n" : 0.1000000000000000055511151231257827} ' },
      ])
    })

    test('keeps chunks of 30 MB among small ones', async () => {
      const log = open()
      const large = 'é\n'.repeat(15_000_000)
      await appendAll(log, [text('before'), text(large), text('after')])
      await log.finish({ outcome: 'completed', error: null }, null)
      const found = await readAll(log, log.droppedOffset)
      expect(found.find(({ offset }) => offset === 2)?.data === large).toBe(true)
      expect(found.at(-1)).toMatchObject({ offset: 3, data: 'after' })
    })

    test('has nothing to read before the first chunk and after the last', async () => {
      const log = open()
      expect(await readAll(log)).toEqual([])
      await appendAll(log, [text('a'), text('b')])
      await shown(log, 2)
      expect(await readAll(log, 2)).toEqual([])
      expect(await readAll(log, 7)).toEqual([])
    })

    test.each([null, text('last'), { kind: 'error', data: '{"code":"thrown"}', metadata: null } as const])(
      'shows all of it once it is finished, after the last chunk %j',
      async (last) => {
        const log = open()
        for (let count = 0; count < 300; count++) void log.append(text(String(count)))
        await log.finish({ outcome: 'failed', error: null }, last)
        const found = await readAll(log)
        expect(found).toHaveLength(last === null ? 300 : 301)
        expect(found.slice(0, 300).map(({ data }) => Number(data))).toEqual([...Array(300).keys()])
        if (last !== null) expect(found.at(-1)).toEqual({ offset: 301, ...last })
      },
    )

    test('tells when what was added can be seen, and never shows less than before', async () => {
      const log = open()
      let told = 0
      let seen = 0
      log.onVisible = () => {
        told += 1
        expect(log.lastOffset).toBeGreaterThan(seen)
        seen = log.lastOffset
      }
      for (let count = 1; count <= 50; count++) {
        const before = log.lastOffset
        await log.append(text(String(count)))
        // Seen at once, or told later.
        if (log.lastOffset === before + 1 && told === 0) seen = log.lastOffset
        if (count % 7 === 0) await new Promise((resolve) => setImmediate(resolve))
      }
      await shown(log, 50)
      expect(seen).toBe(50)
    })

    test('holds little of a long stream in memory', async () => {
      const log = open()
      const chunk = text('x'.repeat(1_000))
      let most = 0
      for (let count = 0; count < 30_000; count++) {
        await log.append(chunk)
        most = Math.max(most, log.bytesHeld)
      }
      expect(most).toBeLessThan(11_000_000)
    })
  })

  describe('a stream over it', () => {
    const newStream = (whenUnread: 'wait' | 'drop'): Stream =>
      new Stream({ log: open(), whenUnread, unreadBytesMax: 2_000_000 })

    test('gives each reader everything once, in order, wherever it begins and pauses', async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(fc.nat(5), { minLength: 1, maxLength: 60 }), fc.nat(20), async (moves, late) => {
          const stream = newStream('drop')
          const readers = [new Taker(stream), new Taker(stream)]
          const all: string[] = []
          for (const [index, move] of moves.entries()) {
            if (index === late) readers.push(new Taker(stream))
            const [, pausing] = readers
            if (move === 0 && pausing !== undefined) pausing.isPaused = !pausing.isPaused
            if (move === 1) await new Promise((resolve) => setImmediate(resolve))
            all.push(String(index))
            await stream.append(text(String(index)))
          }
          const ended = new Promise<void>((resolve) => stream.onEnd(resolve))
          stream.finish({ outcome: 'completed', error: null }, null)
          await ended
          for (const reader of readers) {
            reader.isPaused = false
            reader.wake()
            expect(reader.seen).toEqual(all)
          }
          expect(stream.end).toEqual({ outcome: 'completed', offset: all.length, error: null })
        }),
        { numRuns: 40 },
      )
    })

    test('makes the producer wait for the fastest reader, and for no slower one', async () => {
      const stream = newStream('wait')
      const slow = new Taker(stream)
      slow.isPaused = true
      const chunk = text('x'.repeat(10_000))
      let waiting: Promise<void> | null = null
      while (waiting === null) {
        expect(stream.bytesAppended).toBeLessThan(1_000_000)
        waiting = stream.append(chunk) ?? null
      }
      let isFree = false
      void waiting.then(() => (isFree = true))
      await shown(stream.log, Math.floor(stream.bytesAppended / chunkBytes(chunk)))
      await new Promise((resolve) => setTimeout(resolve, 30))
      expect(isFree).toBe(false)
      const fast = new Taker(stream)
      fast.wake()
      await waiting
      for (let count = 0; count < 100; count++) await stream.append(chunk)
      await shown(stream.log, fast.position)
      expect(slow.position).toBe(0)
    })

    test('lets a producer go that waits when its only reader leaves', async () => {
      const stream = newStream('drop')
      const reader = new Taker(stream)
      reader.isPaused = true
      let waiting: Promise<void> | null = null
      while (waiting === null) waiting = stream.append(text('x'.repeat(10_000))) ?? null
      stream.detach(reader)
      await waiting
      await stream.append(text('y'))
    })

    test('ends for readers with its last chunk and not before', async () => {
      const stream = newStream('drop')
      const reader = new Taker(stream)
      const endsSeen: (string | undefined)[] = []
      const wake = reader.wake.bind(reader)
      reader.wake = () => {
        wake()
        endsSeen.push(stream.end?.outcome)
        if (stream.end !== null) expect(reader.seen).toEqual(['a', 'b'])
      }
      await stream.append(text('a'))
      stream.finish({ outcome: 'failed', error: null }, text('b'))
      await expect.poll(() => endsSeen.at(-1)).toBe('failed')
      expect(stream.end).toEqual({ outcome: 'failed', offset: 2, error: null })
    })
  })
}
