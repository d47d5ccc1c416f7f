import { describe, expect, test } from 'vitest'
import { withEnoughTime } from '@streamstack/test-support/enough-time'
import { SECRET, bearer, channelServer, held, publish, rawToken } from '@streamstack/test-support/channel-calls'
import { problem } from '@streamstack/test-support/http-client'
import { sseEvents } from '@streamstack/test-support/sse-events'
import { testServer } from '@streamstack/test-support/test-server'

const OPEN = { publish: true, subscribe: true, history: { count: 100 } }

describe('who may', () => {
  const guarded = {
    members: { publish: { roles: ['writer'] }, subscribe: 'token', history: { count: 10 } },
    mine: {
      channel: 'users/{user}',
      publish: { when: '{{auth.sub}} === {{user}}' },
      subscribe: { when: '{{auth?.sub}} === {{user}}' },
    },
    hidden: {},
    throws: { publish: true, subscribe: { when: '{{auth.sub.length}} > 0' }, history: { count: 10 } },
  }

  test('no token, a wrong token, a token that does not suffice', async () => {
    await using server = await channelServer(guarded)
    const ada = await bearer({ sub: 'ada' })
    const body = { content: 'secret' }
    for (const [path, options, status, code] of [
      ['members', {}, 401, 'unauthenticated'],
      ['members', { headers: { Authorization: 'Bearer none' } }, 401, 'unauthenticated'],
      ['members', { body }, 401, 'unauthenticated'],
      ['members', { body, headers: ada }, 403, 'forbidden'],
      ['users/ada', {}, 401, 'unauthenticated'],
      ['users/bob', { headers: ada }, 403, 'forbidden'],
      ['users/bob', { body, headers: ada }, 403, 'forbidden'],
      ['throws', {}, 401, 'unauthenticated'],
    ] as const) {
      const answer = await server.call(`/v1/channels/${path}`, options)
      expect([path, answer.status, problem(answer)['code']]).toEqual([path, status, code])
      expect(answer.text).not.toMatch(/writer|secret/)
      expect(answer.headers['www-authenticate'] !== undefined).toBe(status === 401)
    }
    await publish(server, 'members', 'ok', await bearer({ sub: 'eve', roles: ['writer'] }))
    expect(await held(server, '/v1/channels/members', ada)).toMatchObject([{ content: 'ok' }])
    expect(await publish(server, 'users/ada', 'x', ada)).toBeGreaterThan(0)
    const open = await server.open('/v1/channels/users/ada', { headers: ada })
    expect(open.status).toBe(200)
    open.leave()
  })

  test('what is hidden, what is not declared and what cannot be a name look alike', async () => {
    await using server = await channelServer(guarded)
    const answers = new Set<string>()
    const names = [
      'hidden',
      'nowhere',
      'users',
      'users/a/b',
      'users/..',
      '../members',
      'users/%2e%2e',
      'users%2Fada',
      'users/a%2Fb',
      'users/',
      '/users',
      'users//',
      'users/%00',
      'users/%0aa',
      '__proto__',
      'constructor',
      '%7Buser%7D',
      'x'.repeat(10_000),
      `users/${'x'.repeat(251)}`,
    ]
    const token = await bearer({ sub: 'ada' })
    for (const name of names) {
      for (const options of [{ headers: token }, { headers: token, body: { content: 1 } }, {}]) {
        for (const root of ['channels', 'presence']) {
          if (root === 'presence' && 'body' in options) continue
          const answer = await server.call(`/v1/${root}/${name}`, options)
          answers.add(`${answer.status} ${answer.text}`)
          if (answer.status !== 404) throw new Error(`${name.slice(0, 50)}: ${answer.status} ${answer.text}`)
        }
      }
    }
    expect(answers.size).toBe(1)
    expect([...answers][0]).toContain('"code":"channel_unknown"')
  })

  test.each(['__proto__', 'constructor', 'a%20b', '%C3%A9', '{user}', "a'b;--", '%2e', '...'])(
    'the segment %s is a text like others, if it can be one',
    async (segment) => {
      await using server = await channelServer({
        rooms: { channel: 'rooms/{room}', ...OPEN, deliver: '{{message}} === {{room}}' },
      })
      const name = `rooms/${segment}`
      const decoded = decodeURIComponent(segment)
      if (decoded === '.') return expect((await server.call(`/v1/channels/${name}`)).status).toBe(404)
      await publish(server, name, decoded)
      await publish(server, name, 'other')
      expect((await held(server, `/v1/channels/${name}`)).map(({ content }) => content)).toEqual([decoded])
      expect(await held(server, '/v1/channels/rooms/b')).toEqual([])
    },
  )

  test('without auth.jwt callers that need a token learn that the server is at fault', async () => {
    await using server = await testServer({ 'channels/a.yaml': { subscribe: 'token', publish: true } })
    const answer = await server.call('/v1/channels/a')
    expect([answer.status, problem(answer)['code']]).toEqual([503, 'unavailable'])
    expect(await publish(server, 'a', 1)).toBeGreaterThan(0)
  })

  test('a token in the URL is refused, unless the settings allow it, and then only for reading', async () => {
    const token = await rawToken({ sub: 'ada' })
    await using strict = await channelServer(guarded)
    const refused = await strict.call(`/v1/channels/members?access_token=${token}`)
    expect([refused.status, problem(refused)['detail']]).toEqual([
      401,
      expect.stringContaining('channels.token_in_url'),
    ])
    await using lenient = await channelServer(
      { members: { ...guarded.members, publish: 'token', presence: 'token' } },
      { channels: { token_in_url: true } },
    )
    const open = await lenient.open(`/v1/channels/members?access_token=${token}`)
    expect([open.status, open.headers['cache-control'], open.headers['referrer-policy']]).toEqual([
      200,
      'private, no-store, no-transform',
      'no-referrer',
    ])
    expect(JSON.stringify(open.headers)).not.toContain(token)
    open.leave()
    expect((await lenient.call(`/v1/presence/members?format=json&access_token=${token}`)).status).toBe(200)
    const written = await lenient.call(`/v1/channels/members?access_token=${token}`, { body: { content: 1 } })
    expect(written.status).toBe(401)
  })

  test('whose role is not among those that a channel asks for is told of the channel, not of an endpoint', async () => {
    await using server = await channelServer({ staff: { publish: { roles: ['staff'] }, subscribe: true } })
    const answer = await server.call('/v1/channels/staff', {
      body: { content: 1 },
      headers: await bearer({ sub: 'ada', roles: ['guest'] }),
    })
    expect([answer.status, problem(answer)['detail']]).toEqual([
      403,
      'The token has the roles "guest", and this channel asks for another. Use a token with the role that it asks for.',
    ])
  })

  test('a subscription ends when its token expires, and can be gone on with after its last offset', async () => {
    await using server = await channelServer(
      { news: { publish: true, subscribe: 'token', history: { count: 10 } } },
      { auth: { jwt: { secret: SECRET, clock_tolerance: '60s' } } },
    )
    await publish(server, 'news', 'one')
    const open = await withEnoughTime(async (seconds) => {
      // It has expired, by less than clocks may differ.
      const expiry = Math.floor(Date.now() / 1000) - 60 + seconds
      const reading = await server.open('/v1/channels/news', { headers: await bearer({ sub: 'ada' }, expiry) })
      await reading.until('one')
      await publish(server, 'news', 'within the tolerance')
      await reading.until('within the tolerance')
      return reading
    })
    const answer = await open.ended
    await publish(server, 'news', 'two')
    expect(answer.ending).toBe('broken')
    expect(answer.text).toContain('event: error\ndata: {"code":"unauthenticated"')
    expect(answer.text).not.toContain('event: end')
    const last = sseEvents(answer.text).at(-1)?.id
    const next = await held(server, `/v1/channels/news?offset=${last}`, await bearer({ sub: 'ada' }))
    expect(next.map(({ content }) => content)).toEqual(['two'])
  })
})
