import { type Chunk, type Encoder, formats, streaming } from '@streamstack/protocol'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { MemoryLog, Stream, type StreamReader } from '../stream/index.ts'
import { WholeResult, chooseFormat, encode, encoderFor } from './index.ts'

const NO_RUN = { run: null }

const idle = (): StreamReader => ({ position: 0, wake: () => undefined })

function streamOf(readers: number): Stream {
  const stream = new Stream({ log: new MemoryLog(100_000), whenUnread: 'drop', unreadBytesMax: 50_000 })
  for (let i = 0; i < readers; i++) stream.attach(idle())
  return stream
}

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
    [null, 'text/event-stream', 'application/xml', 'sse'],
    // Documents that the stack writes itself, whatever they are.
    [null, undefined, 'application/pdf', 'lines'],
    [null, '*/*', 'application/xml; charset=utf-8', 'lines'],
    [null, 'application/*', 'application/vnd.api+json', 'lines'],
    [null, 'image/svg+xml, text/event-stream;q=0.5', 'image/svg+xml', 'lines'],
    [null, 'text/csv;q=0.5, application/json', 'text/csv', 'json'],
    ['text', 'application/json', 'text/event-stream', 'text'],
  ])('asked %j, Accept %j, declared %j: %s', (asked, accept, declaredType, format) => {
    expect(chooseFormat({ asked, accept, declaredType })).toBe(format)
  })

  test.each([
    [undefined, 'lines'],
    ['*/*', 'lines'],
    ['text/html,application/xhtml+xml,*/*;q=0.8', 'lines'],
    ['text/event-stream', 'sse'],
    ['application/x-ndjson', 'ndjson'],
  ])('of an endpoint that declares nothing, for Accept %j: %s', (accept, format) => {
    expect(chooseFormat({ asked: null, accept, otherwise: 'lines' })).toBe(format)
  })

  test.each(['', 'SSE', 'constructor', '__proto__', 'xml'])('%j is none', (asked) => {
    expect(() => chooseFormat({ asked, accept: undefined })).toThrow(/lines, text, sse, ndjson, json/)
  })

  test.each(['constructor', '__proto__', 'toString'])('a media type %s is none of ours', (type) => {
    expect(chooseFormat({ asked: null, accept: type })).toBe('sse')
    expect(chooseFormat({ asked: null, accept: type, declaredType: type })).toBe('lines')
  })
})

