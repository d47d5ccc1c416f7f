import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ANONYMOUS } from '../access/index.ts'
import type { Caller } from '../access/index.ts'
import { TestChannels, standing, textsOf } from './testing/test-channels.ts'

const MEGABYTE = 1_048_576
const files = {
  room: 'channel: rooms/{room}\npublish: true\nsubscribe: true\npresence: true\nhistory: { count: 1000 }',
  news: 'publish: true\nsubscribe: true\nhistory: { count: 10 }',
}

const caller = (subject: string): Caller => ({ ...ANONYMOUS, kind: 'token', subject })
const message = (content: string) => ({ content, metadata: null, key: null })
const large = message('x'.repeat(60_000))

describe('channels of one caller', () => {
  test('that fill the memory evict one another, the longest unused first, and no other channel', async () => {
    const test = new TestChannels(files, { memoryBytes: 4 * MEGABYTE })
    const { channels } = test
    await channels.publish('rooms/of-ada', caller('ada'), message('kept'))
    await channels.publish('news', caller('bob'), message('Rain'))
    for (let room = 0; room < 500; room++) {
      await channels.publish(`rooms/${room}`, caller('mallory'), large)
      expect(channels.bytesHeld).toBeLessThan(4 * MEGABYTE)
    }
    expect(test.evictions).toBeGreaterThan(400)
    expect(await textsOf(channels.subscribe('rooms/499', ANONYMOUS))).toHaveLength(1)
    expect(await textsOf(channels.subscribe('rooms/0', ANONYMOUS))).toEqual([])
    expect(await textsOf(channels.subscribe('rooms/of-ada', ANONYMOUS))).toEqual(['kept'])
    expect(await textsOf(channels.subscribe('news', ANONYMOUS))).toEqual(['Rain'])
    await channels.publish('news', caller('bob'), message('Sun'))
    await test.close()
  })

  test('that are all being read are not pushed out: their caller alone is refused', async () => {
    const test = new TestChannels(files, { memoryBytes: 4 * MEGABYTE, maxOpen: 1_000 })
    const { channels } = test
    let refused: unknown = null
    for (let room = 0; room < 200 && refused === null; room++) {
      try {
        standing(await channels.subscribe(`rooms/${room}`, caller('mallory')))
        await channels.publish(`rooms/${room}`, caller('mallory'), large)
      } catch (error) {
        refused = error
      }
    }
    expect(refused).toMatchObject({ code: 'storage_full' })
    expect(test.evictions).toBe(0)
    await channels.publish('rooms/of-ada', caller('ada'), large)
    await channels.publish('news', caller('bob'), large)
    await test.close()
  })

  test('are no more than half of all that may be open', async () => {
    const test = new TestChannels(files, { maxOpen: 20 })
    const { channels } = test
    for (let room = 0; room < 10; room++) standing(await channels.subscribe(`rooms/${room}`, caller('mallory')))
    expect(() => channels.subscribe('rooms/one-more', caller('mallory'))).toThrow('as many channels in use as one may')
    standing(await channels.subscribe('rooms/of-ada', caller('ada')))
    await test.close()
  })
})

test('channels of one declaration leave room for those of others, for every publisher', async () => {
  const test = new TestChannels(files, { memoryBytes: 4 * MEGABYTE })
  const { channels } = test
  for (let room = 0; room < 300; room++) await channels.serverPublish(`rooms/${room}`, large)
  expect(channels.bytesHeld).toBeLessThan(3.2 * MEGABYTE)
  await channels.serverPublish('news', large)
  expect(await textsOf(channels.subscribe('news', ANONYMOUS))).toHaveLength(1)
  await test.close()
})

test('members of one caller show no more than their part, and the rest is for others', async () => {
  const test = new TestChannels(files, { memoryBytes: 4 * MEGABYTE })
  const { channels } = test
  const data = 'x'.repeat(4_000)
  const enter = (who: string, room: number): (() => void) =>
    channels.enter(`rooms/${room}`, caller(who), { connection: `${who} ${room}`, data })
  const leave: (() => void)[] = []
  expect(() => {
    for (let room = 0; room < 1_000; room++) leave.push(enter('mallory', room))
  }).toThrow('show as much data as they may')
  expect(leave.length).toBeGreaterThan(80)
  enter('ada', 1)
  for (const one of leave) one()
  for (let room = 2_000; room < 2_080; room++) enter('mallory', room)
  await test.close()
})

test('what is counted is what is open, whatever is published, read, left and tidied', async () => {
  const act = fc.record({
    act: fc.constantFrom('publish', 'read', 'leave', 'tidy', 'wait'),
    who: fc.constantFrom('a', 'b', 'c'),
    room: fc.nat(12),
    length: fc.integer({ min: 1, max: 60_000 }),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(act, { maxLength: 120 }), async (acts) => {
      const test = new TestChannels(files, { memoryBytes: MEGABYTE, maxOpen: 10 })
      const { channels } = test
      const readers: (() => void)[] = []
      for (const { act: name, who, room, length } of acts) {
        try {
          if (name === 'publish') await channels.publish(`rooms/${room}`, caller(who), message('x'.repeat(length)))
          else if (name === 'read') {
            const source = await channels.subscribe(`rooms/${room}`, caller(who))
            const reader = standing(source)
            readers.push(() => source.detach(reader))
          } else if (name === 'leave') readers.shift()?.()
          else if (name === 'tidy') channels.tidy()
          else test.nowMs += 300_000
        } catch (error) {
          expect(['channel_full', 'storage_full']).toContain((error as { code: string }).code)
        }
        expect(channels.openCount).toBeLessThanOrEqual(10)
        expect(channels.bytesHeld).toBeLessThan(MEGABYTE + 130_000)
      }
      for (const leave of readers) leave()
      // Nothing is in use any more: all callers have room again.
      await channels.publish('news', caller('d'), message('Rain'))
      await test.close()
    }),
    { numRuns: 40 },
  )
})
