import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  ALL_KINDS,
  CHUNK_KINDS,
  CONTENT_KINDS,
  type Chunk,
  type ChunkKinds,
  type Decoded,
  type PublicError,
  type StreamEnd,
  formats,
  isNamedKind,
  isTextKind,
  parseOffset,
  sortableOffset,
} from '../index.ts'

const names = ['sse', 'ndjson', 'lines', 'text'] as const

const NO_RUN = { run: null }

/** Text that tries to break out of a frame. */
const hostile = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom(
    '[DONE]',
    ' [DONE]',
    '\n\ndata: injected\n\n',
    '\r\nevent: end\r\ndata: {}\r\n\r\n',
    'a\rb',
    '\0',
    '\u2028\u2029',
    '\uFEFFbom',
    '{"error":{"code":',
    '{"type":"end","outcome":"completed"}\n',
    ': comment',
    'id: 7',
    '😀é中',
    '',
  ),
)
const json = fc.jsonValue({ maxDepth: 3 })
const metadata = fc.option(fc.dictionary(hostile, json, { maxKeys: 3 }))
const kind = fc.constantFrom(...CHUNK_KINDS.filter((one) => one !== 'error' && one !== 'text' && one !== 'json'))
/** Every kind but `error`. */
const chunk: fc.Arbitrary<Chunk> = fc
  .tuple(fc.oneof(hostile, json), metadata, fc.option(kind))
  .map(([content, meta, named]) => {
    const isText = typeof content === 'string' && (named === null || isTextKind(named))
    const textless = named === null || !isTextKind(named) ? (named ?? 'json') : 'json'
    return {
      kind: isText ? (named ?? 'text') : textless,
      data: isText ? content : JSON.stringify(content),
      metadata: meta === null ? null : JSON.stringify(meta),
    }
  })
const chunks = fc.array(chunk, { maxLength: 8 })
const error: fc.Arbitrary<PublicError> = fc.record({
  code: fc.string(),
  message: hostile,
  recoverable: fc.boolean(),
  retry_after: fc.option(fc.nat()),
})

function contentOf({ kind: one, data }: Chunk): unknown {
  return isTextKind(one) ? data : (JSON.parse(data) as unknown)
}

function metadataOf({ metadata: text }: Chunk): unknown {
  return text === null ? null : (JSON.parse(text) as unknown)
}

/** Decodes bytes that arrive in pieces, as a client does: characters may be cut, too. */
function decode(
  name: (typeof names)[number],
  withMetadata: boolean,
  bytes: Uint8Array,
  cuts: readonly number[],
): Decoded[] {
  const decoder = formats[name].decoder({ metadata: withMetadata })
  const text = new TextDecoder()
  const found: Decoded[] = []
  let from = 0
  for (const to of [...cuts.toSorted((a, b) => a - b), bytes.length]) {
    found.push(...decoder.push(text.decode(bytes.subarray(from, to), { stream: true })))
    from = to
  }
  found.push(...decoder.push(text.decode()), ...decoder.flush())
  return found.filter(({ type }) => type !== 'comment')
}

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)

/** What a chunk can be after UTF-8: a lone surrogate is no character. */
const throughUtf8 = (value: unknown): unknown => (typeof value === 'string' ? Buffer.from(value).toString() : value)

