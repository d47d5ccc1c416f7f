import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type StreamEnd, StreamstackError } from '@streamstack/protocol'
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest'
import { Stream } from '../stream/index.ts'
import { appendAll, readAll, shown, streamLogContract, text } from '../stream/testing/log-contract.ts'
import { FinishedLog } from './finished-log.ts'
import { MemoryStorage } from './memory/storage.ts'
import { openSqliteStorage } from './sqlite/storage.ts'
import { STORED_CONTENT_TYPE } from './stored-chunk.ts'
import { StoredLog } from './stored-log.ts'
import { StreamStore, type StreamStoreOptions } from './stream-store.ts'
import { HeldStorage } from './testing/held-storage.ts'

const COMPLETED: Omit<StreamEnd, 'offset'> = { outcome: 'completed', error: null }
const FULL = new StreamstackError('storage_full', 'The disk is full.')
const KILOBYTE = 'x'.repeat(1_000)

let count = 0

function newStore(storage: ConstructorParameters<typeof StreamStore>[0], options: Partial<StreamStoreOptions> = {}) {
  const onError = (error: unknown): void => expect.unreachable(String(error))
  return new StreamStore(storage, { maxAgeMs: null, maxBytes: null, onError, ...options })
}

/** A new log in a store, with what it told. */
function newLog(store: StreamStore, more: { recentBytes?: number } = {}) {
  const failures: StreamstackError[] = []
  const name = `log/${++count}`
  const { stream, kept } = store.createOwn(name, {
    contentType: STORED_CONTENT_TYPE,
    ttlSeconds: 3_600,
    key: null,
    note: '{"end":null}',
  })
  const log = new StoredLog({
    store,
    stream,
    created: kept,
    recentBytes: more.recentBytes ?? 524_288,
    atEnd: (end) => ({ note: JSON.stringify({ end }), ttlSeconds: 60 }),
    tell: (error) => error,
    onFailure: (error) => failures.push(error),
  })
  return { log, stream, name, failures }
}

const folder = mkdtempSync(join(tmpdir(), 'streamstack-logs-'))
const sqlite = newStore(openSqliteStorage(folder, (error) => expect.unreachable(String(error))))
afterAll(async () => {
  await sqlite.close()
  rmSync(folder, { recursive: true, force: true })
})

afterEach(() => void vi.useRealTimers())

describe('on SQLite', () => streamLogContract(() => newLog(sqlite).log))
describe('on SQLite, with almost nothing in memory', () =>
  streamLogContract(() => newLog(sqlite, { recentBytes: 1 }).log))
describe('in memory', () => {
  const store = newStore(new MemoryStorage(2_000_000_000))
  streamLogContract(() => newLog(store).log)
})

