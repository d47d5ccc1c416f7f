import { type Socket, connect } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { closedGate } from '@streamstack/test-support/gate'
import { withEnoughTime } from '@streamstack/test-support/enough-time'
import { makeToken } from '@streamstack/test-support/credentials'
import { type TestServer, endpoint, send, testServer } from '@streamstack/test-support/test-server'
import { isError, isType, openWebSocket } from '@streamstack/test-support/websocket-client'

const open = { streams: { access: 'open' } }

const hello = { 'endpoints/hello.json': endpoint('/hello', [send('Hello')]) }

const json = { 'Content-Type': 'application/json' }

describe('a subscription of the open protocol', () => {
  const put = (server: TestServer, body: object): ReturnType<TestServer['call']> =>
    server.call('/v1/stream/__ds/subscriptions/s', { method: 'PUT', headers: json, body })

  test('writes its wakes into no channel and no run', async () => {
    await using server = await testServer({
      'streamstack.yaml': open,
      ...hello,
      'channels/news.yaml': { publish: true, subscribe: true, history: { count: 10 }, delivery: 'durable' },
    })
    const publish = (): ReturnType<TestServer['call']> =>
      server.call('/v1/channels/news', { headers: json, body: { content: 'Rain' } })
    expect((await publish()).status).toBe(201)
    const wakeStream = '\u0001channels/news'
    const refused = await put(server, { type: 'pull-wake', pattern: 'mine/**', wake_stream: wakeStream })
    expect(refused.status).toBe(400)
    expect(refused.text).toContain('wake_stream')
    await server.call('/v1/stream/mine/1', { method: 'PUT', headers: json, body: [1] })
    expect((await publish()).status).toBe(201)
    const { text } = await server.call('/v1/channels/news?format=json')
    expect((JSON.parse(text) as { chunks: unknown[] }).chunks).toHaveLength(2)
  })

  test('follows no stream of the server by its inner name', async () => {
    await using server = await testServer({
      'streamstack.yaml': open,
      'endpoints/kept.json': endpoint('/kept', [send('x')], { settings: { delivery: 'durable' } }),
    })
    const { headers } = await server.call('/kept')
    const name = `\u0001runs/${String(headers['stream-run'])}`
    const explicit = await put(server, { type: 'pull-wake', streams: [name], wake_stream: 'wake' })
    expect(explicit.status).toBe(400)
    const all = await put(server, { type: 'pull-wake', pattern: '**', wake_stream: 'wake' })
    expect(all.status).toBe(201)
    expect(all.text).not.toContain(String(headers['stream-run']))
    const added = await server.call('/v1/stream/__ds/subscriptions/s/streams', {
      headers: json,
      body: { streams: [name] },
    })
    expect(added.status).toBe(400)
  })
})

describe('the list of runs, where streams are open', () => {
  test('is for no page whose name was made to lead to this machine', async () => {
    await using server = await testServer({ 'streamstack.yaml': open, ...hello })
    const { headers } = await server.call('/hello')
    const run = String(headers['stream-run'])
    expect((await server.call('/v1/runs')).text).toContain(run)
    const rebound = await server.call('/v1/runs', { headers: { Host: 'attacker.example' } })
    expect(rebound.status).toBe(403)
    expect(rebound.text).not.toContain(run)
    const foreign = await server.call('/v1/runs', { headers: { Origin: 'https://attacker.example' } })
    expect(foreign.status).toBe(403)
    expect(foreign.text).not.toContain(run)
  })

  test('stays closed when settings that are read again would open it: the host was checked at the start', async () => {
    await using server = await testServer({ 'streamstack.yaml': {}, ...hello }, { watch: true })
    const { headers } = await server.call('/hello')
    await server.write('streamstack.yaml', { ...open, name: 'read again', log: { level: 'silent' } })
    while (!(await server.call('/')).text.includes('read again')) await setTimeout(20)
    const list = await server.call('/v1/runs')
    expect(list.status).toBe(403)
    expect(list.text).not.toContain(String(headers['stream-run']))
  })
})