describe('encodings', () => {
  const chunks: Chunk[] = ['é', 'b', 'c'].map((data) => ({ kind: 'text', data, metadata: null }))
  const batch = (from: number, to: number) => ({ chunks, from, to, offset: from + 1, bytesThrough: 0 })
  const encoder = encoderFor(NO_RUN, 'sse', { metadata: false })

  test('are made once for all readers of a stream', () => {
    const stream = streamOf(2)
    const first = encode(stream, encoder, batch(0, 2), null)
    expect(encode(stream, encoder, batch(0, 2), null)).toBe(first)
    expect(String(first)).toBe(encoder.chunks(chunks, 0, 2, 1))
  })

  test('are those of the batch, the format and the stream that they are asked for', () => {
    const [one, other] = [streamOf(2), streamOf(2)]
    const lines = encoderFor(NO_RUN, 'lines', { metadata: false })
    for (const stream of [one, other]) {
      for (const [from, to] of [
        [0, 1],
        [0, 3],
        [1, 3],
        [0, 1],
      ] as const) {
        for (const each of [encoder, lines]) {
          expect(String(encode(stream, each, batch(from, to), null))).toBe(each.chunks(chunks, from, to, from + 1))
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
      expect(String(encode(stream, encoder, inMemory, null))).toBe(encoder.chunks(chunks, 1, 2, 2))
      expect(String(encode(stream, encoder, onDisk, null))).toBe(encoder.chunks(fromDisk, 0, 2, 2))
    }
  })

  test('of a single reader are the same text', () => {
    expect(String(encode(streamOf(1), encoder, batch(0, 3), null))).toBe(encoder.chunks(chunks, 0, 3, 1))
  })

  test('there is one encoder for each format and options', () => {
    expect(encoderFor(NO_RUN, 'sse', { metadata: false })).toBe(encoder)
    expect(encoderFor(NO_RUN, 'sse', { metadata: true })).not.toBe(encoder)
    expect(encoderFor(NO_RUN, 'sse', { metadata: true }).contentType).toBe(
      formats.sse.encoder({ metadata: true }, NO_RUN).contentType,
    )
  })
})

describe('the whole result', () => {
  const chunk = (data: string, kind: Chunk['kind'] = 'text'): Chunk => ({ kind, data, metadata: null })

  const whole = (bytesMax: number): WholeResult =>
    new WholeResult(encoderFor({ run: 'id' }, 'json', { metadata: false }), bytesMax)

  test('holds contents with offsets and metadata; errors are told by the end', () => {
    const result = whole(1_000)
    const chunks = [chunk('a"'), chunk('[1]', 'json'), { ...chunk('b'), metadata: '{"n":1}' }, chunk('{}', 'error')]
    result.add(streamOf(1), { chunks, from: 1, to: 4, offset: 7, bytesThrough: 0 }, null)
    const document = Buffer.concat(result.document({ outcome: 'completed', offset: 9, error: null }))
    const values = [
      { offset: 7, content: [1], metadata: null },
      { offset: 8, content: 'b', metadata: { n: 1 } },
    ]
    expect(JSON.parse(String(document))).toEqual({ run: 'id', outcome: 'completed', chunks: values, error: null })
    expect(result.values()).toEqual(values)
  })

  test('is bounded in bytes, whatever the characters', () => {
    const result = whole(500)
    const add = (): void =>
      result.add(streamOf(1), { chunks: [chunk('é'.repeat(80))], from: 0, to: 1, offset: 1, bytesThrough: 0 }, null)
    add()
    add()
    expect(() => add()).toThrow(/format=ndjson/)
    // What is too large does not become small again.
    expect(() => add()).toThrow(/format=ndjson/)
  })
})

describe('an encoder that holds something', () => {
  /** Texts stand in a part that is opened before the first and closed before anything else. */
  const partsEncoder = (): Encoder => ({
    ...streaming,
    contentType: 'text/x',
    heartbeat: '',
    tellsOutcome: true,
    state: '',
    shared: 'parts',
    chunks(list, from, to, offset) {
      let out = ''
      for (let i = from; i < to; i++) {
        const { kind, data } = list.at(i) as Chunk
        if (kind === 'text' && this.state === '') {
          this.state = `part ${offset + i - from}`
          out += `<${this.state}>`
        } else if (kind !== 'text' && this.state !== '') {
          out += `</${this.state}>`
          this.state = ''
        }
        out += data
      }
      return out
    },
    fault: () => '',
    end() {
      return this.state === '' ? '.' : `</${this.state}>.`
    },
  })

  test('writes the same for a reader alone and for one of many, wherever each begins and however batches are cut', () => {
    const anyChunk = fc.constantFrom<Chunk>(
      { kind: 'text', data: 'a', metadata: null },
      { kind: 'json', data: '1', metadata: null },
    )
    const readers = fc.array(fc.record({ start: fc.nat(9), turns: fc.array(fc.nat(4), { maxLength: 8 }) }), {
      minLength: 2,
      maxLength: 4,
    })
    fc.assert(
      fc.property(fc.array(anyChunk, { minLength: 1, maxLength: 10 }), readers, (chunks, all) => {
        const stream = streamOf(2)
        const written = all.map(({ start }) => ({
          at: Math.min(start, chunks.length),
          encoder: partsEncoder(),
          out: '',
        }))
        const read = (index: number, count: number): void => {
          const one = written.at(index) as (typeof written)[number]
          const to = Math.min(one.at + count, chunks.length)
          if (to === one.at) return
          const batch = { chunks, from: one.at, to, offset: one.at + 1, bytesThrough: 0 }
          one.out += String(encode(stream, one.encoder, batch, null))
          one.at = to
        }
        for (let turn = 0; turn < 8; turn++) {
          for (const [index, { turns }] of all.entries()) read(index, turns[turn] ?? 1)
        }
        for (const [index, { start }] of all.entries()) {
          read(index, 10)
          const from = Math.min(start, chunks.length)
          const alone = partsEncoder()
          const { out, encoder } = written.at(index) as (typeof written)[number]
          const expected = alone.chunks(chunks, from, chunks.length, from + 1) + alone.end(END)
          expect(out + encoder.end(END)).toBe(expected)
        }
      }),
      { numRuns: 300 },
    )
  })
})

const END = { outcome: 'completed', offset: 0, error: null } as const

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
      const lines = String(encode(streamOf(0), encoderFor(NO_RUN, 'ndjson', { metadata: false }), batch, isWanted))
        .split('\n')
        .slice(0, -1)
      const written = lines.map((line) => JSON.parse(line) as { offset: number; content: string })
      expect(written.map(({ offset, content }) => [offset, content])).toEqual(
        wanted.flatMap((is, i) => (is ? [[1_000 + i, `c${from + i}`]] : [])),
      )
    }),
  )
})