describe('before its commit', () => {
  test('no reader sees a chunk, whatever came after it', async () => {
    const storage = new HeldStorage()
    const store = newStore(storage)
    const { log, stream, name } = newLog(store)
    await storage.release()
    const heard: number[] = []
    log.onVisible = () => heard.push(log.lastOffset)
    for (let offset = 1; offset <= 6; offset++) {
      void log.append(text(String(offset)))
      if (offset % 2 === 0) await Promise.resolve()
    }
    const ended = log.finish(COMPLETED, text('7'))
    let isEnded = false
    void ended.then(() => (isEnded = true))
    expect(storage.heldWrites).toBe(4)
    for (const offset of [0, 2, 4, 6]) {
      expect(log.lastOffset).toBe(offset)
      expect((await readAll(log)).map(({ data }) => data)).toEqual([1, 2, 3, 4, 5, 6].slice(0, offset).map(String))
      expect(stream.visibleTail).toBe(offset)
      expect((await store.find(name))?.isVisiblyClosed).toBe(false)
      expect(isEnded).toBe(false)
      await storage.release(1)
    }
    await ended
    expect(log.lastOffset).toBe(7)
    expect(heard).toEqual([2, 4, 6, 7])
    // The end is kept with the last chunk, and counts as none.
    expect([stream.visibleTail, stream.isVisiblyClosed]).toEqual([8, true])
    expect(JSON.parse(stream.record.note ?? '')).toEqual({ end: COMPLETED })
    expect(stream.record.ttlSeconds).toBe(60)
    const found = await readAll(new FinishedLog(store, stream))
    expect(found.map(({ data }) => data)).toEqual(['1', '2', '3', '4', '5', '6', '7'])
  })

  test('a stream and its first chunks are one write when they come together', async () => {
    const storage = new HeldStorage()
    const { log } = newLog(newStore(storage))
    void log.append(text('first'))
    await Promise.resolve()
    expect(storage.heldWrites).toBe(2)
    await storage.release()
    expect(await readAll(log)).toEqual([{ offset: 1, ...text('first') }])
  })

  test('the producer waits when a megabyte is on its way, and goes on when it is kept', async () => {
    const storage = new HeldStorage()
    const { log } = newLog(newStore(storage))
    let waiting: void | Promise<void> = undefined
    for (let chunks = 0; waiting === undefined; chunks++) {
      expect(chunks).toBeLessThan(1_100)
      waiting = log.append(text(KILOBYTE))
    }
    expect(log.bytesHeld).toBeLessThan(1_100_000)
    let isFree = false
    void waiting.then(() => (isFree = true))
    await new Promise((resolve) => setImmediate(resolve))
    expect(isFree).toBe(false)
    await storage.release()
    await waiting
    expect(log.lastOffset).toBeGreaterThan(900)
  })
})

describe('what could not be kept', () => {
  test('is never seen: the producer is told, once, and the stream was left before its end', async () => {
    const storage = new HeldStorage()
    const { log, failures } = newLog(newStore(storage))
    const stream = new Stream({ log, whenUnread: 'drop', unreadBytesMax: 1_000_000 })
    void stream.append(text('kept'))
    await Promise.resolve()
    await storage.release()
    void stream.append(text('lost'))
    await Promise.resolve()
    void stream.append(text('lost, too'))
    await Promise.resolve()
    await storage.fail(FULL)
    expect(failures).toEqual([FULL])
    expect(() => stream.append(text('late'))).toThrow(FULL)
    stream.finish(COMPLETED, text('last'))
    await expect
      .poll(() => stream.end)
      .toEqual({
        outcome: 'abandoned',
        offset: 1,
        error: { code: 'storage_full', message: 'The disk is full.', recoverable: true, retry_after: 1 },
      })
    expect((await readAll(log)).map(({ data }) => data)).toEqual(['kept'])
    expect(log.bytesHeld).toBeLessThan(200)
    expect(storage.heldWrites).toBe(0)
  })

  test('is told also when only the end is lost', async () => {
    const storage = new HeldStorage()
    const { log, stream, failures } = newLog(newStore(storage))
    const over = new Stream({ log, whenUnread: 'drop', unreadBytesMax: 1_000_000 })
    void over.append(text('a'))
    await Promise.resolve()
    await storage.release()
    over.finish(COMPLETED, null)
    await storage.fail(new StreamstackError('storage_failed', 'broken'))
    await expect.poll(() => over.end?.outcome).toBe('abandoned')
    expect(failures).toHaveLength(1)
    expect(stream.isVisiblyClosed).toBe(false)
    expect(stream.isIdle).toBe(true)
  })

  test('is told when not even the stream could be made, before anything was sent', async () => {
    const storage = new HeldStorage()
    const { log, failures } = newLog(newStore(storage))
    await storage.fail(FULL)
    expect(failures).toEqual([FULL])
    expect(() => log.append(text('a'))).toThrow(FULL)
    await expect(log.finish(COMPLETED, null)).rejects.toBe(FULL)
    expect(await readAll(log)).toEqual([])
  })

  test('lets a producer go that waits', async () => {
    const storage = new HeldStorage()
    const { log } = newLog(newStore(storage))
    const waiting = log.append(text('x'.repeat(1_100_000)))
    await Promise.resolve()
    await storage.fail(FULL)
    await waiting
  })
})

