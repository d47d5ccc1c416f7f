import { SignJWT } from 'jose'
import { EventSource } from 'eventsource'
import { describe, expect, test } from 'vitest'
import { createClient } from '@streamstack/client'
import { makeApiKey } from '@streamstack/test-support/credentials'
import { type Answer, problem } from '@streamstack/test-support/http-client'
import { type TestServer, endpoint, send, testServer } from '@streamstack/test-support/test-server'
import { contentsOf, isEnd, openWebSocket } from '@streamstack/test-support/websocket-client'

const SECRET = 'a-secret-for-tests-that-is-long-enough'

const key = makeApiKey()

const files = (auth: object) => ({
  'streamstack.yaml': { auth, channels: { presence_grace: '0s' } },
  'channels/room.json': { channel: 'rooms/{room}', publish: true, subscribe: 'token', history: { count: 10 } },
  'endpoints/mine.json': endpoint('/mine', [send('You are {{auth.sub}}.')], { settings: { authentication: true } }),
  'endpoints/own-input.json': endpoint('/own-input', [send('{{ticket}} of {{auth.sub}}')], {
    inputs: { ticket: { type: 'text' } },
    settings: { authentication: true },
  }),
  'endpoints/post.json': endpoint('/post', [send('posted')], { method: 'POST', settings: { authentication: true } }),
})

const both = { jwt: { secret: SECRET }, keys: { n8n: { hash: key.hash, scopes: ['system:read', 'streams:read'] } } }

const server = (auth: object = both): Promise<TestServer> => testServer(files(auth), { watch: true })

async function as(sub: string, claims: object = {}): Promise<Record<string, string>> {
  const token = new SignJWT({ sub, ...claims }).setProtectedHeader({ alg: 'HS256' }).setExpirationTime('5m')
  return { Authorization: `Bearer ${await token.sign(new TextEncoder().encode(SECRET))}` }
}

async function ticketFor(one: TestServer, stream: string, headers: Record<string, string>): Promise<string> {
  const answer = await one.call('/v1/tickets', { body: { stream }, headers })
  expect(answer.status).toBe(201)
  expect(answer.headers['cache-control']).toBe('no-store')
  const { ticket, url, expires_in: seconds } = JSON.parse(answer.text) as Record<string, unknown>
  expect({ url, seconds }).toEqual({ url: `${stream}?ticket=${String(ticket)}`, seconds: 30 })
  return String(ticket)
}

const refusal = (answer: Answer): unknown => [answer.status, problem(answer)['reason']]