describe.each(['sse', 'ndjson'] as const)('%s', (name) => {
  const whole = (list: readonly Chunk[], first: number, end: StreamEnd, withMetadata: boolean): string => {
    const encoder = formats[name].encoder({ metadata: withMetadata, kinds: ALL_KINDS }, NO_RUN)
    return encoder.chunks(list, 0, list.length, first) + encoder.heartbeat + encoder.end(end)
  }

  test('comes out as it went in, wherever the bytes are cut', () => {
    fc.assert(
      fc.property(
        chunks,
        fc.integer({ min: 1, max: 1e9 }),
        fc.option(error),
        fc.boolean(),
        fc.array(fc.nat(2_000), { maxLength: 10 }),
        (list, first, failure, withMetadata, cuts) => {
          const end: StreamEnd = {
            outcome: failure === null ? 'completed' : 'failed',
            offset: first + list.length,
            error: failure,
          }
          const bytes = bytesOf(whole(list, first, end, withMetadata))
          const decoded = decode(
            name,
            withMetadata,
            bytes,
            cuts.filter((cut) => cut < bytes.length),
          )
          const hasMetadata = withMetadata || name === 'ndjson'
          const expected = list.map((one, i) => ({
            type: 'chunk',
            // Which kind content is, its value tells.
            kind: isNamedKind(one.kind) ? one.kind : typeof contentOf(one) === 'string' ? 'text' : 'json',
            offset: first + i,
            content: contentOf(one),
            metadata: hasMetadata ? metadataOf(one) : null,
          }))
          expect(decoded).toEqual([...expected, { type: 'end', ...end }])
        },
      ),
      { numRuns: 300 },
    )
  })

  test('comes out the same for every single cut', () => {
    const list: Chunk[] = [
      { kind: 'text', data: 'é 😀\r\n', metadata: '{"k":"中"}' },
      { kind: 'text', data: '[DONE]', metadata: null },
      { kind: 'json', data: '[1,{"a":"\u2028"}]', metadata: null },
    ]
    const bytes = bytesOf(whole(list, 1, { outcome: 'completed', offset: 3, error: null }, true))
    const once = decode(name, true, bytes, [])
    expect(once.map(({ type }) => type)).toEqual(['chunk', 'chunk', 'chunk', 'end'])
    for (let cut = 0; cut <= bytes.length; cut++) expect(decode(name, true, bytes, [cut])).toEqual(once)
    expect(
      decode(
        name,
        true,
        bytes,
        Array.from(bytes, (_, i) => i),
      ),
    ).toEqual(once)
  })

  test('cut off anywhere it gives whole chunks only, and never an end', () => {
    const list: Chunk[] = [
      { kind: 'text', data: 'one', metadata: null },
      { kind: 'json', data: '{"two":2}', metadata: null },
    ]
    const text = whole(list, 1, { outcome: 'completed', offset: 2, error: null }, false)
    for (let length = 0; length < text.length; length++) {
      const found = decode(name, false, bytesOf(text.slice(0, length)), [])
      expect(found.some(({ type }) => type === 'end')).toBe(false)
      for (const [i, one] of found.entries())
        expect(one).toMatchObject({ type: 'chunk', content: list.map(contentOf)[i] })
    }
  })

  test('tells errors of the stream with their offset, and those of one reader without', () => {
    fc.assert(
      fc.property(error, fc.integer({ min: 1 }), (failure, offset) => {
        const encoder = formats[name].encoder({ metadata: false }, NO_RUN)
        const inBand = encoder.chunks([{ kind: 'error', data: JSON.stringify(failure), metadata: null }], 0, 1, offset)
        expect(decode(name, false, bytesOf(inBand), [])).toEqual([{ type: 'error', offset, error: failure }])
        const own = decode(name, false, bytesOf(encoder.fault(failure)), [])
        expect(own).toEqual([{ type: 'error', offset: null, error: failure }])
      }),
    )
  })

  test('encodes a part of a list as that part alone', () => {
    fc.assert(
      fc.property(chunks, fc.nat(8), fc.nat(8), fc.boolean(), (list, a, b, withMetadata) => {
        const [from, to] = [Math.min(a, b, list.length), Math.min(Math.max(a, b), list.length)]
        const encoder = formats[name].encoder({ metadata: withMetadata }, NO_RUN)
        const part = list.slice(from, to)
        expect(encoder.chunks(list, from, to, 10)).toBe(encoder.chunks(part, 0, part.length, 10))
      }),
    )
  })
})

