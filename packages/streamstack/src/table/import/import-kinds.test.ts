import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Value } from '@streamstack/protocol'
import * as fc from 'fast-check'
import iconv from 'iconv-lite'
import { afterAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { importRecords, stageFile } from '../index.ts'
import { openSqliteStore } from '../sqlite/record-store.ts'
import type { ImportOptions, ImportResult, RecordStore, Row } from '../index.ts'
import { declareTable } from '../testing/declare-table.ts'
import { failure, queryOf } from '../testing/record-store-contract.ts'

const root = mkdtempSync(join(tmpdir(), 'import-kinds-'))
const staging = mkdtempSync(join(root, 'staging-'))
const stores: RecordStore[] = []
afterAll(async () => {
  for (const store of stores) await store.close()
  // What was staged is gone, whatever became of the import.
  expect(readdirSync(staging)).toEqual([])
  rmSync(root, { recursive: true, force: true })
})

let fileCount = 0
const made = openSqliteStore({ folder: join(root, 'made') })
stores.push(made)

const awkward = openSqliteStore({ folder: join(root, 'awkward') })
stores.push(awkward)
await awkward.declare([
  declareTable('t', {
    columns: {
      id: { type: 'integer', primary: true },
      name: 'text',
      n: { type: 'integer', default: 5 },
      at: 'timestamp',
      doc: 'json',
      f: 'number',
    },
  }),
])

interface Imported {
  readonly types: Readonly<Record<string, string>>
  readonly rows: readonly Row[]
  readonly result: ImportResult
}

/** What `import --create` makes of a file. */
async function created(
  ending: string,
  content: string | Buffer,
  options: Partial<ImportOptions> = {},
): Promise<Imported> {
  fileCount += 1
  const file = join(root, `file-${fileCount}.${ending}`)
  writeFileSync(file, content)
  const staged = await stageFile({ file, stagingFolder: staging, ...options }, true)
  try {
    const declaration: { columns: Record<string, { type: string }> } = parse(staged.declaration())
    const table = `made_${fileCount}`
    await made.declare([declareTable(table, parse(staged.declaration()))])
    const result = await staged.storeIn(made, { table })
    const { rows } = await made.page(queryOf({ table }), 'rows')
    const types = Object.entries(declaration.columns).map(([name, { type }]) => [name, type])
    return { types: Object.fromEntries(types), rows, result }
  } finally {
    await staged.close()
  }
}

const csvOf = (column: string, texts: readonly string[]): string =>
  [column, ...texts].map((text) => `"${text.replaceAll('"', '""')}"\n`).join('')

describe('a name that no column can have', () => {
  const long = (end: string): string =>
    `How often, if at all, do you read the privacy policy of a site that you ${end}?`
  const names = [
    'title:"Puerto Rico"',
    'constructor',
    'rowid',
    'sqlite_x',
    'a\nb',
    '{x}',
    '``',
    long('visit'),
    long('leave'),
    'é'.repeat(40),
    'plain',
  ]

  test.each([
    ['csv', `${names.map((name) => `"${name.replaceAll('"', '""')}"`).join()}\n${names.map((_, at) => at).join()}\n`],
    ['json', JSON.stringify([Object.fromEntries(names.map((name, at) => [name, at]))])],
  ])('is made fit, the same for every import of such a %s file', async (ending, content) => {
    const { types, rows, result } = await created(ending, content)
    const columns = Object.keys(types)
    expect(columns.map((name) => rows[0]?.[name])).toEqual(names.map((_, at) => at))
    expect(columns.slice(0, 6)).toEqual(['title:Puerto Rico', '_constructor', '_rowid', '_sqlite_x', 'a b', 'x'])
    for (const name of columns) expect(Buffer.byteLength(name)).toBeLessThanOrEqual(63)
    expect(columns[7]).toMatch(/^How often, if at all, do you read the privacy policy of_[\da-f]{6}$/)
    expect(columns[9]).toMatch(/^é{28}_[\da-f]{6}$/)
    expect(result).toMatchObject({ inserted: 1, rejected: 0 })
    const file = join(root, `again.${ending}`)
    writeFileSync(file, content)
    expect(await importRecords(made, { file, table: `made_${fileCount}`, stagingFolder: staging })).toMatchObject({
      inserted: 1,
      rejected: 0,
    })
  })

  test.each([
    ['names that differ in case alone', 'null,NULL\n1,2\n', 'the columns "null" and "NULL"'],
    ['names that are one without their quotes', '"a""",a\n1,2\n', 'the columns "a"" and "a"'],
    ['no record that fits its first line', 'a,b,c\n1,2\n3,4\n', 'line 2 has 2 cells where the first line has 3'],
    ['no record', 'a,b,c\n', 'holds no records'],
  ])('a file with %s is refused, with the reason', async (_, content, reason) => {
    await expect(created('csv', content)).rejects.toMatchObject({
      code: 'file_unreadable',
      message: expect.stringContaining(reason),
    })
  })

  test.each([',a\n1,x\n2,y\n', '"","a"\n"1","x"\n"2","y"\n'])(
    'an index without one is unnamed: %j',
    async (content) => {
      const { types, rows, result } = await created('csv', content)
      expect(types).toEqual({ unnamed: 'integer', a: 'text' })
      expect(rows.map(({ unnamed, a }) => [unnamed, a])).toEqual([
        [1, 'x'],
        [2, 'y'],
      ])
      expect(result.rejected).toBe(0)
    },
  )

  test('a trailing delimiter makes no column', async () => {
    expect((await created('csv', 'a,b,\n1,2,\n')).types).toEqual({ a: 'integer', b: 'integer' })
  })

  test('a key of its own takes no name of the file', async () => {
    const { types, rows } = await created('csv', 'id,record_id\n1,7\n1,8\n')
    expect(types).toEqual({ _record_id: 'integer', id: 'integer', record_id: 'integer' })
    expect(rows.map((row) => row['record_id'])).toEqual([7, 8])
  })
})

describe('a guessed type', () => {
  test.each([
    ['phone', ['+4512345678', '+4587654321'], 'text'],
    ['version', ['1.9', '1.10', '1.1'], 'text'],
    ['code', ['12E4', '120000'], 'text'],
    ['code', ['1e5', '2e5'], 'text'],
    ['zip', ['00501', '10001'], 'text'],
    ['ref', ['Store 00001', 'Store 00042'], 'text'],
    ['ref', ['May 2024', '12', 'Room 5'], 'text'],
    ['price', ['1.50', '12.00', '0.99', '-3.10'], 'number'],
    ['price', ['0.00', '-0.00'], 'text'],
    ['ratio', ['1', '2.5', '0.8444218515250481', '-7'], 'number'],
    ['ratio', ['0.12345678901234567890', '1'], 'text'],
    ['whole', ['0', '-1', '9223372036854775807', '-9223372036854775808'], 'integer'],
    ['whole', ['9223372036854775808'], 'text'],
    ['whole', ['5', '-0'], 'text'],
    ['whole', ['5', ' 5'], 'text'],
    ['flag', ['true', 'false'], 'boolean'],
    ['flag', ['True', 'False'], 'boolean'],
    ['flag', ['True', 'true'], 'text'],
    ['flag', ['yes', 'no'], 'text'],
    ['day', ['2024-02-29', '2024-03-01'], 'timestamp'],
    ['day', ['2024-02-30'], 'text'],
    ['day', ['31 Feb 2024'], 'text'],
    ['at', ['2024-02-29T10:00:00Z', '2024-02-29T10:00:01Z'], 'timestamp'],
    ['at', ['2024-02-29', '2024-02-29 00:00'], 'text'],
    ['at', ['2024-02-29', '2024-02-29 10:00'], 'timestamp'],
    ['at', ['2024-02-29T12:00+02:00', '2024-02-29T11:00+01:00'], 'text'],
    ['at', ['2024-02-29T12:00:00+99:99'], 'text'],
    ['at', ['2024-02-29T12:00:00.123456Z', '2024-02-29T12:00:00.123457Z'], 'text'],
    ['uid', ['3f2504e0-4f89-41d3-9a0c-0305e82c3301'], 'uuid'],
    ['uid', ['3F2504E0-4F89-41D3-9A0C-0305E82C3301', '3f2504e0-4f89-41d3-9a0c-0305e82c3301'], 'text'],
    ['doc', ['{"a": 1}', '[1]'], 'text'],
  ])('of %s %j is %s', async (column, texts, type) => {
    const { types, rows, result } = await created('csv', csvOf(column, texts))
    expect([types[column], result.inserted]).toEqual([type, texts.length])
    if (type === 'text') expect(rows.map((row) => row[column])).toEqual(texts)
    else expect(new Set(rows.map((row) => JSON.stringify(row[column]))).size).toBe(new Set(texts).size)
  })

  test('goes over the whole file: a last row makes text of it, with the characters of all others', async () => {
    const lines = Array.from({ length: 20_000 }, (_, at) => `${at}.50,${at % 2 === 0 ? 'true' : 'false'},${at}`)
    const { types, rows, result } = await created('csv', `price,flag,n\n${lines.join('\n')}\n7,no,x\n`)
    expect([types, result]).toMatchObject([
      { price: 'text', flag: 'text', n: 'text' },
      { inserted: 20_001, rejected: 0 },
    ])
    expect([rows[1], rows.at(-1)]).toMatchObject([
      { price: '1.50', flag: 'false', n: '1' },
      { price: '7', flag: 'no', n: 'x' },
    ])
  })

  test('never makes one value of two texts', async () => {
    const part = fc.constantFrom(
      '0',
      '1',
      '9',
      '10',
      '00',
      '-',
      '+',
      '.',
      'e',
      'E',
      ' ',
      ':',
      'T',
      'Z',
      '2024-01-01',
      '00:00',
      'true',
      'T',
    )
    const tricky = fc.array(part, { minLength: 1, maxLength: 5 }).map((parts) => parts.join(''))
    const texts = fc.uniqueArray(fc.oneof(tricky, fc.integer().map(String), fc.double().map(String)), {
      minLength: 1,
      maxLength: 5,
    })
    await fc.assert(
      fc.asyncProperty(texts, async (column) => {
        const { rows, types, result } = await created('csv', csvOf('x', column))
        expect(result).toMatchObject({ inserted: column.length, rejected: 0 })
        const values = rows.map((row) => row['x'])
        if (types['x'] === 'text') expect(values).toEqual(column)
        else expect(new Set(values.map((value) => JSON.stringify(value))).size).toBe(column.length)
      }),
      { numRuns: 40 },
    )
  })

  test('from JSON keeps what kind a value is', async () => {
    const kinds: readonly (readonly [string, readonly string[], string, readonly Value[]])[] = [
      ['numbers', ['1', '2'], 'integer', [1, 2]],
      ['fractions', ['1', '2.50'], 'number', [1, 2.5]],
      ['digits', ['"1"', '"02"'], 'text', ['1', '02']],
      ['broken late', ['1.10', '1.1', '"x"'], 'text', ['1.10', '1.1', 'x']],
      ['alike', ['1', '"1"'], 'json', [1, '1']],
      ['flags', ['true', 'false'], 'boolean', [true, false]],
      ['words', ['"true"'], 'text', ['true']],
      ['empty text', ['""', 'null', '"a"'], 'text', ['', null, 'a']],
      ['too large', ['1e999', '2'], 'text', ['1e999', '2']],
      [
        '64 bits',
        ['9007199254740993', '-9223372036854775808'],
        'integer',
        ['9007199254740993', '-9223372036854775808'],
      ],
      // A column of numbers with fractions would keep neither exactly.
      ['64 bits beside fractions', ['9007199254740993', '1.5'], 'text', ['9007199254740993', '1.5']],
      [
        '64 bits in scientific notation',
        ['9.007199254740993e15', '9007199254740992.0'],
        'text',
        ['9.007199254740993e15', '9007199254740992.0'],
      ],
      ['magnitudes', ['6.02e23', '1.5'], 'number', [6.02e23, 1.5]],
      ['beyond', ['9223372036854775808', '1'], 'text', ['9223372036854775808', '1']],
      [
        'documents',
        ['{"a":[9007199254740993,1e999]}', 'null', '1'],
        'json',
        [{ a: ['9007199254740993', '1e999'] }, null, 1],
      ],
    ]
    for (const [name, raws, type, values] of kinds) {
      const { types, rows, result } = await created('ndjson', raws.map((raw) => `{"x":${raw}}`).join('\n'))
      expect([name, types['x'], result.rejected]).toEqual([name, type, 0])
      expect([name, rows.map((row) => row['x'])]).toEqual([name, values])
    }
  })
})

describe('a column of text', () => {
  test('holds the texts of the file, whatever they are, in every dialect and encoding', async () => {
    const unit = fc.constantFrom(
      'a',
      '7',
      ' ',
      '"',
      "'",
      ',',
      ';',
      '\t',
      '|',
      '\n',
      '\r\n',
      '\r',
      'é',
      '€',
      '.',
      '-',
      '\\',
      '=',
    )
    const texts = fc.array(fc.string({ unit, maxLength: 8 }), { minLength: 1, maxLength: 6 })
    const dialect = fc.record({
      delimiter: fc.constantFrom(',', ';', '\t', '|'),
      quote: fc.constantFrom('"', "'"),
      lineEnd: fc.constantFrom('\n', '\r\n', '\r'),
      encoding: fc.constantFrom('utf-8', 'utf-16le', 'windows-1252'),
    })
    const store = openSqliteStore({ folder: join(root, 'texts') })
    stores.push(store)
    await store.declare([declareTable('texts', { columns: { a: 'text', b: 'text' } })])
    await fc.assert(
      fc.asyncProperty(texts, dialect, async (column, { delimiter, quote, lineEnd, encoding }) => {
        const quoted = (text: string): string => quote + text.replaceAll(quote, quote + quote) + quote
        const lines = ['a', ...column].map((text) => [quoted(text), text === 'a' ? 'b' : quoted('x')].join(delimiter))
        const file = join(root, 'texts.csv')
        writeFileSync(file, iconv.encode(lines.join(lineEnd), encoding, { addBOM: encoding === 'utf-16le' }))
        const told = encoding === 'windows-1252' ? { encoding } : {}
        const result = await importRecords(store, { table: 'texts', file, replace: true, delimiter, quote, ...told })
        expect(result).toMatchObject({ inserted: column.length, rejected: 0 })
        const { rows } = await store.page(queryOf({ table: 'texts' }), 'rows')
        expect(rows.map((row) => row['a'])).toEqual(column)
      }),
      { numRuns: 60 },
    )
  })
})

describe('a file', () => {
  const store = awkward

  async function rowsOf(
    ending: string,
    content: string | Buffer,
    options: Partial<ImportOptions> = {},
  ): Promise<unknown> {
    const file = join(root, `awkward.${ending}`)
    writeFileSync(file, content)
    const { rejected, rejectedFile } = await importRecords(store, {
      table: 't',
      file,
      replace: true,
      stagingFolder: staging,
      ...options,
    })
    const { rows } = await store.page(queryOf({ table: 't' }), 'rows')
    const kept = rows.map((row) => Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null)))
    if (rejected === 0) return kept
    const reasons = readFileSync(rejectedFile!, 'utf8').trim().split('\n')
    return [kept, reasons.map((line): Value => JSON.parse(line).reason)]
  }

  const one = (name: string): unknown => [{ id: 1, name, n: 5 }]

  test.each<[string, string, string | Buffer, unknown, Partial<ImportOptions>?]>([
    [
      'LF first, CRLF then',
      'csv',
      'id,name\n1,x\r\n2,y\r\n',
      [
        { id: 1, name: 'x', n: 5 },
        { id: 2, name: 'y', n: 5 },
      ],
    ],
    [
      'CRLF first, LF then',
      'csv',
      'id,name\r\n1,x\n2,y\n',
      [
        { id: 1, name: 'x', n: 5 },
        { id: 2, name: 'y', n: 5 },
      ],
    ],
    [
      'CR alone',
      'csv',
      'id,name\r1,x\r2,y',
      [
        { id: 1, name: 'x', n: 5 },
        { id: 2, name: 'y', n: 5 },
      ],
    ],
    [
      'CR alone',
      'ndjson',
      '{"id":1,"name":"x"}\r{"id":2,"name":"y"}\r',
      [
        { id: 1, name: 'x', n: 5 },
        { id: 2, name: 'y', n: 5 },
      ],
    ],
    ['a quoted line end', 'csv', 'id,name\n1,"a\r\nb"\n', one('a\r\nb')],
    ['a byte order mark before a quoted name', 'csv', '\uFEFF"id","name"\n1,x\n', one('x')],
    ['inches', 'csv', 'id,name\n1,5" pipe\n', one('5" pipe')],
    [
      'a .tsv with quotes',
      'tsv',
      'id\tname\n1\t"a\n2\t5" "b"\n',
      [
        { id: 1, name: '"a', n: 5 },
        { id: 2, name: '5" "b"', n: 5 },
      ],
    ],
    ['a .tsv with quoting', 'tsv', 'id\tname\n1\t"a\tb"\n', one('a\tb'), { quote: '"' }],
    ['a delimiter that is told', 'csv', 'id:name\n1:a,b;c\n', one('a,b;c'), { delimiter: ':' }],
    ['a quote that is told', 'csv', "id,name\n1,'a,''b'\n", one("a,'b"), { quote: "'" }],
    ['Excel and its sep', 'csv', '\uFEFFsep=;\r\nid;name\r\n1;a,b\r\n', one('a,b')],
    ['semicolons, decimal commas in quotes', 'csv', 'id;name\n1;"1,5"\n', one('1,5')],
    ['a trailing delimiter', 'csv', 'id,name,\n1,x,\n', one('x')],
    ['blank lines', 'csv', '\n\nid,name\n\n1,x\n\n\n', one('x')],
    [
      'empty text and nothing',
      'csv',
      'id,name\n1,""\n2,\n',
      [
        { id: 1, name: '', n: 5 },
        { id: 2, n: 5 },
      ],
    ],
    [
      'empty text and null',
      'ndjson',
      '{"id":1,"name":"","n":null}\n{"id":2,"name":null}',
      [
        { id: 1, name: '' },
        { id: 2, n: 5 },
      ],
    ],
    [
      'empty text where none can be',
      'ndjson',
      '{"id":1,"name":"x"}\n{"id":2,"n":""}',
      [one('x'), [expect.stringContaining('"n" must be a whole number')]],
    ],
    ['numbers for a column of text', 'ndjson', '{"id":1,"name":1.10}', one('1.10')],
    [
      'a number beyond all bounds',
      'ndjson',
      '{"id":1,"name":"x"}\n{"id":2,"f":1e999}',
      [one('x'), [expect.stringContaining('"f" must be a finite number')]],
    ],
    [
      'a whole number that a number rounds',
      'csv',
      'id,name,f\n1,x,\n2,y,9007199254740993\n3,y,9007199254740993.0\n4,y,9.007199254740993e15\n',
      [one('x'), Array.from({ length: 3 }, () => expect.stringContaining('holds exactly'))],
    ],
    [
      'names that programs trip over',
      'ndjson',
      '{"id":1,"doc":{"constructor":"Ferrari","__proto__":{"x":1}}}',
      [{ id: 1, n: 5, doc: JSON.parse('{"constructor":"Ferrari","__proto__":{"x":1}}') }],
    ],
    [
      'a name twice',
      'ndjson',
      '{"id":1,"name":"x"}\n{"id":2,"name":"a","name":"b"}',
      [one('x'), ['names "name" twice']],
    ],
    [
      'days and zones that do not exist',
      'csv',
      'id,name,at\n1,x,\n2,y,31 Feb 2024\n3,z,2024-01-01T00:00+99:99\n4,s,Store 00042\n5,w,Monday 2 January 2024\n',
      [one('x'), Array(4).fill(expect.stringContaining('date and time'))],
    ],
    [
      'dates as people write them',
      'csv',
      'id,at\n1,"Feb 3, 2001"\n2,3-Feb-2001\n3,2001/2/3\n4,"Saturday, 3 February 2001 10:30"\n',
      ['00:00', '00:00', '00:00', '10:30'].map((time, at) => ({ id: at + 1, n: 5, at: `2001-02-03T${time}:00.000Z` })),
    ],
    [
      'a zero character',
      'csv',
      `id,name\n1,x\n${' '.repeat(2000)}2,a\0b\n`,
      [one('x'), [expect.stringContaining('U+0000')]],
    ],
    [
      'half a pair',
      'ndjson',
      String.raw`{"id":1,"name":"x"}` + '\n' + String.raw`{"id":2,"name":"\ud800"}`,
      [one('x'), [expect.stringContaining('surrogate')]],
    ],
    ['a huge cell', 'csv', `id,name\n1,${'x'.repeat(5_000_000)}\n`, one('x'.repeat(5_000_000))],
    [
      'ragged rows',
      'csv',
      'id,name\n1,x\n2\n3,y,z\n',
      [one('x'), ['has 1 cell where the first line has 2', 'has 3 cells where the first line has 2']],
    ],
    [
      'UTF-16 without a mark, by name',
      'csv',
      iconv.encode('id,name\n1,é\n', 'utf-16le', { addBOM: false }),
      one('é'),
      { encoding: 'utf-16le' },
    ],
    [
      'deep JSON',
      'ndjson',
      `{"id":1,"name":"x"}\n{"id":2,"doc":${'['.repeat(20_000)}${']'.repeat(20_000)}}`,
      [one('x'), ['is nested too deeply']],
    ],
  ])('with %s (.%s)', async (_, ending, content, expected, options) => {
    expect(await rowsOf(ending, content, options)).toEqual(expected)
  })

  test('whose columns both mean one of the table is rejected, row by row', async () => {
    const file = join(root, 'twice.csv')
    writeFileSync(file, 'id,name,N A M E\n1,x,y\n')
    const result = await importRecords(store, { table: 't', file })
    expect([result.inserted, readFileSync(result.rejectedFile!, 'utf8')]).toEqual([
      0,
      expect.stringContaining('both mean the column'),
    ])
  })

  test.each<[string, string, string | Buffer, string | null, Partial<ImportOptions>?]>([
    ['of records that do not fit', 'csv', 'id,name\nx,A\n', null],
    ['without records', 'csv', 'id,name\n', null],
    ['without records', 'json', '[]', null],
    ['without records', 'ndjson', '\n\n', null],
    ['that is empty', 'csv', '', 'is empty'],
    ['of blank lines', 'csv', '\r\n\n', 'is empty'],
    ['that is empty', 'ndjson', '', null],
    ['that is cut off', 'json', '[{"id":7},{"id":', 'in the middle'],
    ['with a quote that stays open', 'csv', 'id,name\n5,x\n6,"y\n7,z\n', 'opens in line 3'],
    ['of columns the table does not have', 'csv', 'foo,bar\n1,2\n', 'no column of the file', { ignoreUnknown: true }],
    [
      'of columns the table does not have',
      'ndjson',
      '{"foo":1}\n{"bar":2}\n',
      'no column of the file',
      { ignoreUnknown: true },
    ],
    [
      'with half a character',
      'csv',
      iconv.encode('id,name\n1,x\n', 'utf-16le', { addBOM: true }).subarray(0, -1),
      'UTF-16',
    ],
    [
      'of another encoding',
      'csv',
      Buffer.from([105, 100, 10, 0x81, 10]),
      'not windows-1252',
      { encoding: 'windows-1252' },
    ],
    ['with options for another kind', 'json', '[]', 'are for CSV', { delimiter: ';' }],
    ['with a delimiter of two characters', 'csv', 'id\n1\n', 'one character', { delimiter: '::' }],
  ])('%s (.%s) replaces nothing: %j', async (_, ending, content, message, options) => {
    await rowsOf('ndjson', '{"id":1,"name":"A"}\n{"id":2,"name":"B"}')
    const before = (await store.page(queryOf({ table: 't' }), 'rows')).rows
    expect(before).toHaveLength(2)
    if (message === null) await rowsOf(ending, content, options)
    else expect((await failure(() => rowsOf(ending, content, options))).message).toContain(message)
    expect((await store.page(queryOf({ table: 't' }), 'rows')).rows).toEqual(before)
  })
})
