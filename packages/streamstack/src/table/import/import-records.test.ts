import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Value } from '@streamstack/protocol'
import * as fc from 'fast-check'
import iconv from 'iconv-lite'
import { afterAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { importRecords, stageFile } from '../index.ts'
import { openSqliteStore } from '../sqlite/record-store.ts'
import type { ImportOptions, ImportProgress, ImportResult, Row } from '../index.ts'
import { declareTable } from '../testing/declare-table.ts'
import { failure, queryOf } from '../testing/record-store-contract.ts'
import { JsonSplitter } from './json-splitter.ts'

const root = mkdtempSync(join(tmpdir(), 'import-'))
const store = openSqliteStore({ folder: join(root, 'data') })
await store.declare([
  declareTable('people', {
    columns: {
      id: { type: 'integer', primary: true },
      name: { type: 'text', required: true },
      age: 'integer',
      score: 'number',
      active: 'boolean',
      birth_date: 'timestamp',
      extra: 'json',
    },
  }),
])
afterAll(async () => {
  await store.close()
  rmSync(root, { recursive: true, force: true })
})

let files = 0
function fileOf(ending: string, content: string | Buffer): string {
  files += 1
  const file = join(root, `file-${files}.${ending}`)
  writeFileSync(file, content)
  return file
}

async function importText(
  ending: string,
  content: string | Buffer,
  options: Partial<ImportOptions> = {},
): Promise<ImportResult> {
  return importRecords(store, { table: 'people', file: fileOf(ending, content), replace: true, ...options })
}

async function people(): Promise<readonly Row[]> {
  return (await store.page(queryOf({ table: 'people' }), 'rows')).rows
}

function rejectedOf(result: ImportResult): readonly Value[] {
  return readFileSync(result.rejectedFile!, 'utf8')
    .trim()
    .split('\n')
    .map((line): Value => JSON.parse(line))
}

async function declarationOf(file: string): Promise<string> {
  const staged = await stageFile({ file }, true)
  const text = staged.declaration()
  await staged.close()
  return text
}

describe('import from CSV', () => {
  test('reads text as the types of the columns, empty cells as null, header names freely', async () => {
    const result = await importText(
      'csv',
      '\uFEFFid,Name,AGE,score,active,Birth Date,extra\r\n1,"Ann, ""A""",30,1.5,yes,2001-02-03,"{""a"":1}"\r\n2,Bob,,-2e3,false,3 Feb 2001,\r\n',
    )
    expect(result).toEqual({
      inserted: 2,
      rejected: 0,
      seconds: expect.any(Number),
      rejectedFile: null,
      rejects: { first: [], reasons: [] },
    })
    expect(await people()).toEqual([
      {
        id: 1,
        name: 'Ann, "A"',
        age: 30,
        score: 1.5,
        active: true,
        birth_date: '2001-02-03T00:00:00.000Z',
        extra: { a: 1 },
      },
      {
        id: 2,
        name: 'Bob',
        age: null,
        score: -2000,
        active: false,
        birth_date: '2001-02-03T00:00:00.000Z',
        extra: null,
      },
    ])
  })

  test('rows that do not fit go to a file with line and reason, the others in', async () => {
    const file = fileOf(
      'csv',
      'id,name,age\n1,"two\nlines",1\n2,ragged\n3,ok,x\n4,,4\n1,again,5\n6,fine,6\n7,long,7,8\n',
    )
    const result = await importRecords(store, { table: 'people', file, replace: true })
    expect(result).toMatchObject({ inserted: 2, rejected: 5, rejectedFile: `${file}.rejected.ndjson` })
    expect(rejectedOf(result)).toEqual([
      { line: 4, reason: 'has 2 cells where the first line has 3', row: ['2', 'ragged'] },
      {
        line: 5,
        reason: expect.stringContaining('"age" must be a whole number'),
        row: { id: '3', name: 'ok', age: 'x' },
      },
      { line: 6, reason: expect.stringContaining('"name" must not be empty'), row: { id: '4', name: null, age: '4' } },
      { line: 9, reason: expect.stringContaining('cells'), row: ['7', 'long', '7', '8'] },
      { line: 7, reason: 'a record with the same "id" exists', row: { id: '1', name: 'again', age: '5' } },
    ])
    expect((await people()).map((row) => row['name'])).toEqual(['two\nlines', 'fine'])
  })

  test('finds semicolons, tabs and bars, and quotes that hold them', async () => {
    for (const sign of [';', '\t', '|']) {
      await importText('csv', `id${sign}name\n1${sign}"a${sign}b"\n`)
      expect((await people())[0]?.['name']).toBe(`a${sign}b`)
    }
  })

  test('reads UTF-16 by its mark and other encodings by name, and guesses none', async () => {
    const text = 'id,name\n1,Zoë €\n'
    for (const encoding of ['utf-16le', 'utf-16be']) {
      await importText('csv', iconv.encode(text, encoding, { addBOM: true }))
      expect((await people())[0]?.['name']).toBe('Zoë €')
    }
    const latin = iconv.encode(text, 'windows-1252')
    const unmarked = iconv.encode(text, 'utf-16le', { addBOM: false })
    for (const bytes of [latin, unmarked]) {
      expect(await failure(() => importText('csv', bytes))).toMatchObject({
        code: 'file_unreadable',
        message: expect.stringContaining('--encoding'),
      })
    }
    expect((await people())[0]?.['name']).toBe('Zoë €')
    await importText('csv', latin, { encoding: 'windows-1252' })
    expect((await people())[0]?.['name']).toBe('Zoë €')
    expect((await failure(() => importText('csv', latin, { encoding: 'klingon' }))).message).toContain('klingon')
  })

  test('a quote without end, an empty file, a doubled or unknown column: a clear refusal', async () => {
    const before = await people()
    const cases: readonly [string, string][] = [
      ['id,name\n1,"open\n2,b\n', 'never closed'],
      ['', 'is empty'],
      ['id,id\n1,2\n', 'twice'],
      ['id,nam\n1,x\n', 'Did you mean `name`'],
      ['id,name,__proto__\n1,x,2\n', 'a column "__proto__", which is a reserved name; rename'],
      [',id,name\n0,1,x\n', 'a column without a name. Give it one in the file'],
    ]
    for (const [text, message] of cases)
      expect([text, (await failure(() => importText('csv', text))).message]).toEqual([
        text,
        expect.stringContaining(message),
      ])
    expect(await people()).toEqual(before)
    for (const text of ['id,name,other\n1,x,y\n', ',id,name,\n0,1,x,\n']) {
      expect(await importText('csv', text, { ignoreUnknown: true })).toMatchObject({ inserted: 1, rejected: 0 })
      expect(await people()).toMatchObject([{ id: 1, name: 'x' }])
    }
  })

  test('bytes that are no UTF-8 are told by their line, wherever the file is read in pieces', async () => {
    const line = `1,${'x'.repeat(60)}\n`
    const wide = `1,${'é'.repeat(30)}a\n`
    for (const good of [line, wide]) {
      for (const lines of [0, 1, 4095, 4096, 4097, 5000]) {
        const file = Buffer.concat([
          Buffer.from(`id,name\n${good.repeat(lines)}`),
          Buffer.from([49, 44, 0xe9, 10]),
          Buffer.from(good.repeat(5000)),
        ])
        const { code, message } = await failure(() => importText('csv', file))
        expect([code, message]).toEqual(['file_unreadable', expect.stringContaining(`in line ${lines + 2})`)])
        expect(message).not.toContain('byte')
      }
    }
    const cut = Buffer.concat([Buffer.from('id,name\n1,x\n2,'), Buffer.from([0xc3])])
    expect((await failure(() => importText('csv', cut))).message).toContain('in line 3)')
  })

  test('a character that two pieces of the file share stays whole', async () => {
    const name = 'é'.repeat(200_000)
    for (const id of [1, 12]) {
      await importText('csv', `id,name\n${id},${name}\n`)
      expect((await people())[0]?.['name']).toBe(name)
    }
  })
})

describe('import from JSON', () => {
  test('a list, an object with a list in it, and one object a line are the same', async () => {
    const rows = [
      { id: 1, name: 'a', extra: { deep: ['[', '}"', { x: null }] } },
      { id: 2, name: 'b', age: '7', active: false },
    ]
    const forms: readonly (readonly [string, string])[] = [
      ['json', JSON.stringify(rows, null, 2)],
      ['json', JSON.stringify({ type: 'x', box: [1, [2]], rows, after: { more: [3] } })],
      ['ndjson', rows.map((row) => JSON.stringify(row)).join('\n')],
      ['jsonl', `\uFEFF${rows.map((row) => JSON.stringify(row)).join('\r\n\r\n')}\r\n`],
    ]
    for (const [ending, text] of forms) {
      expect(await importText(ending, text)).toMatchObject({ inserted: 2, rejected: 0 })
      expect((await people()).map(({ name, extra, age }) => ({ name, extra, age }))).toEqual([
        { name: 'a', extra: rows[0]?.extra, age: null },
        { name: 'b', extra: null, age: 7 },
      ])
    }
  })

  test('elements that are no records are rejected with their line', async () => {
    const result = await importText('json', '[\n{"id":1,"name":"a"},\n5,\n{"id":2,"name":"b",},\n{"id":3,"name":7}\n]')
    expect(rejectedOf(result)).toEqual([
      { line: 3, reason: 'is not an object', row: 5 },
      { line: 4, reason: 'is not valid JSON', row: '{"id":2,"name":"b",}' },
    ])
    expect((await people()).map((row) => row['name'])).toEqual(['a', '7'])
  })

  test('a file that is cut off or something else imports nothing', async () => {
    await importText('json', '[{"id":1,"name":"kept"}]')
    const cases: readonly [string, string][] = [
      ['[{"id":5,"name":"x"},{"id":6,', 'in the middle'],
      ['{"a":1}', 'no list of records'],
      ['{"a":1}\n{"a":2}', '--format ndjson'],
      ['{"a":[{"x":1}],"b":[{"x":2}]}', 'second list'],
      ['', 'empty'],
      ['hello', 'does not start'],
    ]
    for (const [text, message] of cases)
      expect([text, (await failure(() => importText('json', text))).message]).toEqual([
        text,
        expect.stringContaining(message),
      ])
    expect((await people()).map((row) => row['name'])).toEqual(['kept'])
  })

  test('the splitter gives the same records however the text is cut', () => {
    const element = fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 2 }))
    fc.assert(
      fc.property(
        fc.array(element, { maxLength: 5 }),
        fc.boolean(),
        fc.nat(2),
        fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 9 }),
        (rows, wrapped, space, cuts) => {
          const inObject = wrapped && rows.length > 0
          const text = JSON.stringify(inObject ? { before: [], rows } : rows, null, space)
          const splitter = new JsonSplitter()
          const found: Value[] = []
          for (let at = 0, turn = 0; at < text.length; turn += 1) {
            const end = at + (cuts[turn % cuts.length] ?? 1)
            found.push(...splitter.push(text.slice(at, end)).map((source): Value => JSON.parse(source.text)))
            at = end
          }
          splitter.end()
          expect(found).toEqual(JSON.parse(JSON.stringify(rows)))
        },
      ),
      { numRuns: 200 },
    )
  })
})

