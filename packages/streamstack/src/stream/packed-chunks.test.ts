import { type Chunk, formats } from '@streamstack/protocol'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { MemoryLog } from './memory-log.ts'
import { PackedChunks } from './packed-chunks.ts'
import { anyChunk, readAll } from './testing/log-contract.ts'

const lines = formats.lines.encoder({ metadata: false }, { run: null })

test('packed chunks are the chunks that they were, and the lines that the format writes', () => {
  fc.assert(
    fc.property(fc.array(anyChunk, { minLength: 1, maxLength: 60 }), fc.nat(59), fc.boolean(), (chunks, at, isWell) => {
      const packed = PackedChunks.from(chunks, isWell)
      expect(packed?.unpacked()).toEqual(chunks)
      const from = Math.min(at, chunks.length - 1)
      const isContent = chunks.every(({ kind }) => kind === 'text' || kind === 'json')
      expect(packed?.linesFrom(from)).toBe(isContent ? lines.chunks(chunks, from, chunks.length, 1) : null)
    }),
    { numRuns: 300 },
  )
})

test('a chunk that is too large for the columns stays as it is', () => {
  const large: Chunk = { kind: 'text', data: 'x'.repeat(65_536), metadata: null }
  expect(PackedChunks.from([large], true)).toBe(null)
  expect(PackedChunks.from([{ ...large, data: large.data.slice(1) }], true)?.unpacked()).toEqual([
    { ...large, data: large.data.slice(1) },
  ])
})

test('a log that has ended is read as before, from every offset', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyChunk, { minLength: 1, maxLength: 40 }), fc.nat(600), async (some, after) => {
      const log = new MemoryLog(8_000_000)
      const chunks = Array.from({ length: 600 }, (_, index) => some.at(index % some.length) as Chunk)
      for (const chunk of chunks) log.append(chunk)
      log.finish({ outcome: 'completed', error: null }, null)
      const expected = chunks.slice(after).map((chunk, index) => ({ offset: after + index + 1, ...chunk }))
      expect(await readAll(log, after)).toEqual(expected)
    }),
    { numRuns: 12 },
  )
})

test('one character of two bytes does not make a log hold more than before', () => {
  for (const text of ['word', 'x'.repeat(200)]) {
    const log = new MemoryLog(8_000_000)
    for (let i = 0; i < 1_000; i++) log.append({ kind: 'text', data: i === 7 ? '😀' : text, metadata: null })
    const before = log.bytesHeld
    log.finish({ outcome: 'completed', error: null }, null)
    expect(log.bytesHeld).toBeLessThan(before)
  }
})
