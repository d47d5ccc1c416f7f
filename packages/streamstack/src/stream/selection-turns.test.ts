import type { Chunk } from '@streamstack/protocol'
import { expect, test, vi } from 'vitest'
import { MemoryLog, Stream, type StreamReader, type StreamSource } from './index.ts'
import { Pump, type Sink, readChunks } from './reading.ts'

const READERS = 40
const CHUNKS = 12

/** How many chunks are selected in one turn of the event loop, at most. */
class Turns {
  most = 0
  #now = 0
  #isCounting = true

  constructor() {
    const next = (): void => {
      this.most = Math.max(this.most, this.#now)
      this.#now = 0
      if (this.#isCounting) setImmediate(next)
    }
    setImmediate(next)
  }

  count(): void {
    this.#now++
  }

  stop(): void {
    this.#isCounting = false
  }
}

function sourceOf(stream: Stream, select: (chunk: Chunk) => boolean): StreamSource {
  return {
    stream,
    url: '',
    run: null,
    contentType: undefined,
    responseHeaders: new Map(),
    failure: null,
    select,
    attach: (reader: StreamReader) => stream.attach(reader),
    detach: (reader: StreamReader) => stream.detach(reader),
    answerBegan: () => undefined,
  }
}

test('many readers whose conditions take long select few chunks in one turn, and each gets its own in order', async () => {
  // One look takes 3 ms on this clock.
  let clockMs = 0
  vi.spyOn(performance, 'now').mockImplementation(() => clockMs)
  const turns = new Turns()
  const stream = new Stream({ log: new MemoryLog(1_048_576), whenUnread: 'drop', unreadBytesMax: Infinity })
  const select = (n: number) => (chunk: Chunk) => {
    turns.count()
    clockMs += 3
    return Number(chunk.data) % 2 === n % 2
  }
  const append = (from: number, to: number): void => {
    for (let n = from; n < to; n++) void stream.append({ kind: 'text', data: String(n), metadata: null })
  }
  append(0, CHUNKS / 2)
  const seen: string[][] = Array.from({ length: READERS }, () => [])
  const pumps = seen.map((own, n) => {
    const sink: Sink = {
      write({ chunks, from, to }, mayGet) {
        for (const chunk of chunks.slice(from, to)) if (mayGet?.(chunk) !== false) own.push(chunk.data)
        return true
      },
      flush: () => true,
      end: () => undefined,
      fault: () => undefined,
    }
    return new Pump({ source: sourceOf(stream, select(n)), position: 0, sink, record: null })
  })
  for (const pump of pumps) {
    pump.attach()
    pump.wake()
  }
  const page: string[] = []
  const read = readChunks(sourceOf(stream, select(0)), 0, (chunk) => page.push(chunk.data) < 3)
  append(CHUNKS / 2, CHUNKS)
  const expected = (n: number): string[] =>
    Array.from({ length: CHUNKS }, (_, at) => String(at)).filter((data) => Number(data) % 2 === n % 2)
  await vi.waitFor(() => expect(seen).toEqual(seen.map((_, n) => expected(n))), 20_000)
  await read
  expect(page).toEqual(['0', '2', '4'])
  turns.stop()
  // Two of 3 ms pass the 5 ms of a turn; another two may come between it and the next.
  expect(turns.most).toBeLessThanOrEqual(4)
  for (const pump of pumps) pump.stop()
  vi.restoreAllMocks()
})
