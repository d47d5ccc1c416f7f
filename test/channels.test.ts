import { describe, expect, test } from 'vitest'
import { SENT_AT, bearer, channelServer, got, held, publish } from '@streamstack/test-support/channel-calls'
import { type Answer, problem } from '@streamstack/test-support/http-client'
import { sseEvents } from '@streamstack/test-support/sse-events'
import { type TestServer, endpoint, send, testServer } from '@streamstack/test-support/test-server'

const OPEN = { publish: true, subscribe: true, history: { count: 100 } }

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

  test('a message whose objects name their values in another order is the same', async () => {
    await using server = await channelServer({ news: OPEN })
    const key = { 'Idempotency-Key': 'one' }
    const bodies = [
      '{"content":{"a":{"x":1,"y":[{"p":1,"q":"é"}]},"b":2},"metadata":{"m":1,"n":{"r":1,"s":2}}}',
      '{"metadata":{"n":{"s":2,"r":1},"m":1.0},"content":{"b":2e0,"a":{"y":[{"q":"\\u00e9","p":1}],"x":1}}}',
      '{"content":{"a":{"x":1,"y":[{"p":1,"q":"e"}]},"b":2},"metadata":{"m":1,"n":{"r":1,"s":2}}}',
    ]
    const answers = await Promise.all(
      bodies.map((body) => server.call('/v1/channels/news', { body: JSON.parse(body), headers: key })),
    )
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 422])
    expect(answers[1]?.text).toBe(answers[0]?.text)
  })

  test('two publishers do not share their keys', async () => {
    await using server = await channelServer({ news: OPEN })
    for (const sub of ['ada', 'bob']) {
      await publish(server, 'news', sub, { 'Idempotency-Key': 'one', ...(await bearer({ sub })) })
    }
    expect((await held(server, '/v1/channels/news')).map(({ content }) => content)).toEqual(['ada', 'bob'])
  })

  test.each<[string, string, number, string, string]>([
    ['has an unknown key', '{"content":1,"metdata":{}}', 400, 'input_invalid', 'metadata'],
    ['has no content', '{"metadata":{}}', 400, 'input_invalid', 'content'],
    ['has metadata that is no object', '{"content":1,"metadata":[1]}', 400, 'input_invalid', 'metadata'],
    ['is a number that readers would round', '{"content":9007199254740993}', 400, 'input_invalid', 'in quotes'],
    [
      'holds such a number',
      '{"content":1,"metadata":{"a":[9007199254740993]}}',
      400,
      'input_invalid',
      '`metadata` holds',
    ],
    ['is a number beyond all bounds', '{"content":1e999}', 400, 'body_unreadable', 'too large'],
    ['is cut off', '{"content":', 400, 'body_unreadable', 'JSON'],
    ['is a list', '[1]', 400, 'body_unreadable', 'list. Put it into an object: {"content": [ … ]}.'],
    ['is a text', '"hi"', 400, 'body_unreadable', 'Send an object: {"content": …}.'],
    ['is too large', JSON.stringify({ content: 'x'.repeat(70_000) }), 413, 'body_too_large', 'max_bytes'],
    ['is far too large', JSON.stringify({ content: 'x'.repeat(900_000) }), 413, 'body_too_large', 'max_bytes'],
    ['is beyond every limit', JSON.stringify({ content: 'x'.repeat(1_200_000) }), 413, 'body_too_large', 'max_bytes'],
    ['is too large in bytes', JSON.stringify({ content: 'é'.repeat(40_000) }), 413, 'body_too_large', 'max_bytes'],
  ])('refuses a message that %s', async (_, body, status, code, word) => {
    await using server = await channelServer({ news: OPEN })
    const answer = await server.call('/v1/channels/news', { body })
    expect([answer.status, problem(answer)['code']]).toEqual([status, code])
    expect(problem(answer)['detail']).toContain(word)
    expect(JSON.stringify(problem(answer))).not.toMatch(/endpoint|inputs?\b|body_limit/)
    expect(await held(server, '/v1/channels/news')).toEqual([])
  })

  test.each<[unknown, boolean]>([
    ['x', true],
    [7, true],
    [['x', 'admins'], true],
    ['x/admins', false],
    ['../admins', false],
    ['x/', false],
    ['..', false],
    ['', false],
    [null, false],
    [{ a: 1 }, false],
    [['x', 'a/b'], false],
  ])('is named by a value in its place, which leads to no other: %j', async (room, isNamed) => {
    await using server = await channelServer({
      rooms: { channel: 'rooms/{room}', ...OPEN },
      admins: { channel: 'rooms/{room}/admins', subscribe: true, history: { count: 1 } },
    })
    await server.write(
      'endpoints/say.json',
      endpoint('/say', [{ function: 'Publish to Channel', channel: 'rooms/{{room}}', content: 'hi' }, send('said')], {
        method: 'POST',
        inputs: { room: 'any' },
      }),
    )
    await expect.poll(async () => (await server.call('/say', { method: 'OPTIONS' })).status).toBe(204)
    const answer = await server.call('/say', { body: { room } })
    expect(answer.status < 400).toBe(isNamed)
    const admins = await held(server, '/v1/channels/rooms/x/admins')
    expect(admins).toHaveLength(Array.isArray(room) && isNamed ? 1 : 0)
  })

  test('steps publish to it, whatever callers may', async () => {
    await using server = await testServer({
      'channels/rooms.yaml': { channel: 'rooms/{room}', subscribe: true, history: { count: 10 } },
      'endpoints/say.json': endpoint(
        '/say/:room',
        [
          {
            function: 'Publish to Channel',
            channel: 'rooms/{{room}}',
            content: { text: '{{text}}' },
            metadata: { by: 'step' },
            as: 'it',
          },
          send('{{it.offset > 0}}'),
        ],
        { inputs: { room: { type: 'text' }, text: { type: 'text' } } },
      ),
    })
    expect((await server.call('/say/7?text=hi&format=text')).text).toBe('true')
    expect(await held(server, '/v1/channels/rooms/7')).toMatchObject([
      { content: { text: 'hi' }, metadata: { by: 'step', sent_at: expect.stringMatching(SENT_AT) } },
    ])
    expect(await held(server, '/v1/channels/rooms/8')).toEqual([])
    const refused = await server.call('/v1/channels/rooms/7', { body: { content: 1 } })
    expect([refused.status, problem(refused)['code']]).toEqual([403, 'forbidden'])
  })
})

