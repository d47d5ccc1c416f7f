import { describe, expect, test } from 'vitest'
import { bearer, channelServer, held, publish } from '@streamstack/test-support/channel-calls'
import type { TestServer } from '@streamstack/test-support/test-server'

const OPEN = { publish: true, subscribe: true, history: { count: 100 } }

/** Asks until the answer has a status; the test's own time limit ends it. */
async function untilStatus(server: TestServer, status: number, path: string, options: object = {}): Promise<void> {
  while ((await server.call(path, options)).status !== status) await new Promise((resolve) => setTimeout(resolve, 20))
}

describe('a workspace that changes', () => {
  test('narrower rules hold for those who are subscribed: they are broken off, and get nothing more', async () => {
    await using server = await channelServer({
      news: { publish: true, subscribe: 'token', presence: 'token', history: { count: 10 } },
    })
    const [ada, eve] = [await bearer({ sub: 'ada', roles: ['vip'] }), await bearer({ sub: 'eve' })]
    const stays = await server.open('/v1/channels/news?presence=true', { headers: ada })
    const goes = await server.open('/v1/channels/news?presence=true', { headers: eve })
    const looks = await server.open('/v1/presence/news', { headers: eve })
    await publish(server, 'news', 'before')
    await Promise.all([stays.until('before'), goes.until('before'), looks.until('here')])
    const vip = { roles: ['vip'] }
    await server.write('channels/news.yaml', { publish: true, subscribe: vip, presence: vip, history: { count: 10 } })
    const [gone, blind] = await Promise.all([goes.ended, looks.ended])
    await publish(server, 'news', 'for-vip')
    await stays.until('for-vip')
    for (const answer of [gone, blind]) {
      expect(answer.ending).toBe('broken')
      expect(answer.text).toContain('"code":"forbidden"')
      expect(answer.text).not.toContain('for-vip')
    }
    const members = await server.call('/v1/presence/news?format=json', { headers: ada })
    expect(members.text).toContain('"subject":"ada"')
    expect(members.text).not.toContain('eve')
    stays.leave()
  })

  test('a new `deliver` holds for those who are subscribed', async () => {
    await using server = await channelServer({ news: OPEN })
    const open = await server.open('/v1/channels/news')
    await publish(server, 'news', 'first')
    await open.until('first')
    await server.write('channels/news.yaml', { ...OPEN, deliver: "{{message}} !== 'secret'" })
    while ((await held(server, '/v1/channels/news?offset=now')).length === 0) {
      await publish(server, 'news', 'secret')
      if ((await held(server, '/v1/channels/news')).every(({ content }) => content !== 'secret')) break
    }
    const before = open.text.split('secret').length
    await publish(server, 'news', 'secret')
    await publish(server, 'news', 'last')
    await open.until('last')
    expect(open.text.split('secret').length).toBe(before)
    open.leave()
  })

  test('a channel that is taken away is gone, for its readers, too; another file is live', async () => {
    await using server = await channelServer({ news: OPEN })
    const open = await server.open('/v1/channels/news')
    await server.write('channels/news.yaml', null)
    const gone = await open.ended
    expect([gone.ending, gone.text]).toEqual(['broken', expect.stringContaining('channel_unknown')])
    await untilStatus(server, 404, '/v1/channels/news?format=json')
    await server.write('channels/more.yaml', OPEN)
    await untilStatus(server, 200, '/v1/channels/more?format=json')
  })

  test('a broken file keeps what it declared, and disconnects no reader', async () => {
    await using server = await channelServer({ news: { publish: true, subscribe: 'token', history: { count: 1 } } })
    const headers = await bearer({ sub: 'ada' })
    const open = await server.open('/v1/channels/news', { headers })
    await server.write('channels/news.yaml', '{ subscribe: [')
    // A good edit of another file shows that the broken one was read.
    await server.write('channels/other.yaml', OPEN)
    await untilStatus(server, 200, '/v1/channels/other?format=json')
    await publish(server, 'news', 'still')
    await open.until('still')
    expect((await server.call('/v1/channels/news')).status).toBe(401)
    open.leave()
  })

  test('a file that never was good closes what it may be about', async () => {
    await using named = await channelServer({
      rooms: { channel: 'rooms/{room}', ...OPEN },
      admin: { channel: 'rooms/admin', publish: { rols: ['admin'] } },
    })
    expect((await named.call('/v1/channels/rooms/admin', { body: { content: 1 } })).status).toBe(503)
    expect(await publish(named, 'rooms/1', 1)).toBeGreaterThan(0)
    await using unnamed = await channelServer({
      rooms: { channel: 'rooms/{room}', ...OPEN },
      plain: OPEN,
      admin: '{ channel: rooms/admin, publish: [',
    })
    expect((await unnamed.call('/v1/channels/rooms/admin', { body: { content: 1 } })).status).toBe(503)
    expect((await unnamed.call('/v1/channels/elsewhere', { body: { content: 1 } })).status).toBe(503)
    expect(await publish(unnamed, 'plain', 1)).toBeGreaterThan(0)
    await unnamed.write('channels/admin.yaml', { channel: 'rooms/admin', subscribe: { roles: ['admin'] } })
    await untilStatus(unnamed, 200, '/v1/channels/rooms/1?format=json')
    expect((await unnamed.call('/v1/channels/rooms/admin')).status).toBe(401)
  })

  test('the more exact name has its own rules', async () => {
    await using server = await channelServer({
      any: { channel: 'rooms/{room}', ...OPEN },
      admin: { channel: 'rooms/admin', subscribe: { roles: ['admin'] } },
    })
    expect((await server.call('/v1/channels/rooms/admin')).status).toBe(401)
    expect((await server.call('/v1/channels/rooms/other?format=json')).status).toBe(200)
  })
})