describe('a ticket', () => {
  test('opens one channel for its caller, once', async () => {
    await using one = await server()
    const path = '/v1/channels/rooms/1'
    await one.call(path, { body: { content: 'hello' } })
    const ticket = await ticketFor(one, path, await as('ann'))
    const stream = await one.open(`${path}?ticket=${ticket}&format=sse`)
    await stream.until('hello')
    expect(stream.headers['cache-control']).toContain('no-store')
    expect(stream.headers['referrer-policy']).toBe('no-referrer')
    // An EventSource that reconnects by itself sends the same URL.
    const again = await one.call(`${path}?ticket=${ticket}`, { headers: { 'Last-Event-ID': '1' } })
    expect(refusal(again)).toEqual([401, 'ticket'])
    expect(again.text).not.toContain(ticket)
    stream.leave()
  })

  test('is used up by a request for another stream', async () => {
    await using one = await server()
    const ticket = await ticketFor(one, '/v1/channels/rooms/1', await as('ann'))
    for (const path of ['/v1/channels/rooms/2', '/v1/channels/rooms/1']) {
      expect(refusal(await one.call(`${path}?ticket=${ticket}`))).toEqual([401, 'ticket'])
    }
  })

  test.each([
    ['that was never made', `sst_${'A'.repeat(43)}`],
    ['that is empty', ''],
    ['that is a token', 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbm4ifQ.x'],
    ['that is an API key', key.key],
  ])('%s is refused', async (_what, ticket) => {
    await using one = await server()
    expect(refusal(await one.call(`/v1/channels/rooms/1?ticket=${ticket}`))).toEqual([401, 'ticket'])
  })

  test('opens runs of its caller, and no run of another', async () => {
    await using one = await server()
    const ann = await as('ann')
    const run = await one.call('/mine', { headers: ann })
    const path = String(run.headers['stream-url'])
    const read = async (headers: Record<string, string>): Promise<Answer> =>
      one.call(`${path}?format=text&ticket=${await ticketFor(one, path, headers)}`)
    expect((await read(ann)).text).toBe('You are ann.')
    const other = await read(await as('bob'))
    expect([other.status, problem(other)['code']]).toEqual([404, 'run_unknown'])
    expect(refusal(await one.call(`${path}?ticket=sst_x`))).toEqual([401, 'ticket'])
  })

  test('has the rights of its caller, no more', async () => {
    await using one = await server()
    for (const path of ['/v1/stream/system/metrics', '/v1/stream/none']) {
      const ticket = await ticketFor(one, path, await as('ann'))
      expect((await one.call(`${path}?ticket=${ticket}`)).status).toBe(403)
    }
    const path = '/v1/stream/none'
    const ticket = await ticketFor(one, path, { Authorization: `Bearer ${key.key}` })
    expect(problem(await one.call(`${path}?ticket=${ticket}`))['code']).toBe('stream_unknown')
  })

  test('calls a GET endpoint; an input of the same name stays an input', async () => {
    await using one = await server()
    const ticket = await ticketFor(one, '/mine', await as('ann'))
    expect((await one.call(`/mine?format=text&ticket=${ticket}`)).text).toBe('You are ann.')
    const other = await ticketFor(one, '/own-input', await as('ann'))
    expect(refusal(await one.call(`/own-input?ticket=${other}`))).toEqual([401, 'missing'])
    const answer = await one.call(`/own-input?format=text&ticket=${other}`, { headers: await as('bob') })
    expect(answer.text).toBe(`${other} of bob`)
  })

  test('opens a WebSocket once, and the connection has its caller', async () => {
    await using one = await server()
    const ticket = await ticketFor(one, '/v1/ws', await as('ann'))
    await using socket = await openWebSocket(one.url, { query: `?ticket=${ticket}` })
    socket.send({ type: 'call', id: 'a', endpoint: 'GET /mine' })
    await socket.until(isEnd('a'))
    expect(contentsOf(socket.messages, 'a')).toEqual(['You are ann.'])
    expect(socket.messages[0]).toMatchObject({ type: 'welcome', subject: 'ann' })
    await using again = await openWebSocket(one.url, { query: `?ticket=${ticket}` })
    expect(await again.closed).toMatchObject({ code: 4401 })
    expect(JSON.stringify([...socket.messages, ...again.messages])).not.toContain(ticket)
  })

  test('ends with the key or token behind it, used or not', async () => {
    await using one = await server()
    const path = '/v1/channels/rooms/1'
    const headers = { Authorization: `Bearer ${key.key}` }
    await one.call(path, { body: { content: 'hello' } })
    const [used, unused] = [await ticketFor(one, path, headers), await ticketFor(one, path, headers)]
    const stream = await one.open(`${path}?ticket=${used}&format=sse`)
    await stream.until('hello')
    await one.write('streamstack.yaml', { ...files({ jwt: both.jwt })['streamstack.yaml'], log: { level: 'silent' } })
    await stream.until('unauthenticated')
    await stream.ended
    expect((await one.call(`${path}?ticket=${unused}`)).status).toBe(401)
  })

  test('is made for callers with a token only, and a ticket makes no other', async () => {
    await using one = await server()
    const body = { stream: '/v1/channels/rooms/1' }
    expect(refusal(await one.call('/v1/tickets', { body }))).toEqual([401, 'missing'])
    const ticket = await ticketFor(one, '/v1/tickets', await as('ann'))
    expect(refusal(await one.call(`/v1/tickets?ticket=${ticket}`, { body }))).toEqual([401, 'missing'])
    const forPost = await ticketFor(one, '/post', await as('ann'))
    expect(refusal(await one.call(`/post?ticket=${forPost}`, { body: {} }))).toEqual([401, 'missing'])
    await using none = await testServer({ 'endpoints/a.json': endpoint('/a', [send('a')]) })
    expect((await none.call('/v1/tickets', { body })).status).toBe(503)
  })

  test.each([
    ['nothing', {}],
    ['another server', { stream: 'https://evil.example/v1/channels/a' }],
    ['another host', { stream: '//evil.example/' }],
    ['a query', { stream: '/v1/channels/a?presence=true' }],
    ['a line break', { stream: '/v1/channels/a\r\nX: y' }],
    ['a list', { stream: ['/a'] }],
    ['a long path', { stream: `/${'a'.repeat(3_000)}` }],
  ])('is not made for %s', async (_what, body) => {
    await using one = await server()
    expect((await one.call('/v1/tickets', { body, headers: await as('ann') })).status).toBe(400)
  })

  test('waits unused a hundred times for one caller, and others still get theirs', async () => {
    await using one = await server()
    const ann = await as('ann')
    const body = { stream: '/mine' }
    const statuses = await Promise.all(
      Array.from({ length: 101 }, async () => (await one.call('/v1/tickets', { body, headers: ann })).status),
    )
    expect(statuses.filter((status) => status === 201)).toHaveLength(100)
    expect(statuses.filter((status) => status === 429)).toHaveLength(1)
    await ticketFor(one, '/mine', await as('bob'))
  })
})

describe('the client', () => {
  test('makes URLs for an EventSource, which gets a new one when it was cut', async () => {
    await using one = await server()
    const token = (await as('ann'))['Authorization']?.slice(7) ?? ''
    const client = createClient({ url: one.url, token })
    const room = client.channel('rooms/1')
    const first = await room.publish('one')
    const url = await client.ticketUrl('/v1/channels/rooms/1?format=sse')
    const next = async (from: string): Promise<{ data: string; id: string }> => {
      const events = new EventSource(from)
      try {
        return await new Promise((resolve, reject) => {
          events.addEventListener('message', ({ data, lastEventId: id }) => resolve({ data: String(data), id }))
          events.addEventListener('error', ({ code }) => reject(new Error(`refused with ${code}`)))
        })
      } finally {
        events.close()
      }
    }
    expect(await next(url)).toEqual({ data: '"one"', id: String(first.offset) })
    await expect(next(url)).rejects.toThrow('refused with 401')
    await room.publish('two')
    const again = await client.ticketUrl(`/v1/channels/rooms/1?format=sse&offset=${first.offset}`)
    expect(await next(again)).toMatchObject({ data: '"two"' })
    await expect(client.ticketUrl('https://elsewhere.example/a')).rejects.toMatchObject({ code: 'call_invalid' })
    await expect(createClient({ url: one.url }).ticketUrl('/a')).rejects.toMatchObject({ code: 'unauthenticated' })
    client.close()
  })

  test('opens its WebSocket with a ticket when told to, and no handshake has the token', async () => {
    await using one = await server()
    const token = (await as('ann'))['Authorization']?.slice(7) ?? ''
    const opened: string[] = []
    const Real = globalThis.WebSocket
    class Seen extends Real {
      constructor(url: string | URL, protocols?: string | string[]) {
        opened.push(`${String(url)} ${String(protocols)}`)
        super(url, protocols)
      }
    }
    globalThis.WebSocket = Seen
    try {
      const client = createClient({ url: one.url, token, transport: 'websocket', socketCredential: 'ticket' })
      const contents: unknown[] = []
      for await (const { content } of client.call('GET /mine')) contents.push(content)
      client.close()
      expect(contents).toEqual(['You are ann.'])
      expect(opened).toEqual([expect.stringMatching(/\/v1\/ws\?ticket=sst_[\w-]{43} streamstack\.v1$/)])
    } finally {
      globalThis.WebSocket = Real
    }
  })
})
