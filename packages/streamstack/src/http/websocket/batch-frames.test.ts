import { type Chunk, type ChunkKind, type ServerMessage, isNamedKind, isTextKind } from '@streamstack/protocol'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Batch, MemoryLog, Stream } from '../../stream/index.ts'
import { batchFrames, messagePrefix } from './batch-frames.ts'

/** Text messages out of unmasked frames, which must fill the bytes exactly. */
function messagesIn(bytes: Buffer): ServerMessage[] {
  const messages: ServerMessage[] = []
  let at = 0
  while (at < bytes.length) {
    expect(bytes[at]).toBe(0x81)
    const short = bytes.readUInt8(at + 1)
    const [start, length] =
      short < 126
        ? [at + 2, short]
        : short === 126
          ? [at + 4, bytes.readUInt16BE(at + 2)]
          : [at + 10, Number(bytes.readBigUInt64BE(at + 2))]
    // The shortest form that fits, as RFC 6455 §5.2 asks.
    expect(short).toBe(length < 126 ? length : length < 65_536 ? 126 : 127)
    messages.push(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(start, start + length))))
    at = start + length
  }
  expect(at).toBe(bytes.length)
  return messages
}

const error = { code: 'thrown', message: 'no', recoverable: false, retry_after: null }

const chunk: fc.Arbitrary<Chunk> = fc.oneof(
  fc.record({
    kind: fc.constantFrom<ChunkKind>('text', 'reasoning'),
    data: fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom(20, 60, 100, 65_400, 65_500).map((size) => 'ä'.repeat(size)),
    ),
    metadata: fc.constantFrom(null, '{"a":"ö"}'),
  }),
  fc.record({
    kind: fc.constantFrom<ChunkKind>('json', 'usage', 'tool_call'),
    data: fc.json(),
    metadata: fc.constant(null),
  }),
  fc.constant<Chunk>({ kind: 'error', data: JSON.stringify(error), metadata: null }),
)

function messageOf(id: string, { kind, data, metadata }: Chunk, offset: number): unknown {
  if (kind === 'error') return { id, type: 'fault', offset, error }
  const content: unknown = isTextKind(kind) ? data : JSON.parse(data)
  const named = isNamedKind(kind) ? { kind } : {}
  return { id, type: 'chunk', offset, ...named, content, metadata: metadata === null ? null : JSON.parse(metadata) }
}

test('each reader gets the chunks that it may see under its own id, however many share the encoding', () => {
  fc.assert(
    fc.property(
      fc.array(chunk, { minLength: 1, maxLength: 12 }),
      fc.array(fc.record({ id: fc.constantFrom('1', '2', 'a-long-id'.repeat(7)), skips: fc.option(fc.nat(3)) }), {
        minLength: 1,
        maxLength: 5,
      }),
      fc.nat(5),
      (chunks, readers, from) => {
        const stream = new Stream({ log: new MemoryLog(1_048_576), whenUnread: 'drop', unreadBytesMax: 524_288 })
        for (let count = 0; count < readers.length; count++) stream.attach({ position: 0, wake: () => undefined })
        const start = Math.min(from, chunks.length - 1)
        const batch: Batch = { chunks, from: start, to: chunks.length, offset: 8, bytesThrough: 0 }
        for (const { id, skips } of readers) {
          const select = skips === null ? null : (one: Chunk) => one.data.length % 4 !== skips
          const expected = chunks
            .slice(start)
            .flatMap((one, index) => (select === null || select(one) ? [messageOf(id, one, 8 + index)] : []))
          const messages = messagesIn(batchFrames(stream, messagePrefix(id), batch, select))
          expect(messages).toEqual(expected.map((one) => JSON.parse(JSON.stringify(one).toWellFormed()) as unknown))
        }
      },
    ),
    { numRuns: 200 },
  )
})

test('a batch of the same offset and another length is encoded anew', () => {
  const stream = new Stream({ log: new MemoryLog(1_048_576), whenUnread: 'drop', unreadBytesMax: 524_288 })
  for (let count = 0; count < 2; count++) stream.attach({ position: 0, wake: () => undefined })
  const chunks: Chunk[] = ['a', 'b', 'c'].map((data) => ({ kind: 'text', data, metadata: null }))
  const framed = (from: number, to: number): unknown[] =>
    messagesIn(batchFrames(stream, messagePrefix('1'), { chunks, from, to, offset: 1, bytesThrough: 0 }, null)).map(
      (message) => (message.type === 'chunk' ? message.content : null),
    )
  expect([framed(0, 2), framed(0, 3), framed(1, 3), framed(2, 3)]).toEqual([
    ['a', 'b'],
    ['a', 'b', 'c'],
    ['b', 'c'],
    ['c'],
  ])
})
