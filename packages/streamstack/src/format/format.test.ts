import { type Chunk, formats } from '@streamstack/protocol'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { MemoryLog, Stream, type StreamReader } from '../stream/index.ts'
import { JsonResult, chooseFormat, encodeBatch, encodeSelected, encoderOf } from './index.ts'

describe('the choice of a format', () => {
  test.each<[string | null, string | undefined, string | undefined, string]>([
    [null, undefined, undefined, 'sse'],
    [null, '', undefined, 'sse'],
    [null, '*/*', 'text/plain; charset=utf-8', 'lines'],
    [null, 'text/*', 'text/plain', 'lines'],
    [null, 'application/json', 'text/plain', 'json'],
    [null, 'application/ndjson', undefined, 'ndjson'],
    [null, 'application/jsonl', undefined, 'ndjson'],
    [null, 'text/event-stream;q=0.2,application/json;q=0.3', undefined, 'json'],
    [null, 'application/json;q=0', 'text/plain', 'lines'],
    [null, 'application/json;q=nonsense', undefined, 'sse'],
    [null, undefined, 'application/pdf', 'sse'],
    ['text', 'application/json', 'text/event-stream', 'text'],
  ])('asked %j, Accept %j, declared %j: %s', (asked, accept, declared, format) => {
    expect(chooseFormat(asked, accept, declared)).toBe(format)
  })

  test.each(['', 'SSE', 'constructor', '__proto__', 'xml'])('%j is none', (asked) => {
    expect(() => chooseFormat(asked, undefined, undefined)).toThrow(/lines, text, sse, ndjson, json/)
  })

  test.each(['constructor', '__proto__', 'toString'])('a media type %s is none either', (type) => {
    expect(chooseFormat(null, type, type)).toBe('sse')
  })
})

describe('encodings', () => {
  const idle = (): StreamReader => ({ position: 0, wake: () => undefined })
  const streamOf = (readers: number): Stream => {
    const stream = new Stream({ log: new MemoryLog(100_000), whenUnread: 'drop', unreadBytesMax: 50_000 })
    for (let i = 0; i < readers; i++) stream.attach(idle())
    return stream
  }
  const chunks: Chunk[] = ['é', 'b', 'c'].map((data) => ({ kind: 'text', data, metadata: null }))
  const batch = (from: number, to: number) => ({ chunks, from, to, offset: from + 1, bytesThrough: 0 })
  const encoder = encoderOf('sse', { metadata: false })

  test('are made once for all readers of a stream', () => {
    const stream = streamOf(2)
    const first = encodeBatch(stream, encoder, batch(0, 2))
    expect(encodeBatch(stream, encoder, batch(0, 2))).toBe(first)
    expect(String(first)).toBe(encoder.chunks(chunks, 0, 2, 1))
  })

  test('are those of the batch, the format and the stream that they are asked for', () => {
    const [one, other] = [streamOf(2), streamOf(2)]
    const lines = encoderOf('lines', { metadata: false })
    for (const stream of [one, other]) {
      for (const [from, to] of [
        [0, 1],
        [0, 3],
        [1, 3],
        [0, 1],
      ] as const) {
        for (const each of [encoder, lines]) {
          expect(String(encodeBatch(stream, each, batch(from, to)))).toBe(each.chunks(chunks, from, to, from + 1))
        }
      }
    }
  })

  test('are those of the chunks, wherever these stand: some readers get them from memory, others from disk', () => {
    const stream = streamOf(2)
    const fromDisk = chunks.slice(1)
    const inMemory = { chunks, from: 1, to: 2, offset: 2, bytesThrough: 0 }
    const onDisk = { chunks: fromDisk, from: 0, to: 2, offset: 2, bytesThrough: 0 }
    for (const _ of [1, 2]) {
      expect(String(encodeBatch(stream, encoder, inMemory))).toBe(encoder.chunks(chunks, 1, 2, 2))
      expect(String(encodeBatch(stream, encoder, onDisk))).toBe(encoder.chunks(fromDisk, 0, 2, 2))
    }
  })

  test('of a single reader are the same text', () => {
    expect(String(encodeBatch(streamOf(1), encoder, batch(0, 3)))).toBe(encoder.chunks(chunks, 0, 3, 1))
  })

  test('there is one encoder for each format and options', () => {
    expect(encoderOf('sse', { metadata: false })).toBe(encoder)
    expect(encoderOf('sse', { metadata: true })).not.toBe(encoder)
    expect(encoderOf('sse', { metadata: true }).contentType).toBe(formats.sse.encoder({ metadata: true }).contentType)
  })
})

describe('the whole result', () => {
  const chunk = (data: string, kind: Chunk['kind'] = 'text'): Chunk => ({ kind, data, metadata: null })

  test('holds contents with offsets and metadata; errors are told by the end', () => {
    const result = new JsonResult(1_000)
    const chunks = [chunk('a"'), chunk('[1]', 'json'), { ...chunk('b'), metadata: '{"n":1}' }, chunk('{}', 'error')]
    result.add({ chunks, from: 1, to: 4, offset: 7, bytesThrough: 0 })
    const json = result.json('id', { outcome: 'completed', offset: 9, error: null })
    expect(JSON.parse(json)).toEqual({
      run: 'id',
      outcome: 'completed',
      chunks: [
        { offset: 7, content: [1], metadata: null },
        { offset: 8, content: 'b', metadata: { n: 1 } },
      ],
      error: null,
    })
  })

  test('is bounded', () => {
    const result = new JsonResult(500)
    const chunks = [chunk('x'.repeat(200))]
    const add = (): void => result.add({ chunks, from: 0, to: 1, offset: 1, bytesThrough: 0 })
    add()
    expect(() => {
      add()
      add()
    }).toThrow(/format=ndjson/)
  })
})

test('of a batch only the selected chunks are written, each with its own offset', () => {
  fc.assert(
    fc.property(fc.array(fc.boolean(), { maxLength: 40 }), fc.nat(10), fc.nat(5), (wanted, from, beyond) => {
      const all = Array.from({ length: from + wanted.length + beyond }, (_, i): Chunk => ({
        kind: 'text',
        data: `c${i}`,
        metadata: null,
      }))
      const batch = { chunks: all, from, to: from + wanted.length, offset: 1_000, bytesThrough: 0 }
      const isWanted = (chunk: Chunk): boolean => wanted[all.indexOf(chunk) - from] ?? false
      const lines = encodeSelected(encoderOf('ndjson', { metadata: false }), batch, isWanted)
        .split('\n')
        .slice(0, -1)
      const written = lines.map((line) => JSON.parse(line) as { offset: number; content: string })
      expect(written.map(({ offset, content }) => [offset, content])).toEqual(
        wanted.flatMap((is, i) => (is ? [[1_000 + i, `c${from + i}`]] : [])),
      )
    }),
  )
})