describe('a disk that is behind', () => {
  test('is tried again, and gets everything in order', async () => {
    const storage = new HeldStorage()
    const { log, failures } = newLog(newStore(storage))
    await storage.release()
    storage.isBehind = true
    for (let offset = 1; offset <= 500; offset++) {
      void log.append(text(String(offset)))
      if (offset % 10 === 0) await Promise.resolve()
    }
    const ended = log.finish(COMPLETED, text('501'))
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(storage.heldWrites).toBe(0)
    storage.isBehind = false
    await expect.poll(() => storage.heldWrites).toBe(1)
    await storage.release()
    await ended
    expect((await readAll(log)).map(({ data }) => Number(data))).toEqual(Array.from({ length: 501 }, (_, i) => i + 1))
    expect(failures).toEqual([])
  })

  test('for half a minute ends the stream', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'performance'] })
    const storage = new HeldStorage()
    const { log, failures } = newLog(newStore(storage))
    await storage.release()
    storage.isBehind = true
    void log.append(text('a'))
    await vi.advanceTimersByTimeAsync(29_000)
    expect(failures).toEqual([])
    await vi.advanceTimersByTimeAsync(2_000)
    expect(failures.map(({ code }) => code)).toEqual(['unavailable'])
    expect(() => log.append(text('b'))).toThrow(expect.objectContaining({ code: 'unavailable' }))
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('on disk', () => {
  test('readers that are behind get what is no longer in memory, and join the newest without a seam', async () => {
    const { log, stream } = newLog(sqlite, { recentBytes: 20_000 })
    const chunks = Array.from({ length: 3_000 }, (_, index) => text(`${index + 1} ${'y'.repeat(index % 90)}`))
    await appendAll(log, chunks)
    await shown(log, 3_000)
    expect(log.bytesHeld).toBeLessThan(40_000)
    const found = await readAll(log)
    expect(found).toEqual(chunks.map((chunk, index) => ({ offset: index + 1, ...chunk })))
    await log.finish(COMPLETED, null)
    expect(await readAll(new FinishedLog(sqlite, stream), 1_234)).toEqual(found.slice(1_234))
  })

  test('what retention took is gone by name: the log says where it begins now', async () => {
    const store = trimmed()
    const { log, stream } = newLog(store, { recentBytes: 1 })
    await appendAll(
      log,
      Array.from({ length: 200 }, () => text(KILOBYTE)),
    )
    await log.finish(COMPLETED, null)
    expect(log.droppedOffset).toBeGreaterThan(100)
    expect(() => log.read(log.droppedOffset - 1)).toThrow(
      expect.objectContaining({ code: 'offset_expired', status: 410 }),
    )
    const found = await readAll(log, log.droppedOffset)
    expect(found).toHaveLength(200 - log.droppedOffset)
    const finished = new FinishedLog(store, stream)
    expect([finished.lastOffset, finished.droppedOffset]).toEqual([200, log.droppedOffset])
  })

  test('what is still in memory can be read although it is gone from the disk', async () => {
    const { log } = newLog(trimmed(), { recentBytes: 500_000 })
    await appendAll(
      log,
      Array.from({ length: 200 }, () => text(KILOBYTE)),
    )
    await shown(log, 200)
    expect(log.droppedOffset).toBe(0)
    expect(await readAll(log)).toHaveLength(200)
  })

  function trimmed(): StreamStore {
    return newStore(new MemoryStorage(10_000_000), { maxBytes: 50_000 })
  }

  test('what cannot be read is told as such, and its cause to the log of the server', async () => {
    class Broken extends MemoryStorage {
      override read(): never {
        throw new Error('disk I/O error')
      }
    }
    const told: unknown[] = []
    const { log } = newLog(newStore(new Broken(10_000_000), { onError: (error) => told.push(error) }), {
      recentBytes: 1,
    })
    await appendAll(
      log,
      Array.from({ length: 300 }, () => text('a')),
    )
    await shown(log, 300)
    expect(() => log.read(0)).toThrow(expect.objectContaining({ code: 'storage_failed' }))
    expect(String(told)).toContain('disk I/O error')
  })
})