describe('what the server says of a message', () => {
  const say = (server: TestServer, body: object, headers = {}): Promise<Answer> =>
    server.call('/v1/channels/news', { body, headers })

  test('is who sent it and when, whatever its publisher says', async () => {
    await using server = await channelServer({ news: OPEN })
    const claimed = { sender: 'eve', sent_at: 'never', mood: 'good' }
    await say(server, { content: 'a', metadata: claimed }, await bearer({ sub: 'ada "x"' }))
    await say(server, { content: 'b', metadata: claimed })
    await say(server, { content: 'c' })
    const time = { sent_at: expect.stringMatching(SENT_AT) }
    expect((await held(server, '/v1/channels/news')).map(({ metadata }) => metadata)).toEqual([
      { ...time, sender: 'ada "x"', mood: 'good' },
      { ...time, sender: null, mood: 'good' },
      { ...time, sender: null },
    ])
    const text = await server.call('/v1/channels/news?format=json')
    expect(text.text).not.toMatch(/eve|never/)
    expect(JSON.parse(text.text)).toEqual({
      run: null,
      outcome: null,
      chunks: expect.any(Array),
      error: null,
      offset: expect.any(Number),
    })
  })

  test('takes nothing from its bytes, and a message that is sent again is the same', async () => {
    await using server = await channelServer({ news: { ...OPEN, max_bytes: 40 } })
    const exact = { content: 'x'.repeat(30), metadata: { a: 1234 } }
    const key = { 'Idempotency-Key': 'k' }
    const first = await say(server, exact, key)
    expect([first.status, (await say(server, { ...exact, content: `${exact.content}x` })).status]).toEqual([201, 413])
    const sentAt = new Date().toISOString()
    while (new Date().toISOString() === sentAt) await new Promise((resolve) => setTimeout(resolve, 1))
    expect((await say(server, exact, key)).text).toBe(first.text)
    const other = await say(server, { ...exact, metadata: { a: 1235 } }, key)
    expect([other.status, problem(other)['code']]).toEqual([422, 'idempotency_conflict'])
  })

  test('of a step is the time; whom it speaks for it says itself', async () => {
    await using server = await testServer({
      'channels/news.yaml': { subscribe: true, history: { count: 5 } },
      'endpoints/say.json': endpoint('/say', [
        { function: 'Publish to Channel', channel: 'news', content: 1, metadata: { sender: 'bot', sent_at: 'never' } },
        { function: 'Publish to Channel', channel: 'news', content: 2 },
      ]),
    })
    await server.call('/say')
    const time = { sent_at: expect.stringMatching(SENT_AT) }
    expect((await held(server, '/v1/channels/news')).map(({ metadata }) => metadata)).toEqual([
      { ...time, sender: 'bot' },
      time,
    ])
  })

  test('is seen by `deliver`', async () => {
    await using server = await channelServer({
      news: { ...OPEN, deliver: "{{metadata.sender}} === 'ada' && {{metadata.sent_at}} > '2020'" },
    })
    await say(server, { content: 'false', metadata: { sender: 'ada' } })
    await say(server, { content: 'true' }, await bearer({ sub: 'ada' }))
    expect((await held(server, '/v1/channels/news')).map(({ content }) => content)).toEqual(['true'])
  })
})

