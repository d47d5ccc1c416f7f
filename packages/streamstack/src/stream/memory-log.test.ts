import type { Chunk } from '@streamstack/protocol'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { MemoryLog } from './memory-log.ts'
import { anyChunk, readAll, streamLogContract } from './testing/log-contract.ts'

streamLogContract(() => new MemoryLog(8_000_000))

describe('at the pace of a model', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['performance'] })
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  function token(index: number): Chunk {
    const metadata = `{"chunk_index":${index},"elapsed_ms":${index * 20},"characters":${index * 6}}`
    return { kind: 'text', data: ` word${index % 10}`, metadata }
  }

  test('a chunk holds little more than its characters', () => {
    const log = new MemoryLog(8_000_000)
    const heldBytes: number[] = []
    for (let index = 0; index < 2_000; index++) {
      vi.advanceTimersByTime(20)
      log.append(token(index))
      if (index % 500 === 499) heldBytes.push(log.bytesHeld)
    }
    for (const [quarter, bytes] of heldBytes.entries()) expect(bytes).toBeLessThan((quarter + 1) * 500 * 16 + 12_000)
  })

  test('whatever comes and however fast, readers get it, and what is held stays within the window', async () => {
    const anyPart = fc.record({
      count: fc.nat(400),
      restMs: fc.constantFrom(0, 1, 20),
      chunk: fc.oneof(anyChunk, fc.nat(9).map(token), fc.constant(token(1)), fc.nat(3_000).map(large)),
    })
    const anyWindow = fc.constantFrom(40_000, 200_000, 8_000_000)
    await fc.assert(
      fc.asyncProperty(fc.array(anyPart, { maxLength: 8 }), anyWindow, async (parts, windowBytes) => {
        const log = new MemoryLog(windowBytes)
        const sent: Chunk[] = []
        let early: {
          readonly from: number
          readonly offset: number
          readonly to: number
          readonly chunks: readonly Chunk[]
        } | null = null
        for (const { count, restMs, chunk } of parts) {
          for (let index = 0; index < count; index++) {
            vi.advanceTimersByTime(restMs)
            log.append(chunk)
            sent.push(chunk)
            early ??= log.read(log.droppedOffset)
          }
        }
        const kept = sent
          .slice(log.droppedOffset)
          .map((chunk, index) => ({ offset: log.droppedOffset + index + 1, ...chunk }))
        expect(await readAll(log, log.droppedOffset)).toEqual(kept)
        // What a reader took before the segments were joined stays as it was.
        if (early !== null)
          expect(early.chunks.slice(early.from, early.to)).toEqual(sent.slice(0, early.to - early.from))
        const before = log.bytesHeld
        expect(before).toBeLessThan(windowBytes + 40_000)
        log.pack()
        expect(log.bytesHeld).toBeLessThanOrEqual(before)
        expect(await readAll(log, log.droppedOffset)).toEqual(kept)
      }),
      { numRuns: 60 },
    )
  })
})

function large(length: number): Chunk {
  return { kind: 'json', data: `"${'x'.repeat(length)}"`, metadata: null }
}
