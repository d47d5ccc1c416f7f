import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type TestServer, endpoint, send, testServer } from '@streamstack/test-support/test-server'
import { isError, isType, openWebSocket } from '@streamstack/test-support/websocket-client'

/** Objects of five names each, 80,000 names in all, none of which comes twice. */
const objects = Array.from({ length: 16_000 }, (_, n) =>
  Object.fromEntries([0, 1, 2, 3, 4].map((m) => [`n${n}${'abcde'.charAt(m)}`, m])),
)
const json = JSON.stringify(objects)
const cut = json.slice(0, -1)
const last = { n15999a: 0, n15999b: 1, n15999c: 2, n15999d: 3, n15999e: 4 }

let server: TestServer

beforeAll(async () => {
  server = await testServer({
    'streamstack.yaml': { streams: { access: 'open' }, server: { body_limit: '4mb' } },
    'channels/news.yaml': { publish: true, subscribe: true, max_bytes: 1_000_000 },
    'endpoints/count.json': endpoint('/count', [send(['{{items.length}}', '{{items[15999]}}'])], {
      method: 'POST',
      inputs: { items: { type: 'list' } },
    }),
    'endpoints/parse.json': endpoint('/parse', [send('{{JSON.parse(text).length}}')], {
      method: 'POST',
      inputs: { text: { type: 'text', max_length: 3_000_000 } },
    }),
  })
})

afterAll(() => server[Symbol.asyncDispose]())

const TYPE = { 'Content-Type': 'application/json' }
const post = (path: string, body: string): ReturnType<TestServer['call']> =>
  server.call(path, { method: 'POST', headers: TYPE, body })

describe('1 MB of JSON whose names are all different', () => {
  test('is the inputs of a call', async () => {
    const { status, text } = await post('/count?format=json', `{"items":${json}}`)
    expect(status).toBe(200)
    expect(JSON.parse(text)).toMatchObject({ chunks: [{ content: [16_000, last] }] })
  })

  test.each([
    ['cut off', `{"items":${cut}}`, /not valid JSON: line 1, column \d+: expected /],
    ['no object', json, /is a JSON list/],
    [
      'of too many names in one object',
      JSON.stringify({ items: [Object.fromEntries(Array.from({ length: 10_001 }, (_, n) => [`n${n}`, n]))] }),
      /more than 10,000 names in one object; send a list/,
    ],
    ['of too many names', `{"items":${json},"more":${json}}`, /more than 100,000 names/],
    ['with a long number', `{"items":[${json},12345678901234567890]}`, /whole number beyond 2\^53/],
    [
      'with long numbers in very many objects',
      `{"items":[${'{"a":12345678901234567890},'.repeat(10_001)}0]}`,
      /whole numbers beyond 2\^53 in more than 10,000 objects/,
    ],
  ])('is refused when it is %s, in words that a small one gets', async (_, body, message) => {
    const { status, text } = await post('/count', body)
    expect(status).toBeGreaterThanOrEqual(400)
    expect(status).toBeLessThan(500)
    expect(text).toMatch(message)
    expect(text).not.toContain('n15999')
  })

  test('is a message of a WebSocket, and its refusal has the id', async () => {
    await using client = await openWebSocket(server.url)
    client.send(
      { type: 'publish', id: 'sent', channel: 'news', content: objects },
      { type: 'publish', id: 'many', channel: 'news', content: [objects, objects] },
    )
    await client.until(isType('published'))
    const { error } = await client.until(isError('many'))
    expect(error.message).toContain('more than 100,000 names')
  })

  test('is appended to a stream by name, once it is JSON', async () => {
    expect((await server.call('/v1/stream/large', { method: 'PUT', headers: TYPE })).status).toBe(201)
    expect((await post('/v1/stream/large', cut)).status).toBe(400)
    expect((await post('/v1/stream/large', '[{"a":1}]')).status).toBe(204)
    expect((await post('/v1/stream/large', json)).status).toBe(204)
    const { text } = await server.call('/v1/stream/large')
    expect(JSON.parse(text)).toEqual([{ a: 1 }, ...objects])
  })

  test('is more than JSON.parse in an expression may make, while records of the same names are not', async () => {
    const refused = await post('/parse', JSON.stringify({ text: json }))
    expect(refused.text).toContain('more than 1,000,000 steps')
    const records = JSON.stringify(Array.from({ length: 16_000 }, (_, n) => ({ id: n, name: `n${n}`, isNew: true })))
    const { text } = await post('/parse?format=json', JSON.stringify({ text: records }))
    expect(JSON.parse(text)).toMatchObject({ chunks: [{ content: 16_000 }] })
  })
})
