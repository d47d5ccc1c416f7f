import { describe, expect, test } from 'vitest'
import { bearer, channelServer, got, held, publish } from './support/channel-calls.ts'
import { problem } from './support/http-client.ts'
import { sseEvents } from './support/sse-events.ts'
import { endpoint, send, testServer } from './support/test-server.ts'

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
    ['holds a forbidden name', '{"content":{"__proto__":{"x":1}}}', 400, 'body_unreadable', '__proto__'],
    ['is cut off', '{"content":', 400, 'body_unreadable', 'JSON'],
    ['is a list', '[1]', 400, 'body_unreadable', 'list'],
    ['is too large', JSON.stringify({ content: 'x'.repeat(70_000) }), 413, 'body_too_large', 'max_bytes'],
    ['is far too large', JSON.stringify({ content: 'x'.repeat(900_000) }), 413, 'body_too_large', 'larger'],
    ['is too large in bytes', JSON.stringify({ content: 'é'.repeat(40_000) }), 413, 'body_too_large', 'max_bytes'],
  ])('refuses a message that %s', async (_, body, status, code, word) => {
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
      { content: { text: 'hi' }, metadata: { by: 'step' } },
    ])
    expect(await held(server, '/v1/channels/rooms/8')).toEqual([])
    const refused = await server.call('/v1/channels/rooms/7', { body: { content: 1 } })
    expect([refused.status, problem(refused)['code']]).toEqual([403, 'forbidden'])
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