describe('a slip of the pen', () => {
  test.each([
    ['/v1/channels/news?presence=yes', '`presence` is true or false.'],
    ['/v1/channels/news?include_metadata=1', '`include_metadata` is true or false.'],
    ['/v1/channels/news?after=5', 'Write `offset`'],
    ['/v1/channels/news?limit=5', '`history`'],
    ['/v1/channels/news?ofset=5', 'Did you mean `offset`?'],
    ['/v1/presence/news?fromat=json', 'Did you mean `format`?'],
  ])('is refused: %s', async (path, words) => {
    await using server = await channelServer({ news: { ...OPEN, presence: true } })
    const answer = await server.call(path)
    expect([answer.status, problem(answer)['code']]).toEqual([400, 'header_invalid'])
    expect(problem(answer)['detail']).toContain(words)
  })

  test('is not what others in between add to a URL', async () => {
    await using server = await channelServer({ news: OPEN })
    expect((await server.call('/v1/channels/news?format=json&_=17&utm_source=x&presence=false')).status).toBe(200)
  })

  test.each([
    ['DELETE', '/v1/channels/news', 'GET, POST, OPTIONS', 'Publish with POST'],
    ['HEAD', '/v1/channels/a/b', 'GET, POST, OPTIONS', ''],
    ['PUT', '/v1/channels/news', 'GET, POST, OPTIONS', 'Publish with POST'],
    ['POST', '/v1/presence/news', 'GET, OPTIONS', '?presence=true'],
    ['POST', '/v1/stream/channels/news', 'GET, HEAD, OPTIONS', 'Publish with POST to /v1/channels/<name>'],
    ['PUT', '/v1/stream/channels/news', 'GET, HEAD, OPTIONS', 'Publish with POST to /v1/channels/<name>'],
    ['DELETE', '/v1/stream/runs/x', 'GET, HEAD, OPTIONS', '/v1/runs/<id>/cancel'],
    ['PUT', '/v1/stream/runs/x', 'GET, HEAD, OPTIONS', ''],
    ['POST', '/v1/stream/runs/x', 'GET, HEAD, OPTIONS', ''],
  ])('in the method, as %s %s, is answered with those that there are', async (method, path, allow, words) => {
    await using server = await channelServer({ news: OPEN })
    const body = method === 'HEAD' ? {} : { body: '{"content":1}' }
    const answer = await server.call(path, { method, ...body })
    expect([answer.status, answer.headers['allow']]).toEqual([405, allow])
    if (method === 'HEAD') return
    expect(problem(answer)['code']).toBe('method_not_allowed')
    expect(problem(answer)['detail']).toContain(words)
  })

  test('in a step is the fault of the endpoint, and of its caller where the caller names the channel', async () => {
    await using server = await testServer({
      'channels/news.yaml': { subscribe: true, max_bytes: 10 },
      'endpoints/say.json': endpoint(
        '/say/:name',
        [{ function: 'Publish to Channel', channel: '{{name}}', content: 'longer than ten bytes' }],
        { inputs: { name: { type: 'text' } } },
      ),
    })
    for (const [name, status, code] of [
      ['news', 500, 'body_too_large'],
      ['nowhere', 400, 'input_unusable'],
    ] as const) {
      const answer = await server.call(`/say/${name}`)
      expect([answer.status, problem(answer)['code']]).toEqual([status, code])
      expect(problem(answer)['detail']).toContain(`Channel "${name}"`)
    }
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
    for (const content of [null, { text: 'seen' }, { to: 'ada', text: 'unseen' }])
      await publish(server, 'direct', content)
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
