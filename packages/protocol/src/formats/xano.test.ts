import fc from 'fast-check'
import { expect, test } from 'vitest'
import { CHUNK_KINDS, type Chunk, isTextKind } from '../index.ts'
import { formats, sseEvents } from './index.ts'

const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom(
    '',
    ' ',
    ' leading',
    'a\nb',
    'a\r\nb',
    'a\r',
    '\n\ndata: injected\n\n',
    '\0',
    '\uFEFF',
    ': x',
    'id: 7',
  ),
)

const anyChunk: fc.Arbitrary<Chunk> = fc
  .tuple(fc.constantFrom(...CHUNK_KINDS), text, fc.option(fc.dictionary(text, text, { maxKeys: 2 })))
  .map(([kind, value, metadata]) => ({
    kind,
    data: isTextKind(kind) ? value : JSON.stringify({ value }),
    metadata: metadata === null ? null : JSON.stringify(metadata),
  }))

const END = { outcome: 'completed', offset: 0, error: null } as const

const eventsOf = (written: string): unknown[] =>
  sseEvents(({ event, data, id, retryMs }) => ({ event, data, id, retryMs }), null)(written)

test('a reader of events gets the bare contents and nothing else, whatever they hold', () => {
  fc.assert(
    fc.property(fc.array(anyChunk, { maxLength: 8 }), (chunks) => {
      const encoder = formats.xano.encoder({ metadata: false }, { run: null })
      const written = encoder.begin(null) + encoder.chunks(chunks, 0, chunks.length, 1) + encoder.end(END)
      const contents = chunks.filter(({ kind }) => kind === 'text' || kind === 'json')
      expect(eventsOf(written)).toEqual(
        contents.map(({ data }) => ({ event: '', data: data.replaceAll(/\r\n?/g, '\n'), id: null, retryMs: null })),
      )
    }),
  )
})

test.each([
  ['0', 0],
  ['2147483647', 2_147_483_647],
  ['2147483648', 2_147_483_647],
  ['9'.repeat(400), 2_147_483_647],
  ['-1', null],
  ['1e3', null],
])('a pause of %s ms is one that a timer can count', (written, retryMs) => {
  expect(eventsOf(`retry: ${written}\n\n`)).toEqual([{ event: '', data: null, id: null, retryMs }])
})

test('metadata and other kinds come where they are asked for; errors never do', () => {
  const kinds = new Set(CHUNK_KINDS)
  const chunks: Chunk[] = [
    { kind: 'text', data: 'a\nb', metadata: '{"n":1}' },
    { kind: 'usage', data: '{"tokens":1}', metadata: null },
    { kind: 'error', data: '{"code":"x","message":"secret"}', metadata: null },
  ]
  const written = (metadata: boolean): string =>
    formats.xano.encoder({ metadata, kinds }, { run: null }).chunks(chunks, 0, 3, 1)
  expect(written(false)).toBe('data: a\ndata: b\n\nevent: usage\ndata: {"tokens":1}\n\n')
  expect(written(true)).toBe(
    'data: {"content":"a\\nb","metadata":{"n":1}}\n\nevent: usage\ndata: {"content":{"tokens":1},"metadata":null}\n\n',
  )
})