describe('what the server tells of itself', () => {
  const SECRET = 'a secret of the tests, as long as a key has to be'
  const METRICS = '/v1/stream/system/metrics'
  const files = { 'streamstack.yaml': { auth: { jwt: { secret: SECRET, clock_tolerance: '0s' } } }, ...hello }
  const token = (expiresSeconds: number, roles: string[]): Promise<string> =>
    makeToken({ secret: SECRET, sub: 'ops', roles, expiresSeconds })

  test.each(['?format=ndjson', '?offset=now&live=sse'])('is told no longer than the token lasts: %s', async (query) => {
    await using server = await testServer(files)
    const reading = await withEnoughTime(async (seconds) => {
      const headers = { Authorization: `Bearer ${await token(seconds, ['system:read'])}` }
      const open = await server.open(METRICS + query, { headers })
      expect(open.status).toBe(200)
      return open
    })
    const { text } = await reading.ended
    expect(text).not.toContain('event: end')
    expect(text).not.toContain('"type":"end"')
  })

  test('is told no more to a connection whose fresh token does not allow it', async () => {
    await using server = await testServer(files)
    const protocols = ['streamstack.v1', `streamstack.token.${await token(600, ['system:read'])}`]
    await using client = await openWebSocket(server.url, { protocols })
    client.send({ type: 'read', id: 'm', stream: METRICS })
    await client.until(isType('chunk'))
    client.send({ type: 'auth', token: await token(600, []) })
    const { error } = await client.until(isError('m'))
    expect(error.code).toBe('forbidden')
    client.send({ type: 'read', id: 'again', stream: METRICS })
    expect((await client.until(isError('again'))).error.code).toBe('forbidden')
    expect(client.messages.at(-1)?.type).toBe('error')
  })
})

test('a subscriber that may see few of very many messages delays no other', async () => {
  await using server = await testServer({
    'channels/direct.yaml': {
      publish: true,
      subscribe: true,
      history: { count: 10_000 },
      deliver: '{{message}} === {{"for all"}}',
    },
    'endpoints/fill.json': endpoint('/fill', [
      {
        function: 'For',
        count: 5_000,
        inner_functions: [{ function: 'Publish to Channel', channel: 'direct', content: 'for another' }],
      },
      { function: 'Publish to Channel', channel: 'direct', content: 'for all' },
    ]),
  })
  expect((await server.call('/fill?format=json')).status).toBe(200)
  await using client = await openWebSocket(server.url)
  client.send({ type: 'subscribe', id: 'direct', channel: 'direct' }, { type: 'ping' })
  await client.until(isType('chunk'))
  const order = client.messages.map(({ type }) => type)
  expect(order).toEqual(['welcome', 'open', 'pong', 'chunk'])
})

describe('whole results that no client reads', () => {
  test('fill no memory: beyond a bound they are refused, and given again when there is room', async () => {
    await using server = await testServer({
      'streamstack.yaml': { streams: { window_bytes: '32mb' } },
      'channels/full.yaml': { publish: true, subscribe: true, max_bytes: 1_000_000, history: { count: 100 } },
    })
    // Nearly 16 MiB, the most that a whole result may hold: a dozen of them fill the bound on all together.
    for (let i = 0; i < 16; i++) {
      await server.call('/v1/channels/full', { headers: json, body: { content: 'a'.repeat(900_000) } })
    }
    const path = '/v1/channels/full?format=json'
    const { hostname, port } = new URL(server.url)
    const sockets: Socket[] = []
    let refused = await server.call(path)
    while (refused.status === 200) {
      const socket = connect(Number(port), hostname).pause()
      // More than the kernel takes in hand.
      socket.write(`GET ${path} HTTP/1.1\r\nHost: ${hostname}\r\n\r\n`)
      sockets.push(socket)
      refused = await server.call(path)
    }
    expect(refused.status).toBe(503)
    expect(refused.headers['retry-after']).toBe('5')
    // Formats that stream go on.
    const streamed = await server.open('/v1/channels/full?format=lines')
    await streamed.until('aaaa')
    streamed.leave()
    for (const socket of sockets) socket.destroy()
    let again = await server.call(path)
    while (again.status === 503) again = await server.call(path)
    expect((JSON.parse(again.text) as { chunks: unknown[] }).chunks).toHaveLength(16)
  })
})

describe('a time longer than timers count', () => {
  test('is not over at once: a run goes on, and so does one without readers for now', async () => {
    await using gate = await closedGate()
    await using server = await testServer({
      'streamstack.yaml': { limits: { max_duration: '60d' }, outbound: { allow: [gate.host] } },
      'endpoints/long.json': endpoint(
        '/long',
        [send('one'), gate.step, send('two'), { function: 'Sleep', duration: 150 }],
        { settings: { on_disconnect: 'cancel', disconnect_grace: '60d' } },
      ),
    })
    const first = await server.open('/long')
    await first.until('one')
    first.leave()
    await setTimeout(50)
    const again = await server.open(String(first.headers['stream-url']))
    gate.open()
    const { text } = await again.ended
    expect(text).toContain('two')
    expect(text).toContain('"outcome":"completed"')
    expect(text).not.toContain('max_duration')
  })
})