describe('whole numbers beyond 2^53', () => {
  test('go in digit by digit, from every kind of file', async () => {
    const record = '{"id":9007199254740993,"name":123456789012345678,"extra":{"n":[-9007199254740995]}}'
    const csv = 'id,name,extra\n9007199254740993,123456789012345678,"{""n"":[-9007199254740995]}"\n'
    for (const [ending, text] of [
      ['ndjson', record],
      ['json', `[${record}]`],
      ['csv', csv],
    ] as const) {
      expect(await importText(ending, text)).toMatchObject({ inserted: 1, rejected: 0 })
      expect(await people()).toMatchObject([
        { id: '9007199254740993', name: '123456789012345678', extra: { n: ['-9007199254740995'] } },
      ])
    }
    const tooBig = await importText('ndjson', '{"id":1,"name":"x","age":18446744073709551616}')
    expect(rejectedOf(tooBig)).toEqual([
      { line: 1, reason: expect.stringContaining('64 bits'), row: { id: 1, name: 'x', age: '18446744073709551616' } },
    ])
  })
})

describe('an import', () => {
  test('that rejects nothing takes the rejected records of an earlier one away', async () => {
    const file = fileOf('csv', 'id,name,age\n1,x,old\n')
    const first = await importRecords(store, { table: 'people', file, replace: true })
    expect(existsSync(`${file}.rejected.ndjson`)).toBe(true)
    writeFileSync(file, 'id,name,age\n1,x,30\n')
    const second = await importRecords(store, { table: 'people', file, replace: true })
    expect([first.rejected, second.rejected, second.rejectedFile]).toEqual([1, 0, null])
    expect(existsSync(`${file}.rejected.ndjson`)).toBe(false)
    expect(existsSync(file)).toBe(true)
  })

  test('adds to what is there unless it replaces it, and tells its progress', async () => {
    await importText('ndjson', '{"id":1,"name":"a"}')
    const seen: ImportProgress[] = []
    const text = '{"id":2,"name":"b"}\n{"id":3,"name":"c"}\n'
    expect(
      await importText('ndjson', text, { replace: false, onProgress: (progress) => seen.push(progress) }),
    ).toMatchObject({ inserted: 2 })
    expect(seen.at(-1)).toEqual({ rows: 2, bytesRead: text.length, bytesTotal: text.length })
    expect(await store.count('people')).toBe(3)
    await importText('ndjson', text)
    expect(await store.count('people')).toBe(2)
  })

  test('that is stopped leaves the table as it was', async () => {
    await importText('ndjson', '{"id":1,"name":"kept"}')
    const many = Array.from({ length: 20_000 }, (_, id) => JSON.stringify({ id, name: 'x'.repeat(50) })).join('\n')
    const stop = new AbortController()
    const running = importText('ndjson', many, { signal: stop.signal, onProgress: () => stop.abort() })
    await expect(running).rejects.toThrow(/abort/i)
    expect((await people()).map((row) => row['name'])).toEqual(['kept'])
    expect(await importText('ndjson', '{"id":2,"name":"free again"}')).toMatchObject({ inserted: 1 })
  })

  test('of a file that is not there, or of no known kind, says so', async () => {
    expect(
      (await failure(() => importRecords(store, { table: 'people', file: join(root, 'no.csv') }))).message,
    ).toContain('does not exist')
    expect((await failure(() => importText('xlsx', 'x'))).message).toContain('--format')
    expect((await failure(() => importRecords(store, { table: 'poeple', file: 'x.csv' }))).code).toBe('table_unknown')
    expect(existsSync(join(root, 'no.csv.rejected.ndjson'))).toBe(false)
  })
})

