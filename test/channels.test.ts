import { describe, expect, test } from 'vitest'
import { bearer, channelServer, got, held, publish, rawToken } from './support/channel-calls.ts'
import { problem } from './support/http-client.ts'
import { sseEvents } from './support/sse-events.ts'
import { type TestServer, endpoint, send, testServer } from './support/test-server.ts'

const OPEN = { publish: true, subscribe: true, history: { count: 100 } }

/** Asks until the answer has a status; the test's own time limit ends it. */
async function untilStatus(server: TestServer, status: number, path: string, options: object = {}): Promise<void> {
  while ((await server.call(path, options)).status !== status) await new Promise((resolve) => setTimeout(resolve, 20))
}

describe('a channel', () => {
  test('gives who comes late its history and then what comes, with no gap and nothing twice', async () => {
    await using server = await channelServer({ news: OPEN })
    for (const content of ['one', { two: 2 }, [3]]) await publish(server, 'news', content)
    const open = await server.open('/v1/channels/news?format=ndjson')
    for (const content of ['four', null, 'six']) await publish(server, 'news', content)
    await open.until('six')
    expect(got(open)).toEqual(['one', { two: 2 }, [3], 'four', null, 'six'])
    open.leave()
  })

  test('answers a subscription before there is any message', async () => {
    await using server = await channelServer({ news: OPEN })
    const open = await server.open('/v1/channels/news')
    expect(open.status).toBe(200)
    expect(open.headers['content-type']).toBe('text/event-stream; charset=utf-8')
    expect(open.headers['stream-url']).toBe('/v1/channels/news')
    open.leave()
  })

  test.each(['sse', 'ndjson', 'lines', 'text'])('can be read as %s', async (format) => {
    await using server = await channelServer({ news: OPEN })
    await publish(server, 'news', 'hello')
    const open = await server.open(`/v1/channels/news?format=${format}`)
    await open.until('hello')
    open.leave()
  })

  test('goes on after an offset, by Last-Event-ID, by ?offset=, and only with what comes by ?offset=now', async () => {
    await using server = await channelServer({ news: OPEN })
    const first = await publish(server, 'news', 'one')
    await publish(server, 'news', 'two')
    expect((await held(server, `/v1/channels/news?offset=${first}`)).map(({ content }) => content)).toEqual(['two'])
    const byHeader = await server.open('/v1/channels/news', { headers: { 'Last-Event-ID': String(first) } })
    const now = await server.open('/v1/channels/news?offset=now')
    await publish(server, 'news', 'three')
    await Promise.all([byHeader.until('three'), now.until('three')])
    expect(sseEvents(byHeader.text).map(({ data }) => data)).toEqual(['"two"', '"three"'])
    expect(sseEvents(now.text).map(({ data }) => data)).toEqual(['"three"'])
    byHeader.leave()
    now.leave()
  })

  test('refuses offsets that it never gave, and those of a life before with 410', async () => {
    await using server = await channelServer({ news: OPEN })
    const offset = await publish(server, 'news', 'one')
    for (const [asked, status, code] of [
      [String(offset + 1), 400, 'offset_invalid'],
      ['abc', 400, 'offset_invalid'],
      ['5', 410, 'offset_expired'],
      [String(offset - 1_000_000), 410, 'offset_expired'],
    ] as const) {
      const answer = await server.call(`/v1/channels/news?offset=${asked}`)
      expect([asked, answer.status, problem(answer)['code']]).toEqual([asked, status, code])
    }
  })

  test('begins anew after a restart, and says so to those who come back', async () => {
    await using first = await channelServer({ news: OPEN })
    const offset = await publish(first, 'news', 'lost')
    await first.close()
    await using second = await channelServer({ news: OPEN })
    await publish(second, 'news', 'new')
    const answer = await second.call('/v1/channels/news', { headers: { 'Last-Event-ID': String(offset) } })
    expect(answer.status).toBe(410)
    expect(problem(answer)).toMatchObject({ code: 'offset_expired', detail: expect.stringContaining('?offset=now') })
    expect(answer.text).not.toContain('new"')
  })

  test('keeps no more than `count`, and by default nothing for those who come late', async () => {
    await using server = await channelServer({
      few: { ...OPEN, history: { count: 2 } },
      none: { publish: true, subscribe: true },
    })
    const offsets: number[] = []
    for (let n = 1; n <= 5; n++) {
      await publish(server, 'few', n)
      offsets.push(await publish(server, 'none', n))
    }
    expect((await held(server, '/v1/channels/few')).map(({ content }) => content)).toEqual([4, 5])
    expect(await held(server, '/v1/channels/none')).toEqual([])
    // Who was there and comes back misses nothing.
    const missed = await held(server, `/v1/channels/none?offset=${offsets[2]}`)
    expect(missed.map(({ content }) => content)).toEqual([4, 5])
  })

  test('takes a message that is sent again with its key once', async () => {
    await using server = await channelServer({ news: OPEN })
    const key = { 'Idempotency-Key': 'one' }
    const offsets = await Promise.all([1, 2, 3].map(() => publish(server, 'news', 'hello', key)))
    expect(new Set(offsets).size).toBe(1)
    const other = await server.call('/v1/channels/news', { body: { content: 'other' }, headers: key })
    expect([other.status, problem(other)['code']]).toEqual([422, 'idempotency_conflict'])
    expect((await held(server, '/v1/channels/news')).map(({ content }) => content)).toEqual(['hello'])
  })

  test('two publishers do not share their keys', async () => {
    await using server = await channelServer({ news: OPEN })
    for (const sub of ['ada', 'bob']) {
      await publish(server, 'news', sub, { 'Idempotency-Key': 'one', ...(await bearer({ sub })) })
    }
    expect((await held(server, '/v1/channels/news')).map(({ content }) => content)).toEqual(['ada', 'bob'])
  })

  test.each([
    ['{"content":1,"metdata":{}}', 400, 'input_invalid', 'metadata'],
    ['{"metadata":{}}', 400, 'input_invalid', 'content'],
    ['{"content":1,"metadata":[1]}', 400, 'input_invalid', 'metadata'],
    ['{"content":{"__proto__":{"x":1}}}', 400, 'body_unreadable', '__proto__'],
    ['{"content":', 400, 'body_unreadable', 'JSON'],
    ['[1]', 400, 'body_unreadable', 'list'],
    [JSON.stringify({ content: 'x'.repeat(70_000) }), 413, 'body_too_large', 'max_bytes'],
    [JSON.stringify({ content: 'x'.repeat(900_000) }), 413, 'body_too_large', 'larger'],
    [JSON.stringify({ content: 'é'.repeat(40_000) }), 413, 'body_too_large', 'max_bytes'],
  ])('refuses the message %.40s', async (body, status, code, word) => {
    await using server = await channelServer({ news: OPEN })
    const answer = await server.call('/v1/channels/news', { body })
    expect([answer.status, problem(answer)['code']]).toEqual([status, code])
    expect(problem(answer)['detail']).toContain(word)
    expect(await held(server, '/v1/channels/news')).toEqual([])
  })

  test('is published to by steps, whoever may from outside', async () => {
    await using server = await testServer({
      'channels/rooms.yaml': { channel: 'rooms/{room}', subscribe: true, history: { count: 10 } },
      'endpoints/say.json': endpoint(
        '/say/:room',
        [
          { function: 'Publish to Channel', channel: 'rooms/{{room}}', content: { text: '{{text}}' }, metadata: { by: 'step' }, as: 'it' },
          send('{{it.offset > 0}}'),
        ],
        { inputs: { room: { type: 'text' }, text: { type: 'text' } } },
      ),
    })
    expect((await server.call('/say/7?text=hi&format=text')).text).toBe('true')
    expect(await held(server, '/v1/channels/rooms/7')).toMatchObject([{ content: { text: 'hi' }, metadata: { by: 'step' } }])
    expect(await held(server, '/v1/channels/rooms/8')).toEqual([])
    const refused = await server.call('/v1/channels/rooms/7', { body: { content: 1 } })
    expect([refused.status, problem(refused)['code']]).toEqual([403, 'forbidden'])
  })
})

