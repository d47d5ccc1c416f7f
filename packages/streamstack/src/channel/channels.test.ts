import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Value } from '@streamstack/protocol'
import fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import { ANONYMOUS } from '../access/index.ts'
import { callerWith } from '../access/testing/caller-with.ts'
import { steadyNowMs } from '../stream-store/index.ts'
import { TestChannels, declared, standing, textsOf } from './testing/test-channels.ts'

const open: TestChannels[] = []
const folders: string[] = []

afterEach(async () => {
  for (const one of open.splice(0)) await one.close()
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

const test_ = (...args: ConstructorParameters<typeof TestChannels>): TestChannels => {
  const made = new TestChannels(...args)
  open.push(made)
  return made
}

const folder = (): string => {
  const made = mkdtempSync(join(tmpdir(), 'streamstack-channels-'))
  folders.push(made)
  return made
}

const say = async (
  { channels }: TestChannels,
  name: string,
  content: Value,
  key: string | null = null,
): Promise<number> => (await channels.publish(name, ANONYMOUS, { content, metadata: null, key })).offset

const ada = callerWith({ sub: 'ada', exp: 2_000_000_000 })

describe('the history of a channel', () => {
  test.each(['memory', 'durable'])('%s: is exact by count and by age, whatever is published when', async (delivery) => {
    const schedule = fc.array(
      fc.record({ waitMs: fc.integer({ min: 0, max: 4_000 }), count: fc.integer({ min: 1, max: 90 }) }),
      {
        maxLength: 8,
      },
    )
    const made = test_(
      {
        rooms: `{ channel: "{room}", publish: true, subscribe: true, history: { count: 100, age: 10s }, delivery: ${delivery} }`,
      },
      {},
      delivery === 'durable' ? folder() : '',
    )
    let room = 0
    await fc.assert(
      fc.asyncProperty(schedule, async (steps) => {
        const name = `room${++room}`
        const published: { text: string; atMs: number }[] = []
        for (const { waitMs, count } of steps) {
          made.nowMs += waitMs
          const texts = Array.from({ length: count }, (_, i) => String(published.length + i))
          await Promise.all(texts.map((text) => say(made, name, text)))
          for (const text of texts) published.push({ text, atMs: made.nowMs })
          const young = published.filter(({ atMs }) => atMs >= made.nowMs - 10_000).slice(-100)
          expect(await textsOf(made.channels.subscribe(name, ANONYMOUS))).toEqual(young.map(({ text }) => text))
          made.channels.tidy()
          expect(await textsOf(made.channels.subscribe(name, ANONYMOUS))).toEqual(young.map(({ text }) => text))
        }
      }),
      { numRuns: 12 },
    )
    expect(made.warnings).toEqual([])
  })

  test('durable: is exact by age after a restart, too, and reads what is only on disk', async () => {
    const files = { log: '{ publish: true, subscribe: true, history: { count: 1000, age: 10s }, delivery: durable }' }
    const where = folder()
    const first = test_(files, {}, where)
    for (let n = 0; n < 400; n++) {
      if (n % 100 === 0) first.nowMs += 3_000
      await say(first, 'log', String(n))
    }
    await first.close()
    open.pop()
    const second = test_(files, {}, where)
    // The second hundred is 9 s old now, the first 12 s.
    second.nowMs = first.nowMs + 3_000
    expect(await textsOf(second.channels.subscribe('log', ANONYMOUS))).toEqual(
      Array.from({ length: 300 }, (_, i) => String(i + 100)),
    )
    second.nowMs += 3_001
    expect(await textsOf(second.channels.subscribe('log', ANONYMOUS))).toEqual(
      Array.from({ length: 200 }, (_, i) => String(i + 200)),
    )
  })
})

describe('the disk', () => {
  test('keeps the history of a durable channel and little more', async () => {
    const files = { log: '{ publish: true, subscribe: true, history: { count: 10, age: 1h }, delivery: durable }' }
    const where = folder()
    const made = test_(files, {}, where)
    made.nowMs = steadyNowMs()
    for (let n = 0; n < 200; n++) await say(made, 'log', String(n))
    await new Promise((resolve) => setTimeout(resolve, 5))
    made.nowMs = steadyNowMs()
    for (let n = 200; n < 210; n++) await say(made, 'log', String(n))
    const { log } = (await made.channels.subscribe('log', ANONYMOUS)).stream
    const first = log.droppedOffset
    made.nowMs += 600_000
    made.channels.tidy()
    while (log.droppedOffset === first) await new Promise((resolve) => setTimeout(resolve, 5))
    expect(log.lastOffset - log.droppedOffset).toBe(10)
    await made.close()
    open.pop()
    const again = test_(files, {}, where)
    expect(await textsOf(again.channels.subscribe('log', ANONYMOUS))).toEqual(
      Array.from({ length: 10 }, (_, i) => String(200 + i)),
    )
  })
})

describe('unused channels', () => {
  test('leave the memory: durable ones soon, others when their history is over; offsets of before are refused or go on', async () => {
    const made = test_(
      {
        short: '{ channel: "m/{x}", publish: true, subscribe: true, history: { count: 5, age: 5m } }',
        kept: '{ channel: "d/{x}", publish: true, subscribe: true, history: { count: 5, age: 5m }, delivery: durable }',
      },
      {},
      folder(),
    )
    const { channels } = made
    const offsets: number[] = []
    for (let n = 0; n < 500; n++) offsets.push(await say(made, `m/${n}`, 'x'))
    await Promise.all(Array.from({ length: 500 }, (_, n) => say(made, `d/${n}`, 'x')))
    const read = await channels.subscribe('m/0', ANONYMOUS)
    const reader = standing(read)
    expect(channels.openCount).toBe(1_000)
    made.nowMs += 60_000
    channels.tidy()
    expect(channels.openCount).toBe(500)
    expect(await textsOf(channels.subscribe('d/7', ANONYMOUS))).toEqual(['x'])
    made.nowMs += 300_000
    channels.tidy()
    // This one has a reader.
    expect(channels.openCount).toBe(1)
    const again = await channels.subscribe('m/1', ANONYMOUS)
    expect(again.stream.log.droppedOffset).toBeGreaterThan(offsets[1] ?? Infinity)
    expect(await textsOf(again)).toEqual([])
    read.detach(reader)
    made.nowMs += 600_000
    channels.tidy()
    expect(channels.openCount).toBe(0)
    expect(channels.bytesHeld).toBe(0)
    expect(made.warnings).toEqual([])
  })

  test('are bounded in number and in bytes, by name', async () => {
    const made = test_(
      { rooms: '{ channel: "{x}", publish: true, subscribe: true, history: { age: 1h } }' },
      { maxOpen: 3 },
    )
    for (const name of ['a', 'b', 'c']) {
      await say(made, name, 'x')
      standing(await made.channels.subscribe(name, ANONYMOUS))
    }
    await expect(say(made, 'd', 'x')).rejects.toMatchObject({ code: 'channel_full', status: 503, recoverable: true })
    expect(await say(made, 'a', 'y')).toBeGreaterThan(0)
    const small = test_(
      { rooms: '{ channel: "{x}", publish: true, subscribe: true, history: { age: 1h } }' },
      { memoryBytes: 32_000 },
    )
    for (let n = 0; n < 10; n++) {
      await say(small, `r${n}`, 'x'.repeat(1_000))
      standing(await small.channels.subscribe(`r${n}`, ANONYMOUS))
    }
    await expect(say(small, 'r0', 'x')).rejects.toMatchObject({ code: 'storage_full', status: 507 })
    expect(small.channels.bytesHeld).toBeLessThan(40_000)
  })

  test('hold no more than a window each, and a reader that is behind is told, not given a gap', async () => {
    const made = test_(
      { log: '{ publish: true, subscribe: true, history: { count: 10000, age: 1h }, max_bytes: 1mb }' },
      { windowBytes: 100_000 },
    )
    const behind = await made.channels.subscribe('log', ANONYMOUS)
    standing(behind)
    const position = behind.stream.lastOffset
    for (let n = 0; n < 400; n++) await say(made, 'log', 'x'.repeat(1_000))
    expect(made.channels.bytesHeld).toBeLessThan(120_000)
    expect(behind.stream.log.droppedOffset).toBeGreaterThan(position)
  })
})

describe('publishing', () => {
  test('never waits for readers that take nothing', async () => {
    const made = test_({ log: '{ publish: true, subscribe: true }' }, { windowBytes: 50_000 })
    const readers = await Promise.all(
      Array.from({ length: 3 }, async () => standing(await made.channels.subscribe('log', ANONYMOUS))),
    )
    for (let n = 0; n < 1_000; n++) {
      const published = made.channels.serverPublish('log', { content: 'x'.repeat(5_000), metadata: null, key: null })
      expect(published).not.toBeInstanceOf(Promise)
    }
    expect(readers.every(({ wakes }) => wakes > 0)).toBe(true)
  })

  test('a condition that fails is told of once for each channel and condition, without what it was about', async () => {
    const made = test_({
      rooms:
        '{ channel: "{x}", publish: true, subscribe: { when: "{{auth.groups.length}} > 0" }, deliver: "{{message.a.b}} === 1", history: { count: 10 } }',
    })
    const member = callerWith({ sub: 'secret-subject', groups: ['g'] })
    for (let n = 0; n < 5; n++) {
      await say(made, 'r', { a: null, text: 'secret-text' })
      expect(() => made.channels.subscribe('r', callerWith({ sub: 'secret-subject' }))).toThrow('does not allow')
    }
    expect(await textsOf(made.channels.subscribe('r', member))).toEqual([])
    expect(made.warnings.length).toBe(2)
    expect(made.warnings.join()).not.toContain('secret')
  })

  test('a subscription says when its token expires, goes on with a fresh one, and ends when it is refused', async () => {
    const made = test_({ news: '{ publish: true, subscribe: token, history: { count: 5 } }' })
    const subscription = await made.channels.subscribe('news', ada)
    const reader = standing(subscription)
    expect(subscription.expiresAtMs).toBe(2_000_000_000_000)
    subscription.renew(callerWith({ sub: 'ada', exp: 2_000_000_100 }))
    expect(subscription.expiresAtMs).toBe(2_000_000_100_000)
    expect(() => subscription.renew(ANONYMOUS)).toThrow('token')
    await say(made, 'news', 'hello')
    expect(await textsOf(subscription)).toEqual(['hello'])
    made.channels.declare(declared({}).table)
    expect(subscription.refusal?.code).toBe('channel_unknown')
    expect(reader.wakes).toBeGreaterThan(0)
    expect(await textsOf(subscription)).toEqual([])
  })

  test('rules that change between subscribing and reading count', async () => {
    const made = test_({ news: '{ publish: true, subscribe: true }' })
    const subscription = await made.channels.subscribe('news', ANONYMOUS)
    made.channels.declare(declared({ news: '{ publish: true, subscribe: { roles: [vip] } }' }).table)
    standing(subscription)
    expect(subscription.refusal?.code).toBe('unauthenticated')
  })
})
