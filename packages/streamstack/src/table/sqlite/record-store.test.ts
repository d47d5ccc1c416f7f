import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Value } from '@streamstack/protocol'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { failure, queryOf, recordStoreContract } from '../testing/record-store-contract.ts'
import { declareTable } from '../testing/declare-table.ts'
import { WaitingRecordStore } from '../testing/waiting-record-store.ts'
import { filterFromValue, parseOrder } from '../index.ts'
import { type SqliteStoreOptions, openSqliteStore } from './record-store.ts'
import type { Query, RecordStore, TableDeclaration } from '../index.ts'

const root = mkdtempSync(join(tmpdir(), 'records-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

let folders = 0
function newFolder(): string {
  folders += 1
  return join(root, `data-${folders}`, 'deep')
}

recordStoreContract('sqlite', () => openSqliteStore({ folder: newFolder() }))
recordStoreContract(
  'sqlite, each answer some turns late',
  () => new WaitingRecordStore(openSqliteStore({ folder: newFolder() })),
)

const big = declareTable('big', { columns: { n: 'integer', label: 'text', wide: 'json' }, indexes: [['n']] })
async function fill(store: RecordStore, rows: number): Promise<void> {
  const loader = await store.load('big', { replace: true, onRejected: () => {} })
  for (let at = 0; at < rows; at += 1) loader.add([undefined, at % 1000, `label ${at % 10}`, '{"a":[1,2]}'], at)
  await loader.commit()
}

describe('sqlite store', () => {
  const open: RecordStore[] = []
  afterEach(async () => {
    for (const store of open.splice(0)) await store.close()
  })
  const storeOf = (tables: readonly TableDeclaration[], options: Partial<SqliteStoreOptions> = {}): RecordStore => {
    const store = openSqliteStore({ folder: newFolder(), ...options })
    open.push(store)
    expect(store.declare(tables)).toEqual([])
    return store
  }
  test('reads by an index at once, and what must search or sort a large table in another thread', async () => {
    const store = storeOf([big])
    await fill(store, 20_000)
    const quick = [
      queryOf({ table: 'big', limit: 100 }),
      queryOf({ table: 'big', limit: 100, order: parseOrder('n desc') }),
      queryOf({ table: 'big', limit: 100, where: filterFromValue({ n: 5 }) }),
      queryOf({ table: 'big', limit: 100, after: { keys: [15_000] } }),
      queryOf({ table: 'big', limit: 100, order: parseOrder('n'), after: { keys: [500, 3] } }),
    ]
    for (const query of quick) expect(store.page(query, 'json')).not.toBeInstanceOf(Promise)
    const slow = [
      queryOf({ table: 'big', limit: 100, where: filterFromValue({ label: 'label 3' }) }),
      queryOf({ table: 'big', limit: 100, order: parseOrder('label') }),
      queryOf({ table: 'big', limit: 100, offset: 15_000 }),
      queryOf({ table: 'big', where: filterFromValue({ n: { gt: 10 } }) }),
    ]
    for (const query of slow) {
      const [rows, json] = [store.page(query, 'rows'), store.page(query, 'json')]
      expect(rows).toBeInstanceOf(Promise)
      expect(JSON.parse((await json).json)).toEqual((await rows).rows)
      expect((await rows).length).toBeGreaterThan(99)
      expect((await rows).mark).toEqual((await json).mark)
    }
    const labels = (
      await store.page(queryOf({ table: 'big', limit: 100, where: filterFromValue({ label: 'label 3' }) }), 'rows')
    ).rows
    expect(new Set(labels.map((row) => row['label']))).toEqual(new Set(['label 3']))
    expect(await store.count('big', filterFromValue("label === 'label 3'"))).toBe(2000)
  })

  test('looks through much text in another thread, however few the records, and not through any amount of it', async () => {
    const texts = declareTable('texts', { columns: { body: 'text' } })
    const store = storeOf([texts])
    const query = (where: Value): Query => queryOf({ table: 'texts', where: filterFromValue(where), columns: ['id'] })
    await store.addMany(
      'texts',
      Array.from({ length: 300 }, (_, at) => ({ body: at === 7 ? `${'a'.repeat(600)}b` : 'a'.repeat(600) })),
    )
    const hostile = { body: { ilike: `%${'a'.repeat(500)}b%` } }
    for (const where of [hostile, { not: hostile }]) {
      const page = store.page(query(where), 'rows')
      expect(page).toBeInstanceOf(Promise)
      expect((await page).length).toBe(where === hostile ? 1 : 299)
      expect(await store.count('texts', filterFromValue(where))).toBe(where === hostile ? 1 : 299)
    }
    expect(store.page(query({ body: { contains: 'ab' } }), 'rows')).not.toBeInstanceOf(Promise)
    await store.add('texts', { body: 'a'.repeat(16_000_000) })
    expect(store.page(query({ body: { contains: 'ab' } }), 'json')).toBeInstanceOf(Promise)
    expect(await failure(() => store.page(query({ body: { ilike: '_'.repeat(1000) } }), 'json'))).toMatchObject({
      code: 'limit_exceeded',
      message: expect.stringContaining('Narrow it'),
    })
  })

  test('pages of a search in another thread follow one another', async () => {
    const store = storeOf([big])
    await fill(store, 8000)
    const base = queryOf({ table: 'big', order: parseOrder('label desc, n'), limit: 1500 })
    const all = (await store.page({ ...base, limit: null }, 'rows')).rows
    const first = await store.page(base, 'rows')
    const second = await store.page({ ...base, after: first.mark }, 'json')
    expect([...first.rows, ...JSON.parse(second.json)]).toEqual(all.slice(0, 3000))
  })

  test('a page without a limit is bounded in records and in bytes, and says how to read on', async () => {
    const store = storeOf([big], { recordsMax: 6000, pageBytesMax: 300_000 })
    await fill(store, 5999)
    expect((await store.page(queryOf({ table: 'big', columns: ['n'] }), 'json')).length).toBe(5999)
    expect(await failure(() => store.page(queryOf({ table: 'big' }), 'rows'))).toMatchObject({
      code: 'query_invalid',
      message: expect.stringContaining('MiB'),
    })
    await fill(store, 6001)
    const refused = await failure(() => store.page(queryOf({ table: 'big', columns: ['n'] }), 'rows'))
    expect(refused).toMatchObject({ code: 'query_invalid', message: expect.stringContaining('While Loop') })
    expect((await store.page(queryOf({ table: 'big', limit: 10 }), 'rows')).length).toBe(10)
  })

  test('agrees with another process on which columns are text, also once all their records are replaced', async () => {
    const folder = newFolder()
    const [one, other] = [storeOf([big], { folder }), storeOf([big], { folder })]
    const rows = async (store: RecordStore): Promise<readonly unknown[]> =>
      (await store.page(queryOf({ table: 'big', columns: ['id', 'n'] }), 'rows')).rows
    await one.add('big', { n: 5 })
    expect(await rows(other)).toEqual([{ id: 1, n: 5 }])
    await expect((async () => one.addMany('big', [{ n: '9007199254740993' }, { n: 1, label: 7 }]))()).rejects.toThrow()
    expect(await rows(one)).toEqual([{ id: 1, n: 5 }])
    await one.add('big', { n: '9007199254740993' })
    const text = [
      { id: 1, n: '5' },
      { id: 2, n: '9007199254740993' },
    ]
    expect([await rows(one), await rows(other)]).toEqual([text, text])
    const json = await other.page(queryOf({ table: 'big', columns: ['id', 'n'] }), 'json')
    expect(JSON.parse(json.json)).toEqual(text)
    const searched = filterFromValue({ label: { is_null: true } })
    expect((await other.page(queryOf({ table: 'big', columns: ['id', 'n'], where: searched }), 'rows')).rows).toEqual(
      text,
    )
    const loader = await one.load('big', { replace: true, onRejected: () => {} })
    loader.add([undefined, 7, null, null], 0)
    await loader.commit()
    expect([await rows(one), await rows(other)]).toEqual([[{ id: 3, n: 7 }], [{ id: 3, n: 7 }]])
  })

  test('an empty table takes another declaration, and gives no key twice for it', async () => {
    const folder = newFolder()
    const first = storeOf([declareTable('items', { columns: { name: 'integer', old: 'text' } })], { folder })
    await first.add('items', { name: 1 })
    await first.remove('items', 'id', 1)
    const second = storeOf([declareTable('items', { columns: { name: 'text', at: 'timestamp' } })], { folder })
    expect(await second.add('items', { name: 'a' })).toEqual({ id: 2, name: 'a', at: null })
    await second.remove('items', 'id', 2)
    const keyed = declareTable('items', { columns: { name: { type: 'text', primary: true } } })
    expect(await storeOf([keyed], { folder }).add('items', { name: 'b' })).toEqual({ name: 'b' })
  })

  test('takes over the list of an earlier version, which named tables alone', async () => {
    const folder = newFolder()
    await storeOf([big], { folder }).add('big', { n: '9007199254740993' })
    const file = new DatabaseSync(join(folder, 'records.sqlite'))
    file.exec(
      `DROP TABLE streamstack_wide_columns; CREATE TABLE streamstack_wide (table_name TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
       INSERT INTO streamstack_wide VALUES ('big')`,
    )
    file.close()
    const { rows } = await storeOf([big], { folder }).page(queryOf({ table: 'big', columns: ['id', 'n'] }), 'rows')
    expect(rows).toEqual([{ id: 1, n: '9007199254740993' }])
  })

  test('closing ends reads in other threads with an error, not silence', async () => {
    const store = storeOf([big])
    await fill(store, 20_000)
    const reading = failure(() => store.page(queryOf({ table: 'big', order: parseOrder('label') }), 'rows'))
    await store.close()
    expect((await reading).code).toBe('storage_failed')
  })

  test('keeps records over restarts and takes new columns, tables and indexes', async () => {
    const folder = newFolder()
    const first = storeOf([declareTable('items', { columns: { name: 'text' } })], { folder })
    await first.add('items', { name: 'a' })
    await first.close()
    const grown = {
      columns: {
        name: { type: 'text', unique: true },
        size: { type: 'integer', default: 5, required: true },
        at: { type: 'timestamp', default: 'now' },
        key: { type: 'uuid', default: 'random' },
      },
    }
    const second = storeOf([declareTable('items', grown), declareTable('more', { columns: { x: 'text' } })], { folder })
    const item = await second.get('items', 'name', 'a')
    expect(item).toMatchObject({ id: 1, name: 'a', size: 5, key: expect.stringMatching(/^[0-9a-f-]{36}$/) })
    expect(item?.['at']).toMatch(/^\d{4}-\d\d-\d\dT/)
    expect((await failure(() => second.add('items', { name: 'a' }))).code).toBe('record_conflict')
  })

  test('a declaration that does not fit what is stored is an issue, and loses nothing', async () => {
    const folder = newFolder()
    const first = storeOf(
      [
        declareTable('items', { columns: { name: 'text', size: 'integer' } }),
        declareTable('fine', { columns: { x: 'text' } }),
      ],
      { folder },
    )
    await first.addMany('items', [
      { name: 'a', size: 1 },
      { name: 'a', size: 2 },
    ])
    await first.close()
    const store = openSqliteStore({ folder })
    open.push(store)
    const fine = declareTable('fine', { columns: { x: 'text' } })
    const wrong: readonly [TableDeclaration, string][] = [
      [
        declareTable('items', { columns: { name: 'text', size: 'boolean' } }),
        'stored as integer and declared as boolean',
      ],
      [
        declareTable('items', { columns: { name: 'text', size: 'integer', must: { type: 'text', required: true } } }),
        'needs a `default`',
      ],
      [
        declareTable('items', { columns: { name: { type: 'text', unique: true }, size: 'integer' } }),
        'cannot become unique',
      ],
      [
        declareTable('items', { columns: { name: { type: 'text', primary: true }, size: 'integer' } }),
        'primary column',
      ],
    ]
    for (const [table, message] of wrong) {
      const issues = (await store.declare([table, fine])).filter((issue) => issue.severity === 'error')
      expect(issues[0]?.message).toContain(message)
      expect((await failure(() => store.table('items'))).message).toContain(message)
      expect(store.table('fine').name).toBe('fine')
    }
    const [warning] = await store.declare([declareTable('items', { columns: { name: 'text' } })])
    expect(warning).toMatchObject({ severity: 'warning', message: expect.stringContaining('"size"') })
    expect(await store.declare([declareTable('items', { columns: { name: 'text', size: 'integer' } })])).toEqual([])
    expect((await store.page(queryOf({ table: 'items', columns: ['size'] }), 'rows')).rows).toEqual([
      { size: 1 },
      { size: 2 },
    ])
  })

  test('two stores on one folder see each other, and a write waits for a long load without blocking', async () => {
    const folder = newFolder()
    const items = declareTable('items', { columns: { name: 'text' } })
    const [one, two] = [storeOf([items], { folder }), storeOf([items], { folder })]
    await one.add('items', { name: 'a' })
    expect(await two.count('items')).toBe(1)
    const loader = await two.load('items', { replace: false, onRejected: () => {} })
    loader.add([undefined, 'loaded'], 0)
    await loader.flush()
    const waiting = one.add('items', { name: 'b' })
    expect(waiting).toBeInstanceOf(Promise)
    expect(await one.count('items')).toBe(1)
    await loader.commit()
    expect(await waiting).toMatchObject({ name: 'b' })
    expect(await two.count('items')).toBe(3)
  })

  test('an unusable data folder or file is named with its cure, without a path', async () => {
    const file = join(root, 'a-file')
    writeFileSync(file, 'x')
    const blocked = await failure(() => openSqliteStore({ folder: join(file, 'data') }))
    expect(blocked).toMatchObject({ code: 'storage_failed', message: expect.stringContaining('--data') })
    const folder = newFolder()
    await openSqliteStore({ folder }).close()
    rmSync(join(folder, 'records.sqlite'), { force: true })
    writeFileSync(
      join(folder, 'records.sqlite'),
      'this is no database, it is a text that is long enough to be read as one'.repeat(20),
    )
    const broken = await failure(() => openSqliteStore({ folder }).declare([]))
    expect(broken).toMatchObject({ code: 'storage_failed', message: expect.stringContaining('no database') })
    for (const { message } of [blocked, broken]) expect(message).not.toContain(root)
  })

  test('a process that only opened, read and closed ends by itself', () => {
    const folder = newFolder()
    const script = `
      const { openSqliteStore } = await import(${JSON.stringify(join(import.meta.dirname, 'record-store.ts'))})
      const store = openSqliteStore({ folder: ${JSON.stringify(folder)} })
      await store.declare([])
      await store.close()
      console.log('closed')`
    const out = execFileSync(process.execPath, ['--conditions=source', '--input-type=module', '-e', script], {
      encoding: 'utf8',
    })
    expect(out).toBe('closed\n')
    expect(existsSync(join(folder, 'records.sqlite'))).toBe(true)
  })
})
