import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { streamStoreContract } from '../testing/stream-store-contract.ts'
import { appendText, createText, textAfter } from '../testing/text-streams.ts'
import type { StreamStorage } from '../storage.ts'
import { StreamStore, type StreamStoreOptions } from '../stream-store.ts'
import { waitingStorage } from '../testing/waiting-storage.ts'
import { openSqliteStorage } from './storage.ts'
import { writeEarlierFile } from './testing/earlier-file.ts'

const stores: StreamStore[] = []
const folders: string[] = []

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'streamstack-streams-'))
  folders.push(folder)
  return folder
}

function open(
  options: Partial<StreamStoreOptions> = {},
  folder = newFolder(),
  wrap: (storage: StreamStorage) => StreamStorage = (storage) => storage,
): StreamStore {
  const onError = (error: unknown): void => expect.unreachable(String(error))
  const storage = wrap(openSqliteStorage(folder, options.onError ?? onError))
  const store = new StreamStore(storage, { maxAgeMs: null, maxBytes: null, onError, ...options })
  stores.push(store)
  return store
}

afterEach(async () => {
  for (const store of stores.splice(0)) await store.close()
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

/** Runs the contract. Tests without options share one store, because starting a thread for each would take most of the time. */
function contractOver(wrap?: (storage: StreamStorage) => StreamStorage): void {
  let shared: StreamStore | null = null
  const folder = mkdtempSync(join(tmpdir(), 'streamstack-streams-'))
  afterAll(async () => {
    await shared?.close()
    rmSync(folder, { recursive: true, force: true })
  })
  streamStoreContract((options) => {
    if (options !== undefined) return open(options, newFolder(), wrap)
    if (shared === null) {
      shared = open({}, folder, wrap)
      stores.pop()
    }
    return shared
  })
}

contractOver()

describe('with answers that come some turns late', () => contractOver(waitingStorage))

describe('what is on disk', () => {
  test('is the same after the store was closed and opened', async () => {
    const folder = newFolder()
    const first = open({}, folder)
    const producer = { id: 'p', epoch: 2, sequence: 0 }
    await first.create('kept', createText({ ttlSeconds: 3_600, data: Buffer.from('a') }))
    await first.append('kept', appendText('b', { producer, sequence: '5' }))
    await first.create('fork', createText({ contentType: null, fork: { from: 'kept', offset: null, subOffset: 0 } }))
    await first.append('fork', appendText('c', { close: true }))
    const { record } = await first.open('fork')
    await stores.pop()?.close()
    const second = open({}, folder)
    expect((await second.open('fork')).record).toEqual(record)
    expect(await textAfter(second, await second.open('fork'))).toBe('abc')
    expect(await second.append('kept', appendText('b', { producer }))).toMatchObject({ isDuplicate: true })
    expect(() => second.append('kept', appendText('x', { sequence: '4' }))).toThrow(
      expect.objectContaining({ code: 'sequence_conflict' }),
    )
    expect((await second.open('kept')).record.ttlSeconds).toBe(3_600)
  })

  test('holds every append that was told as kept, and no torn one, after kill -9', async () => {
    const folder = newFolder()
    let told = ''
    for (let round = 0; round < 3; round++) {
      const child = spawn(
        process.execPath,
        ['--conditions=streamstack-source', join(import.meta.dirname, 'testing/append-worker.ts'), folder],
        { stdio: ['ignore', 'pipe', 'inherit'] },
      )
      child.stdout.setEncoding('utf8').on('data', (text: string) => (told += text))
      const wanted = told.length + 2_000 + round * 3_000
      await expect.poll(() => told.length, { interval: 5 }).toBeGreaterThan(wanted)
      child.kill('SIGKILL')
      await new Promise((resolve) => child.on('close', resolve))
      const store = open({}, folder)
      const stream = await store.open('killed')
      const text = await textAfter(store, stream)
      await stores.pop()?.close()
      const numbers = text.split(';').slice(0, -1).map(Number)
      expect(numbers).toEqual(numbers.map((_, index) => index))
      const toldNumbers = told.split(';').slice(0, -1).map(Number)
      expect(Math.max(...toldNumbers)).toBeLessThan(numbers.length)
    }
  })

  test('belongs to one server at a time', async () => {
    const folder = newFolder()
    open({}, folder)
    expect(() => open({}, folder)).toThrow(expect.objectContaining({ code: 'storage_failed' }))
  })

  test('in the form of another version is refused', () => {
    const folder = newFolder()
    const file = join(folder, 'streams.sqlite')
    const database = new DatabaseSync(file)
    database.exec('PRAGMA user_version = 99')
    database.close()
    expect(() => open({}, folder)).toThrow(expect.objectContaining({ code: 'storage_failed' }))
  })
})

describe('a file of an earlier version', () => {
  const note = (owner: object | null): string =>
    JSON.stringify({ endpoint: 'a', route: 'GET /a', contentType: null, owner, call: null, startedAtMs: 1, end: null })
  const subject = 'ü"\\\n\u2028 😀'
  const files = [
    { name: '\u0001runs/1', note: note({ subject }), key: 'k' },
    { name: '\u0001runs/2', note: note(null) },
    { name: '\u0001runs/3', note: note({ subject: null }) },
    { name: '\u0001runs/4', note: note({ subject }) },
    { name: '\u0001channels/c', note: JSON.stringify({ base: 0, owner: { subject } }) },
    { name: 'plain' },
  ]
  const listed = async (store: StreamStore, owner: object | null): Promise<string[]> => {
    const among = { listedUnder: JSON.stringify(owner) }
    return (await store.noted({ prefix: '\u0001', before: null, among, limit: 10 })).map(({ name }) => name.slice(1))
  }

  async function expectAll(store: StreamStore): Promise<void> {
    for (const { name } of files) expect(await textAfter(store, await store.open(name))).toBe(name)
  }

  test('of runs with a note gets the lists of their owners, once', async () => {
    const folder = newFolder()
    writeEarlierFile(folder, 2, files)
    for (let round = 0; round < 2; round++) {
      const store = open({}, folder)
      await expectAll(store)
      expect((await store.withKey('k'))?.record.name).toBe('\u0001runs/1')
      expect(await listed(store, { subject })).toEqual(['runs/4', 'runs/1'])
      expect(await listed(store, null)).toEqual(['runs/2'])
      expect(await listed(store, { subject: null })).toEqual(['runs/3'])
      expect(await listed(store, { subject: 'someone' })).toEqual([])
      await stores.pop()?.close()
    }
  })

  test('without notes opens, and what it held is there', async () => {
    const folder = newFolder()
    writeEarlierFile(folder, 1, files)
    const store = open({}, folder)
    await expectAll(store)
    expect(await listed(store, null)).toEqual([])
  })

  test('that cannot be brought forward stays as it was', async () => {
    const folder = newFolder()
    writeEarlierFile(folder, 2, files)
    const database = new DatabaseSync(join(folder, 'streams.sqlite'))
    database.exec("CREATE TRIGGER fail BEFORE UPDATE ON streams BEGIN SELECT RAISE(ABORT, 'the disk is on fire'); END")
    expect(() => open({}, folder)).toThrow(expect.objectContaining({ code: 'storage_failed' }))
    database.exec('DROP TRIGGER fail')
    database.close()
    expect(await listed(open({}, folder), { subject })).toEqual(['runs/4', 'runs/1'])
  })
})

describe('a write that fails', () => {
  test('rejects the waiting appends, stops every later append, and leaves what was kept readable', async () => {
    const folder = newFolder()
    const store = open({}, folder)
    const { stream } = await store.create('broken', createText({ data: Buffer.from('kept') }))
    const other = new DatabaseSync(join(folder, 'streams.sqlite'), { timeout: 5_000 })
    await expect.poll(() => Number(other.prepare('SELECT count(*) AS count FROM journal').get()?.['count'])).toBe(0)
    other.exec("CREATE TRIGGER fail BEFORE INSERT ON journal BEGIN SELECT RAISE(ABORT, 'the disk is on fire'); END")
    const failed = [1, 2, 3].map(async () => store.append('broken', appendText('lost')))
    for (const append of failed) await expect(append).rejects.toMatchObject({ code: 'storage_failed', status: 503 })
    other.exec('DROP TRIGGER fail')
    other.close()
    expect(() => store.append('broken', appendText('later'))).toThrow(
      expect.objectContaining({ code: 'storage_failed' }),
    )
    expect(stream.visibleTail).toBe(1)
    expect(await textAfter(store, await store.open('broken'))).toBe('kept')
  })
})

describe('idle streams', () => {
  test('are forgotten in memory and found on disk', async () => {
    const store = open()
    const names = Array.from({ length: 5_000 }, (_, index) => `idle/${index}`)
    await Promise.all(names.map(async (name) => store.create(name, createText({ data: Buffer.from(name) }))))
    for (const name of ['idle/0', 'idle/2500', 'idle/4999'])
      expect(await textAfter(store, await store.open(name))).toBe(name)
    await store.append('idle/0', appendText('!'))
    expect(await textAfter(store, await store.open('idle/0'))).toBe('idle/0!')
  })
})
