import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { collectGarbage } from '@streamstack/test-support/collect-garbage'
import { ANONYMOUS } from '../access/index.ts'
import { TestChannels } from './testing/test-channels.ts'

beforeEach(() => vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'setTimeout', 'clearTimeout'] }))
afterEach(() => vi.useRealTimers())

/** What is held, collected. */
function heapBytes(): number {
  collectGarbage()
  return process.memoryUsage().heapUsed
}

const rooms = { room: 'channel: rooms/{room}\npublish: true\nsubscribe: true\npresence: true\nhistory: false' }

test.each([1, 2, 1_000])('the timer lets %i idle channels go, and the next use opens them again', async (count) => {
  const test = new TestChannels(rooms)
  const { channels } = test
  const message = { content: 'x', metadata: null, key: null }
  for (let round = 0; round < 2; round++) {
    for (let n = 0; n < count; n++) await channels.publish(`rooms/${n}`, ANONYMOUS, message)
    expect(channels.openCount).toBe(count)
    test.nowMs += 3_600_000
    // What a timer throws ends the process.
    for (let tick = 0; tick < 40; tick++) expect(() => vi.advanceTimersByTime(1_000)).not.toThrow()
    expect(channels.openCount).toBe(0)
  }
  expect(test.warnings).toEqual([])
  await test.close()
})

test('a member whose data changes all the time is told of once a second, and last as it is', async () => {
  const test = new TestChannels(rooms)
  const { channels } = test
  const view = channels.presence('rooms/1', ANONYMOUS)
  const reader = { position: 0, wake: () => undefined }
  view.attach(reader)
  for (let n = 0; n < 500; n++) channels.enter('rooms/1', { sub: 'ada' } as never, { connection: 'c', data: { n } })
  const told = (): string[] => {
    const found: string[] = []
    for (let at = 0; ;) {
      const batch = view.stream.log.read(at)
      if (batch === null || batch instanceof Promise) return found
      found.push(...batch.chunks.slice(batch.from, batch.to).map(({ data }) => data))
      at = batch.offset + batch.to - batch.from - 1
    }
  }
  expect(told().length).toBeLessThanOrEqual(3)
  vi.advanceTimersByTime(1_000)
  expect(told().length).toBeLessThanOrEqual(4)
  expect(told().at(-1)).toContain('"event":"update"')
  expect(told().at(-1)).toContain('{"n":499}')
  view.detach(reader)
  await test.close()
})

test('members that come and go leave nothing in memory, however long a reader watches', async () => {
  const test = new TestChannels(rooms)
  const { channels } = test
  const view = channels.presence('rooms/1', ANONYMOUS)
  const reader = { position: 0, wake: () => undefined }
  view.attach(reader)
  const data = 'x'.repeat(2_000)
  const comeAndGo = (count: number): void => {
    for (let n = 0; n < count; n++) {
      channels.enter('rooms/1', ANONYMOUS, { connection: String(n), data })()
      vi.advanceTimersByTime(1)
    }
  }
  comeAndGo(200)
  const before = heapBytes()
  comeAndGo(10_000)
  // Each of them was told twice, 40 MB in all.
  expect(heapBytes() - before).toBeLessThan(8_000_000)
  const late = channels.presence('rooms/1', ANONYMOUS)
  late.attach(reader)
  expect(channels.members('rooms/1', ANONYMOUS)).toEqual([])
  late.detach(reader)
  view.detach(reader)
  await test.close()
})

test('members show no more data together than a bound, and further members are refused', async () => {
  const test = new TestChannels(rooms)
  const { channels } = test
  const data = 'x'.repeat(4_000)
  let refused: unknown = null
  let entered = 0
  for (; entered < 2_000 && refused === null; entered++) {
    try {
      channels.enter('rooms/1', ANONYMOUS, { connection: String(entered), data })
    } catch (error) {
      refused = error
    }
  }
  expect(refused).toMatchObject({ code: 'channel_full' })
  expect(entered).toBeGreaterThan(500)
  expect(entered).toBeLessThan(1_100)
  await test.close()
})

test('idle channels without publishers are evicted before those in use', async () => {
  const test = new TestChannels(rooms, { maxOpen: 100 })
  const { channels } = test
  const message = { content: 'x', metadata: null, key: null }
  await channels.publish('rooms/used', ANONYMOUS, message)
  const reader = { position: 0, wake: () => undefined }
  const followed = await channels.subscribe('rooms/followed', ANONYMOUS)
  followed.attach(reader)
  for (let n = 0; n < 98; n++) await channels.subscribe(`rooms/looked-at-${n}`, ANONYMOUS)
  expect(channels.openCount).toBe(100)
  const { offset } = await channels.publish('rooms/new', ANONYMOUS, message)
  expect(channels.openCount).toBe(3)
  const before = followed.stream.lastOffset
  await channels.publish('rooms/followed', ANONYMOUS, message)
  expect(followed.stream.lastOffset).toBe(before + 1)
  expect(offset).toBeGreaterThan(0)
  followed.detach(reader)
  await test.close()
})