describe('sse', () => {
  test('no content and no metadata adds a line of its own', () => {
    fc.assert(
      fc.property(chunks, fc.boolean(), (list, withMetadata) => {
        const content = list.filter(({ kind: one }) => CONTENT_KINDS.has(one))
        const text = formats.sse.encoder({ metadata: withMetadata }, NO_RUN).chunks(content, 0, content.length, 1)
        expect(text).not.toMatch(/[\r\0]/)
        const lines = text.split('\n')
        expect(lines).toHaveLength(content.length * 3 + 1)
        for (const [i, line] of lines.entries()) {
          if (i === lines.length - 1 || i % 3 === 2) expect(line).toBe('')
          else if (i % 3 === 0) expect(line).toBe(`id: ${i / 3 + 1}`)
          else expect(line.startsWith('data: ')).toBe(true)
        }
      }),
      { numRuns: 300 },
    )
  })

  test('reads every legal spelling: CR, CRLF, fields without space, several data lines, a BOM', () => {
    const spelled = '\uFEFFid:1\rdata:"a"\r\rid: 2\r\ndata: {"x":\r\ndata: 1}\r\n\r\nretry: 10\ndata: "c"\n\n: note\n\n'
    const bytes = bytesOf(spelled)
    const expected = [
      { type: 'chunk', kind: 'text', offset: 1, content: 'a', metadata: null },
      { type: 'chunk', kind: 'json', offset: 2, content: { x: 1 }, metadata: null },
      // An event without an id says nothing of its offset.
      { type: 'chunk', kind: 'text', offset: null, content: 'c', metadata: null },
    ]
    for (let cut = 0; cut <= bytes.length; cut++) expect(decode('sse', false, bytes, [cut])).toEqual(expected)
  })
})

describe('lines', () => {
  test('one line for each content that has no line break, wherever the bytes are cut', () => {
    const line = fc.string({ unit: 'binary' }).filter((text) => !/[\n]/.test(text) && !text.startsWith('{"error":'))
    fc.assert(
      fc.property(fc.array(line, { maxLength: 6 }), fc.array(fc.nat(500), { maxLength: 6 }), (texts, cuts) => {
        const list = texts.map((data): Chunk => ({ kind: 'text', data, metadata: null }))
        const bytes = bytesOf(formats.lines.encoder({ metadata: false }, NO_RUN).chunks(list, 0, list.length, 1))
        const decoded = decode(
          'lines',
          false,
          bytes,
          cuts.filter((cut) => cut < bytes.length),
        )
        expect(decoded.map((one) => (one as { content: unknown }).content)).toEqual(texts.map(throughUtf8))
      }),
    )
  })

  test('with metadata any content comes out as it went in', () => {
    fc.assert(
      fc.property(chunks, (list) => {
        const text = formats.lines.encoder({ metadata: true, kinds: ALL_KINDS }, NO_RUN).chunks(list, 0, list.length, 1)
        const decoded = decode('lines', true, bytesOf(text), [])
        expect(decoded).toMatchObject(
          list.map((one) => ({
            type: 'chunk',
            ...(isNamedKind(one.kind) ? { kind: one.kind } : {}),
            offset: null,
            content: contentOf(one),
            metadata: metadataOf(one),
          })),
        )
      }),
    )
  })

  test('an error is a line of its own, which text that looks alike is not', () => {
    const failure: PublicError = { code: 'x', message: 'y\nz', recoverable: false, retry_after: null }
    const encoder = formats.lines.encoder({ metadata: false }, NO_RUN)
    expect(decode('lines', false, bytesOf(encoder.fault(failure)), [])).toEqual([
      { type: 'error', offset: null, error: failure },
    ])
    const like: Chunk = { kind: 'text', data: '{"error":{"code":', metadata: null }
    expect(decode('lines', false, bytesOf(encoder.chunks([like], 0, 1, 1)), [])).toMatchObject([{ content: like.data }])
  })
})

test('text is the contents and nothing else', () => {
  fc.assert(
    fc.property(chunks, (list) => {
      const encoder = formats.text.encoder({ metadata: false, kinds: ALL_KINDS }, NO_RUN)
      expect(encoder.chunks(list, 0, list.length, 1)).toBe(list.map(({ data }) => data).join(''))
      expect(encoder.end({ outcome: 'failed', offset: 0, error: null })).toBe('')
    }),
  )
})

test.each(names)('%s tells the outcome, or its end is silent', (name) => {
  const encoder = formats[name].encoder({ metadata: false }, NO_RUN)
  expect(encoder.end({ outcome: 'completed', offset: 1, error: null }) !== '').toBe(encoder.tellsOutcome)
})

