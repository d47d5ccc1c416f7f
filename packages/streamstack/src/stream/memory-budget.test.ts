import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { MemoryBudget, MemoryLog, Stream } from './index.ts'

const MEGABYTE = 1_048_576
const WINDOW_BYTES = 4 * MEGABYTE

const chunk = (length: number) => ({ kind: 'text', data: 'x'.repeat(length), metadata: null }) as const

function open(budget: MemoryBudget, whenUnread: 'wait' | 'drop' = 'wait'): { stream: Stream; log: MemoryLog } {
  const log = new MemoryLog(WINDOW_BYTES, { budget })
  const stream = new Stream({ log, whenUnread, unreadBytesMax: 65_536, lagBytesMax: WINDOW_BYTES / 2, budget })
  return { stream, log }
}

/** Appends until the producer has to wait, or so many bytes are there. */
function fill(stream: Stream, chunkLength: number, bytes: number): void {
  for (let sent = 0; sent < bytes; sent += chunkLength) if (stream.append(chunk(chunkLength)) !== undefined) return
}

describe('a budget of memory', () => {
  test('gives few logs all they want, and shrinks them when others come', () => {
    const budget = new MemoryBudget(400 * MEGABYTE)
    const { stream, log } = open(budget, 'drop')
    fill(stream, 1_000, 20 * MEGABYTE)
    expect(log.bytesHeld).toBeGreaterThan(3 * MEGABYTE)
    expect(log.bytesHeld).toBeLessThanOrEqual(WINDOW_BYTES)
    budget.hold(370 * MEGABYTE)
    fill(stream, 1_000, MEGABYTE)
    expect(log.bytesHeld).toBeLessThan(MEGABYTE)
  })

  test('holds for any number of logs, whatever they are filled with, and what ends is counted no longer', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ chunkLength: fc.integer({ min: 1, max: 20_000 }), reads: fc.boolean() }), {
          minLength: 1,
          maxLength: 60,
        }),
        (runs) => {
          const budget = new MemoryBudget(4 * MEGABYTE)
          const streams = runs.map(({ chunkLength, reads }) => {
            const { stream, log } = open(budget)
            if (reads) stream.attach({ position: 0, wake: () => undefined })
            fill(stream, chunkLength, 2 * MEGABYTE)
            return { stream, log }
          })
          const held = streams.reduce((sum, { log }) => sum + log.bytesHeld, 0)
          // Each may finish the segment that it has begun, and has a least share.
          expect(held).toBeLessThan(budget.bytesMax + runs.length * 3 * 65_536)
          for (const { stream } of streams) stream.finish({ outcome: 'completed', error: null }, null)
          expect(budget.heldBytes).toBe(0)
        },
      ),
      { numRuns: 30 },
    )
  })

  test('never takes away what the only reader has yet to read', () => {
    const budget = new MemoryBudget(40 * MEGABYTE)
    const { stream } = open(budget)
    const reader = { position: 0, wake: () => undefined }
    stream.attach(reader)
    fill(stream, 500, MEGABYTE)
    const appended = stream.lastOffset
    budget.hold(40 * MEGABYTE)
    // A producer may be told to wait and append all the same: branches of one run do.
    for (let n = 0; n < 50; n++) void stream.append(chunk(500))
    expect(stream.log.droppedOffset).toBe(0)
    for (let after = 0; after < appended;) {
      const batch = stream.read(after)
      if (batch === null || batch instanceof Promise) throw new Error('nothing to read')
      expect(batch.offset).toBe(after + 1)
      after += batch.to - batch.from
    }
  })
})
