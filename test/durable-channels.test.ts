import { describe, expect, test } from 'vitest'
import { serve } from 'streamstack'
import { SENT_AT, channelServer, got, held, publish } from '@streamstack/test-support/channel-calls'
import { call, openCall } from '@streamstack/test-support/http-client'
import type { TestServer } from '@streamstack/test-support/test-server'

const OPEN = { publish: true, subscribe: true, history: { count: 100 } }

describe('a durable channel', () => {
  const durable = { ledger: { ...OPEN, delivery: 'durable', history: { count: 300, age: '1h' } } }

  test('keeps messages, offsets and keys over a restart; who was there goes on', async () => {
    await using first = await channelServer(durable)
    const key = { 'Idempotency-Key': 'a' }
    const one = await publish(first, 'ledger', 'one', key)
    await first.call('/v1/channels/ledger', { body: { content: { n: 2 }, metadata: { m: 'x\n' } } })
    await first.close()
    const second = await testServerAt(first)
    try {
      expect(await publish(second, 'ledger', 'one', key)).toBe(one)
      const open = await second.open('/v1/channels/ledger?format=ndjson', { headers: { 'Last-Event-ID': String(one) } })
      await publish(second, 'ledger', 'three')
      await open.until('three')
      expect(got(open)).toEqual([{ n: 2 }, 'three'])
      open.leave()
      const stamp = { sent_at: expect.stringMatching(SENT_AT), sender: null }
      expect(await held(second, '/v1/channels/ledger')).toEqual([
        { offset: one, content: 'one', metadata: stamp },
        { offset: one + 1, content: { n: 2 }, metadata: { ...stamp, m: 'x\n' } },
        { offset: one + 2, content: 'three', metadata: stamp },
      ])
    } finally {
      await second.close()
    }
  })

  test('reads from disk what is no longer in memory, exactly by count', async () => {
    await using first = await channelServer(durable)
    for (let from = 0; from < 500; from += 50) {
      await Promise.all(Array.from({ length: 50 }, (_, i) => publish(first, 'ledger', from + i)))
    }
    const before = await held(first, '/v1/channels/ledger')
    await first.close()
    const second = await testServerAt(first)
    try {
      const after = await held(second, '/v1/channels/ledger')
      expect(after.length).toBe(300)
      expect(after).toEqual(before)
      const offsets = after.map(({ offset }) => offset)
      expect(offsets).toEqual(Array.from({ length: 300 }, (_, i) => (offsets[0] ?? 0) + i))
    } finally {
      await second.close()
    }
  })

  test('cannot be reached as a stream by name', async () => {
    await using server = await channelServer(durable, { streams: { access: 'open' } })
    await publish(server, 'ledger', 'secret')
    for (const path of ['%01channels/ledger', '%63hannels/ledger', '%5Cu0001channels/ledger']) {
      const answer = await server.call(`/v1/stream/${path}?offset=-1`)
      expect([path, answer.status]).toEqual([path, 404])
      expect(answer.text).not.toContain('secret')
    }
  })

  test('needs a log that is on disk', async () => {
    await using server = await channelServer(durable, { streams: { log: 'memory' } })
    expect((await server.call('/v1/channels/ledger', { body: { content: 1 } })).status).toBe(503)
  })
})

/** Another server for the same workspace. */
async function testServerAt({ dir }: TestServer): Promise<TestServer> {
  const server = await serve({ dir, port: 0 })
  return {
    url: server.url,
    dir,
    call: (path, options) => call(server.url, path, options),
    open: (path, options) => openCall(server.url, path, options),
    write: () => Promise.reject(new Error('not here')),
    close: () => server.close(),
    [Symbol.asyncDispose]: () => server.close(),
  }
}