describe('who may', () => {
  const guarded = {
    members: { publish: { roles: ['writer'] }, subscribe: 'token', history: { count: 10 } },
    mine: { channel: 'users/{user}', publish: { when: '{{auth.sub}} === {{user}}' }, subscribe: { when: '{{auth?.sub}} === {{user}}' } },
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
      'users/%ff',
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
      await using server = await channelServer({ rooms: { channel: 'rooms/{room}', ...OPEN, deliver: '{{message}} === {{room}}' } })
      const name = `rooms/${segment}`
      const decoded = decodeURIComponent(segment)
      if (decoded === '.') return expect((await server.call(`/v1/channels/${name}`)).status).toBe(404)
      await publish(server, name, decoded)
      await publish(server, name, 'other')
      expect((await held(server, `/v1/channels/${name}`)).map(({ content }) => content)).toEqual([decoded])
      expect(await held(server, '/v1/channels/rooms/b')).toEqual([])
    },
  )

  test('without auth.jwt whoever must have a token is told that the server is at fault', async () => {
    await using server = await testServer({ 'channels/a.yaml': { subscribe: 'token', publish: true } })
    const answer = await server.call('/v1/channels/a')
    expect([answer.status, problem(answer)['code']]).toEqual([503, 'unavailable'])
    expect(await publish(server, 'a', 1)).toBeGreaterThan(0)
  })

  test('a token in the URL is refused, unless the settings allow it, and then only for reading', async () => {
    const token = await rawToken({ sub: 'ada' })
    await using strict = await channelServer(guarded)
    const refused = await strict.call(`/v1/channels/members?access_token=${token}`)
    expect([refused.status, problem(refused)['detail']]).toEqual([401, expect.stringContaining('channels.token_in_url')])
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

  test('a subscription ends when its token expires, and can be gone on with after its last offset', async () => {
    await using server = await channelServer({ news: { publish: true, subscribe: 'token', history: { count: 10 } } })
    await publish(server, 'news', 'one')
    const expiry = Math.ceil(Date.now() / 1000) + 1
    const open = await server.open('/v1/channels/news', { headers: await bearer({ sub: 'ada' }, expiry) })
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

describe('deliver', () => {
  const direct = {
    direct: { ...OPEN, deliver: '{{message.to}} === undefined || {{message.to}} === {{auth.sub}}' },
  }

  test('gives each subscriber what is meant for it, in history and live, and nothing else', async () => {
    await using server = await channelServer(direct)
    const headers = { ada: await bearer({ sub: 'ada' }), bob: await bearer({ sub: 'bob' }) }
    const say = (to: string | undefined, text: string): Promise<number> => publish(server, 'direct', { to, text })
    await say('ada', 'early-ada')
    await say('bob', 'early-bob')
    const ada = await server.open('/v1/channels/direct?format=ndjson', { headers: headers.ada })
    const bob = await server.open('/v1/channels/direct', { headers: headers.bob })
    const nobody = await server.open('/v1/channels/direct?format=lines')
    await say('bob', 'late-bob')
    await say('ada', 'late-ada')
    await say(undefined, 'for-all')
    await Promise.all([ada.until('for-all'), bob.until('for-all'), nobody.until('for-all')])
    expect(ada.text.match(/\w+-\w+(?=")/g)).toEqual(['early-ada', 'late-ada', 'for-all'])
    expect(bob.text.match(/\w+-\w+(?=")/g)).toEqual(['early-bob', 'late-bob', 'for-all'])
    expect(nobody.text.match(/\w+-\w+(?=")/g)).toEqual(['for-all'])
    expect((await held(server, '/v1/channels/direct', headers.bob)).length).toBe(3)
    for (const open of [ada, bob, nobody]) open.leave()
  })

  test('a condition that fails means no, for that message alone', async () => {
    await using server = await channelServer(direct)
    for (const content of [null, { text: 'seen' }, { to: 'ada', text: 'unseen' }]) await publish(server, 'direct', content)
    expect((await held(server, '/v1/channels/direct')).map(({ content }) => content)).toEqual([{ text: 'seen' }])
  })

  test('sees the metadata, the name and its parameters', async () => {
    await using server = await channelServer({
      r: { channel: 'r/{a}/{b}', ...OPEN, deliver: "{{metadata?.for}} === {{a}} && {{channel}} === 'r/x/' + {{b}}" },
    })
    for (const metadata of [{ for: 'x' }, { for: 'y' }, undefined]) {
      await server.call('/v1/channels/r/x/2', { body: { content: metadata?.for ?? 'none', metadata } })
    }
    expect(await held(server, '/v1/channels/r/x/2')).toMatchObject([{ content: 'x', metadata: { for: 'x' } }])
  })
})

describe('a workspace that changes', () => {
  test('narrower rules hold for those who are subscribed: they are broken off, and get nothing more', async () => {
    await using server = await channelServer({ news: { publish: true, subscribe: 'token', presence: 'token', history: { count: 10 } } })
    const [ada, eve] = [await bearer({ sub: 'ada', roles: ['vip'] }), await bearer({ sub: 'eve' })]
    const stays = await server.open('/v1/channels/news?presence=true', { headers: ada })
    const goes = await server.open('/v1/channels/news?presence=true', { headers: eve })
    const looks = await server.open('/v1/presence/news', { headers: eve })
    await publish(server, 'news', 'before')
    await Promise.all([stays.until('before'), goes.until('before'), looks.until('here')])
    const vip = { roles: ['vip'] }
    await server.write('channels/news.yaml', { publish: true, subscribe: vip, presence: vip, history: { count: 10 } })
    const [gone, blind] = await Promise.all([goes.ended, looks.ended])
    await publish(server, 'news', 'after')
    await stays.until('after')
    for (const answer of [gone, blind]) {
      expect(answer.ending).toBe('broken')
      expect(answer.text).toContain('"code":"forbidden"')
      expect(answer.text).not.toContain('after')
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

  test('a broken file keeps what it declared, and breaks nobody off', async () => {
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
      expect(await held(second, '/v1/channels/ledger')).toEqual([
        { offset: one, content: 'one', metadata: null },
        { offset: one + 1, content: { n: 2 }, metadata: { m: 'x\n' } },
        { offset: one + 2, content: 'three', metadata: null },
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
      expect(offsets).toEqual(Array.from({ length: 300 }, (_, i) => (offsets[0] as number) + i))
    } finally {
      await second.close()
    }
  })

  test('cannot be reached as a stream by name', async () => {
    await using server = await channelServer(durable, { streams: { access: 'open' } })
    await publish(server, 'ledger', 'secret')
    for (const path of ['%01channels/ledger', 'channels/ledger', '%5Cu0001channels/ledger']) {
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
  const { serve } = await import('../packages/streamstack/src/index.ts')
  const { call, openCall } = await import('./support/http-client.ts')
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