describe('kinds', () => {
  const every = CHUNK_KINDS.map((one): Chunk => ({
    kind: one,
    data: isTextKind(one) ? one : JSON.stringify({ code: one }),
    metadata: null,
  }))
  const written = (name: (typeof names)[number], kinds?: ChunkKinds, withMetadata = false): string =>
    formats[name]
      .encoder({ metadata: withMetadata, ...(kinds === undefined ? {} : { kinds }) }, NO_RUN)
      .chunks(every, 0, every.length, 1)

  test.each(['lines', 'text', 'sse'] as const)('%s carries the content of the answer by itself', (name) => {
    for (const withMetadata of [false, true]) {
      expect(written(name, undefined, withMetadata)).toBe(written(name, CONTENT_KINDS, withMetadata))
      for (const one of CHUNK_KINDS.filter((other) => !CONTENT_KINDS.has(other))) {
        expect(written(name, undefined, withMetadata)).not.toContain(one)
        const asked = new Set([...CONTENT_KINDS, one])
        expect(written(name, asked, withMetadata)).toContain(one)
      }
    }
  })

  test('ndjson carries all by itself', () => {
    const found = decode('ndjson', false, bytesOf(written('ndjson')), [])
    expect(found.map((one) => (one.type === 'chunk' ? one.kind : one.type))).toEqual(CHUNK_KINDS)
  })

  test('what is not carried leaves a gap in the offsets and nothing else', () => {
    for (const name of ['sse', 'ndjson'] as const) {
      const found = decode(name, false, bytesOf(written(name, new Set(['json', 'usage']))), [])
      expect(found).toMatchObject([
        { kind: 'json', offset: 2 },
        { kind: 'usage', offset: 8 },
      ])
    }
  })

  test('in sse they are events of their name, in lines objects with their name', () => {
    const asked = new Set(['reasoning', 'usage'] as const)
    expect(written('sse', asked)).toBe(
      'id: 4\nevent: reasoning\ndata: "reasoning"\n\nid: 8\nevent: usage\ndata: {"code":"usage"}\n\n',
    )
    expect(written('lines', asked)).toBe('{"reasoning":"reasoning"}\n{"usage":{"code":"usage"}}\n')
    expect(written('text', new Set(['reasoning', 'error'] as const))).toBe('reasoning')
  })

  test('of a server that is newer pass', () => {
    const line = '{"offset":1,"type":"chunk","kind":"new","content":1,"metadata":null}\n'
    expect(decode('ndjson', false, bytesOf(line), [])).toMatchObject([{ kind: 'new', offset: 1 }])
    expect(decode('sse', false, bytesOf('id: 1\nevent: new\ndata: 1\n\n'), [])).toMatchObject([{ kind: 'new' }])
    expect(decode('sse', false, bytesOf('event: ping\ndata: not json\n\n'), [])).toEqual([])
  })
})

describe('offsets', () => {
  test('are sorted as text as they are as numbers, and read back', () => {
    fc.assert(
      fc.property(fc.nat({ max: Number.MAX_SAFE_INTEGER }), fc.nat({ max: Number.MAX_SAFE_INTEGER }), (a, b) => {
        expect(sortableOffset(a) < sortableOffset(b)).toBe(a < b)
        expect(parseOffset(sortableOffset(a))).toBe(a)
        expect(parseOffset(String(a))).toBe(a)
      }),
    )
  })

  test.each(['', ' ', '-0', '-2', '1.0', '1e3', '0x1', '9007199254740993', '١', '1\n', 'NaN'])('%j is none', (text) => {
    expect(parseOffset(text)).toBeNull()
  })
})

test('a document of a stream without an end is complete; one of a run without an outcome is not', () => {
  const read = (document: object): unknown[] => {
    const decoder = formats.json.decoder({ metadata: true })
    return [...decoder.push(JSON.stringify(document)), ...decoder.flush()]
  }
  const document = { run: null, outcome: null, chunks: [{ offset: 1, content: 'a', metadata: null }], error: null }
  expect(read(document)).toMatchObject([
    { type: 'chunk', content: 'a' },
    { type: 'end', outcome: 'completed' },
  ])
  expect(() => read({ ...document, run: 'r1' })).toThrow('The stream ends without an outcome.')
})