describe('a declaration from data', () => {
  test('finds types, keys, and codes that only look like numbers', async () => {
    const file = fileOf(
      'csv',
      'id,Zip Code,n,x,ok,at,mixed,none\n1,00501,5,1,true,2026-01-01,1,\n2,10001,-6,2.5,false,2026-01-02 10:00,a,\n',
    )
    const text = await declarationOf(file)
    expect(parse(text)).toEqual({
      columns: {
        id: { type: 'integer', primary: true },
        'Zip Code': { type: 'text' },
        n: { type: 'integer' },
        x: { type: 'number' },
        ok: { type: 'boolean' },
        at: { type: 'timestamp' },
        mixed: { type: 'text' },
        none: { type: 'text' },
      },
    })
    const table = declareTable('found', parse(text))
    const own = openSqliteStore({ folder: join(root, 'found') })
    expect(await own.declare([table])).toEqual([])
    expect(await importRecords(own, { table: 'found', file })).toMatchObject({ inserted: 2, rejected: 0 })
    expect(await own.get('found', 'id', 1)).toMatchObject({ 'Zip Code': '00501', ok: true })
    await own.close()
  })

  test('an id that is no key stays a column, and big and nested values keep their kind', async () => {
    const file = fileOf('ndjson', '{"id":1,"big":9007199254740993,"tags":["a"]}\n{"id":1,"big":5,"tags":null}\n')
    expect(parse(await declarationOf(file))).toEqual({
      columns: {
        record_id: { type: 'integer', primary: true },
        id: { type: 'integer' },
        big: { type: 'integer' },
        tags: { type: 'json' },
      },
    })
  })

  test('a column of whole numbers beyond 64 bits is text, so that none of them loses a digit', async () => {
    const rows = 'account,ratio,wide\n9007199254740993,1.5,0.5\n18446744073709551616,2,9007199254740993\n'
    const file = fileOf('csv', rows)
    const text = await declarationOf(file)
    expect(parse(text)).toEqual({
      columns: { account: { type: 'text' }, ratio: { type: 'number' }, wide: { type: 'text' } },
    })
    const own = openSqliteStore({ folder: join(root, 'wide') })
    await own.declare([declareTable('wide', parse(text))])
    await importRecords(own, { table: 'wide', file })
    const { rows: kept } = await own.page(queryOf({ table: 'wide' }), 'rows')
    expect(kept.map((row) => row['account'])).toEqual(['9007199254740993', '18446744073709551616'])
    await own.close()
  })
})
