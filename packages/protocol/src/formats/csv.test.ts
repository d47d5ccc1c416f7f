import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Chunk } from '../chunk.ts'
import { formats } from './index.ts'

const json = (value: unknown): Chunk => ({ kind: 'json', data: JSON.stringify(value), metadata: '{"n":1}' })
const text = (data: string): Chunk => ({ kind: 'text', data, metadata: null })

/** The answer, with the chunks in batches of these sizes. */
function answer(chunks: readonly Chunk[], sizes: readonly number[] = [], escapesFormulas = false): string {
  const encoder = formats.csv.encoder({ metadata: true, escapesFormulas }, { run: null })
  let out = encoder.begin(null)
  let from = 0
  for (const size of [...sizes, chunks.length]) {
    const to = Math.min(from + size, chunks.length)
    if (to > from) out += encoder.chunks(chunks, from, to, from + 1)
    from = to
  }
  return out + encoder.end({ outcome: 'completed', offset: chunks.length, error: null })
}

/** Reads RFC 4180: rows of cells; null is an empty cell without quotes. */
function rowsOf(csv: string): (string | null)[][] {
  const rows: (string | null)[][] = []
  let row: (string | null)[] = []
  const cell = /(?:"((?:[^"]|"")*)"|([^,\n]*))(,|\n)/gy
  for (const [, quoted, plain = '', end] of csv.matchAll(cell)) {
    row.push(quoted === undefined ? (plain === '' ? null : plain) : quoted.replaceAll('""', '"'))
    if (end !== '\n') continue
    rows.push(row)
    row = []
  }
  return rows
}

const anyText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 10 }),
  fc.constantFrom('a,b', '"', '\r\n', ' x ', '', '=1'),
)
const anyObject = fc.dictionary(anyText, fc.oneof(anyText, fc.jsonValue({ maxDepth: 1 })), { maxKeys: 4 })
const anyChunk: fc.Arbitrary<Chunk> = fc.oneof(
  anyText.map(text),
  anyObject.map(json),
  fc.array(anyObject, { maxLength: 3 }).map(json),
  fc.jsonValue({ maxDepth: 2 }).map((value) => json(typeof value === 'string' ? [value] : value)),
)

test('is the same however the chunks come in batches', () => {
  fc.assert(
    fc.property(fc.array(anyChunk, { maxLength: 8 }), fc.array(fc.integer({ min: 1, max: 3 })), (chunks, sizes) => {
      expect(answer(chunks, sizes)).toBe(answer(chunks))
    }),
  )
})

test('the cells of objects read back as they were sent', () => {
  const columns = fc.uniqueArray(anyText, { minLength: 1, maxLength: 4 })
  fc.assert(
    fc.property(columns, fc.array(fc.array(fc.option(anyText), { minLength: 4, maxLength: 4 })), (names, rows) => {
      const objects = rows.map((row) => Object.fromEntries(names.map((name, at) => [name, row[at] ?? null])))
      const header = objects[0] === undefined ? [] : Object.keys(objects[0])
      const expected = objects.map((object) => header.map((name) => object[name] ?? null))
      expect(rowsOf(answer([json(objects)]))).toEqual(objects.length === 0 ? [] : [header, ...expected])
    }),
  )
})

describe('rows', () => {
  test.each([
    [
      'one header, columns by name, missing cells empty, further keys left out',
      [
        json({ a: 1, b: 'x' }),
        json([
          { b: 'y', c: 9 },
          { b: null, a: true },
        ]),
      ],
      'a,b\n1,x\n,y\ntrue,\n',
    ],
    ['text unchanged', [text('a;b'), text('"1";2')], 'a;b\n"1";2\n'],
    [
      'lists and single values',
      [
        json([
          [1, 'a,b'],
          [null, ''],
        ]),
        json(5),
        json([]),
      ],
      '1,"a,b"\n,""\n5\n',
    ],
    ['nested values as JSON', [json({ a: { b: [1] } })], 'a\n"{""b"":[1]}"\n'],
    ['an empty object before the first', [json({}), json({ a: 1 })], 'a\n1\n'],
    ['names of the prototype', [json({ constructor: 1 }), json({ x: 1 })], 'constructor\n1\n\n'],
    [
      'long numbers',
      [{ kind: 'json', data: '{"id":9007199254740993,"x":1.5}', metadata: null }],
      'id,x\n9007199254740993,1.5\n',
    ],
    [
      'no errors, no other kinds',
      [
        { kind: 'error', data: '{"code":"x"}', metadata: null },
        { kind: 'usage', data: '{}', metadata: null },
      ],
      '',
    ],
  ] as [string, Chunk[], string][])('%s', (_, chunks, expected) => {
    expect(answer(chunks)).toBe(expected)
  })

  test('formulas are escaped on demand, in the header, too; numbers and text of the stack are not', () => {
    const chunks = [json({ '=a': '+1', b: -2, c: '@x', d: '\ty', e: 'a=b' }), text('=own')]
    expect(answer(chunks, [], true)).toBe(`'=a,b,c,d,e\n'+1,-2,'@x,'\ty,a=b\n=own\n`)
    expect(answer(chunks)).toContain('=a,b')
  })
})
