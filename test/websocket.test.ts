import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { CLOSE_CODES, type ServerMessage } from '@streamstack/protocol'
import { makeToken } from '@streamstack/test-support/credentials'
import { closedGate } from '@streamstack/test-support/gate'
import { serve } from 'streamstack'
import { contents } from '@streamstack/test-support/http-client'
import { tempWorkspace } from '@streamstack/test-support/temp-workspace'
import { type TestServer, endpoint, send, testServer } from '@streamstack/test-support/test-server'
import {
  type WebSocketClient,
  contentsOf,
  isEnd,
  isError,
  isType,
  openWebSocket,
  under,
} from '@streamstack/test-support/websocket-client'

const fixture = (name: string): string => fileURLToPath(new URL(`fixtures/tls/${name}.pem`, import.meta.url))

const SECRET = 'a secret of the tests, as long as a key has to be'

/** So many chunks, with the number of each and what it was asked with. */
const counting = (path: string, count: number, more: Parameters<typeof endpoint>[2] = {}): object =>
  endpoint(
    path,
    [
      {
        function: 'For',
        count,
        inner_functions: [send({ of: '{{name}}', number: '{{current_batch}}' }, { at: '{{current_batch}}' })],
      },
    ],
    { method: 'POST', inputs: { name: { type: 'text', required: true } }, ...more },
  )

let server: TestServer
let ann: string
let bob: string

beforeAll(async () => {
  server = await testServer({
    'streamstack.yaml': { auth: { jwt: { secret: SECRET } }, streams: { heartbeat: '200ms' } },
    'endpoints/count.json': counting('/count', 500),
    'endpoints/own.json': counting('/own', 3, { settings: { authentication: true } }),
    'endpoints/admin.json': counting('/admin', 3, { settings: { authentication: { type: 'jwt', roles: ['admin'] } } }),
    'endpoints/item.json': endpoint('/items/:name', [send('{{name}} {{size}}')], {
      inputs: { name: { type: 'text' }, size: { type: 'integer', default: 1 } },
    }),
    'endpoints/kinds.json': endpoint('/kinds', [
      send('Grüße 😀\n"quoted"'),
      send({ deep: [1, { two: null }] }),
      send('[DONE]'),
      send(''),
    ]),
    'endpoints/large.json': endpoint('/large', [send('{{text}}'), send('after')], {
      method: 'POST',
      inputs: { text: { type: 'text' } },
    }),
    'endpoints/fails.json': endpoint('/fails', [send('one'), { function: 'Throw Error', message: 'no' }]),
    'endpoints/fails-first.json': endpoint('/fails-first', [{ function: 'Throw Error', message: 'no' }]),
    'endpoints/slow.json': endpoint('/slow', [send('begun'), { function: 'Sleep', duration: 60_000 }], {
      settings: { authentication: true },
    }),
    'endpoints/left.json': endpoint('/left', [send('begun'), { function: 'Sleep', duration: 60_000 }], {
      settings: { on_disconnect: 'cancel', disconnect_grace: '50ms' },
    }),
    'endpoints/header.json': endpoint('/header', [
      { function: 'Set Response Header', name: 'X-Test', value: 'yes' },
      send('sent'),
    ]),
  })
  ann = await makeToken({ secret: SECRET, sub: 'ann', expiresSeconds: 600 })
  bob = await makeToken({ secret: SECRET, sub: 'bob', expiresSeconds: 600 })
})
afterAll(() => server[Symbol.asyncDispose]())

const connect = (token?: string): Promise<WebSocketClient> =>
  openWebSocket(server.url, token === undefined ? {} : { headers: { Authorization: `Bearer ${token}` } })

const runOf = (messages: readonly ServerMessage[], id: string): string | null | undefined =>
  under(messages, id).flatMap((message) => (message.type === 'open' ? [message.run] : []))[0]

/** The path of the stream that is open under an id. */
async function opened(socket: WebSocketClient, id: string): Promise<Extract<ServerMessage, { type: 'open' }>> {
  return socket.until(
    (message): message is Extract<ServerMessage, { type: 'open' }> => message.type === 'open' && message.id === id,
  )
}

describe('a call', () => {
  test('brings its run: where it can be read, each chunk with its offset, the outcome', async () => {
    await using socket = await connect()
    socket.send({ type: 'call', id: 'a', endpoint: 'GET /kinds' })
    await socket.until(isEnd('a'))
    const [welcome, ...messages] = socket.messages
    expect(welcome).toEqual({ type: 'welcome', subject: null, expires_in: null })
    const run = runOf(messages, 'a') as string
    expect(messages).toEqual([
      { type: 'open', id: 'a', url: `/v1/stream/runs/${run}`, run, after: 0 },
      { type: 'chunk', id: 'a', offset: 1, content: 'Grüße 😀\n"quoted"', metadata: null },
      { type: 'chunk', id: 'a', offset: 2, content: { deep: [1, { two: null }] }, metadata: null },
      { type: 'chunk', id: 'a', offset: 3, content: '[DONE]', metadata: null },
      { type: 'chunk', id: 'a', offset: 4, content: '', metadata: null },
      { type: 'end', id: 'a', outcome: 'completed', offset: 4, error: null },
    ])
  })

  test('gives the same chunks as over HTTP', async () => {
    await using socket = await connect()
    socket.send({ type: 'call', id: 'a', endpoint: 'GET /kinds' })
    await socket.until(isEnd('a'))
    const answer = await server.call(`${(await opened(socket, 'a')).url}?format=ndjson`)
    expect(contentsOf(socket.messages, 'a')).toEqual(contents(answer.text))
  })

  test('takes inputs from the message and from the path, and checks them as HTTP does', async () => {
    await using socket = await connect()
    socket.send(
      { type: 'call', id: 'a', endpoint: 'GET /items/pen', inputs: { size: 3 } },
      { type: 'call', id: 'b', endpoint: 'GET /items/pen', inputs: { size: 'three' } },
      { type: 'call', id: 'c', endpoint: 'POST /count', inputs: {} },
    )
    await socket.until(isEnd('a'))
    expect(contentsOf(socket.messages, 'a')).toEqual(['pen 3'])
    for (const id of ['b', 'c']) expect((await socket.until(isError(id))).error.code).toBe('input_invalid')
  })

  test.each([
    ['an endpoint that is not there', 'POST /nothing', 'endpoint_unknown'],
    ['another method', 'GET /count', 'method_not_allowed'],
    ['no method', '/count', 'message_invalid'],
    ['a query', 'GET /items/pen?size=2', 'message_invalid'],
    ['HEAD', 'HEAD /kinds', 'method_not_allowed'],
    ["the server's own routes", 'GET /v1/runs', 'endpoint_unknown'],
    ['a malformed path', 'GET /items/%ff', 'endpoint_unknown'],
    ['a prototype name', 'GET /__proto__', 'endpoint_unknown'],
  ])('of %s is refused, and nothing else', async (_, route, code) => {
    await using socket = await connect()
    socket.send({ type: 'call', id: 'a', endpoint: route }, { type: 'call', id: 'b', endpoint: 'GET /kinds' })
    expect((await socket.until(isError('a'))).error.code).toBe(code)
    expect(under(socket.messages, 'a')).toHaveLength(1)
    await socket.until(isEnd('b'))
  })

  test('tells an error in the stream, with an offset, and then the outcome', async () => {
    await using socket = await connect()
    socket.send(
      { type: 'call', id: 'a', endpoint: 'GET /fails' },
      { type: 'call', id: 'b', endpoint: 'GET /fails-first' },
    )
    const ends = await Promise.all([socket.until(isEnd('a')), socket.until(isEnd('b'))])
    const error = { code: 'thrown', message: 'no', recoverable: false, retry_after: null }
    expect(under(socket.messages, 'a').slice(1)).toEqual([
      { type: 'chunk', id: 'a', offset: 1, content: 'one', metadata: null },
      { type: 'fault', id: 'a', offset: 2, error },
      { type: 'end', id: 'a', outcome: 'failed', offset: 2, error },
    ])
    expect(ends[1]).toEqual({ type: 'end', id: 'b', outcome: 'failed', offset: 0, error })
  })

  test('may set headers, which have no effect here', async () => {
    await using socket = await connect()
    socket.send({ type: 'call', id: 'a', endpoint: 'GET /header' })
    expect(await socket.until(isEnd('a'))).toMatchObject({ outcome: 'completed' })
  })

  test.each([0, 100, 125, 126, 60_000, 65_400, 65_536, 200_000])(
    'a chunk of %i characters arrives whole',
    async (size) => {
      await using socket = await connect()
      const text = 'x'.repeat(size)
      socket.send({ type: 'call', id: 'a', endpoint: 'POST /large', inputs: { text } })
      await socket.until(isEnd('a'))
      expect(contentsOf(socket.messages, 'a')).toEqual([text, 'after'])
    },
  )

  test('with a key runs once, however often it is sent, and resumes after an offset', async () => {
    await using socket = await connect()
    const call = { type: 'call', endpoint: 'POST /count', inputs: { name: 'keyed' }, key: 'a-key' } as const
    socket.send({ ...call, id: 'a' })
    await socket.until(isEnd('a'))
    await using other = await connect()
    other.send({ ...call, id: 'b', after: 490 }, { ...call, id: 'c', inputs: { name: 'other' } })
    await other.until(isEnd('b'))
    expect(runOf(other.messages, 'b')).toBe(runOf(socket.messages, 'a'))
    expect(contentsOf(other.messages, 'b')).toEqual(contentsOf(socket.messages, 'a').slice(490))
    expect((await other.until(isError('c'))).error.code).toBe('idempotency_conflict')
    // Over HTTP it is the same call.
    const answer = await server.call('/count?format=ndjson', {
      body: { name: 'keyed' },
      headers: { 'Idempotency-Key': 'a-key' },
    })
    expect(answer.headers['stream-run']).toBe(runOf(socket.messages, 'a'))
  })

  test('that has read a part already starts no other run', async () => {
    await using socket = await connect()
    const call = { type: 'call', endpoint: 'POST /count', inputs: { name: 'x' }, after: 5 } as const
    socket.send({ ...call, id: 'a' }, { ...call, id: 'b', key: 'of-a-run-that-expired' }, { ...call, id: 'c', key: '' })
    expect((await socket.until(isError('a'))).error.code).toBe('offset_invalid')
    expect((await socket.until(isError('b'))).error.code).toBe('run_unknown')
    expect((await socket.until(isError('c'))).error.code).toBe('message_invalid')
  })

  test('needs the token and the role that its endpoint asks for', async () => {
    const call = { type: 'call', inputs: { name: 'x' } } as const
    await using nobody = await connect()
    nobody.send({ ...call, id: 'a', endpoint: 'POST /own' })
    expect((await nobody.until(isError('a'))).error.code).toBe('unauthenticated')
    await using socket = await connect(ann)
    socket.send({ ...call, id: 'a', endpoint: 'POST /own' }, { ...call, id: 'b', endpoint: 'POST /admin' })
    await socket.until(isEnd('a'))
    expect((await socket.until(isError('b'))).error.code).toBe('forbidden')
    expect(runOf(socket.messages, 'b')).toBeUndefined()
  })

  test('belongs to its caller: others cannot read, find or cancel its run', async () => {
    await using socket = await connect(ann)
    socket.send({ type: 'call', id: 'a', endpoint: 'GET /slow' })
    const { url } = await opened(socket, 'a')
    await using other = await connect(bob)
    await using nobody = await connect()
    other.send({ type: 'read', id: 'a', stream: url }, { type: 'read', id: 'b', stream: '/v1/stream/runs/none' })
    nobody.send({ type: 'read', id: 'a', stream: url })
    const strange = await other.until(isError('a'))
    expect(strange.error).toEqual((await other.until(isError('b'))).error)
    expect((await nobody.until(isError('a'))).error.code).toBe('run_unknown')
    other.send({ type: 'cancel', id: 'a' })
    await using again = await connect(ann)
    again.send({ type: 'read', id: 'x', stream: url })
    await again.until(isType('chunk'))
    expect(contentsOf(again.messages, 'x')).toEqual(['begun'])
    again.send({ type: 'cancel', id: 'x' })
    expect(await again.until(isEnd('x'))).toMatchObject({ outcome: 'cancelled', offset: 1 })
    expect(await socket.until(isEnd('a'))).toMatchObject({ outcome: 'cancelled', offset: 1 })
  })

  test('that is left goes on or is cancelled, as its endpoint says', async () => {
    const socket = await connect(ann)
    socket.send({ type: 'call', id: 'a', endpoint: 'GET /left' }, { type: 'call', id: 'b', endpoint: 'GET /slow' })
    const left = await opened(socket, 'a')
    const slow = await opened(socket, 'b')
    socket.send({ type: 'leave', id: 'a' }, { type: 'leave', id: 'b' })
    await socket.until((message) => message.type === 'left' && message.id === 'b')
    expect(under(socket.messages, 'a').at(-1)).toEqual({ type: 'left', id: 'a' })
    // Its grace time goes by without a reader; who reads it then would hold it up.
    const headers = { Authorization: `Bearer ${ann}` }
    await expect
      .poll(async () => JSON.parse((await server.call(`/v1/runs/${left.run}`)).text) as object)
      .toMatchObject({ outcome: 'cancelled' })
    const other = await server.call(`/v1/runs/${slow.run}`, { headers })
    expect(JSON.parse(other.text)).toMatchObject({ outcome: null })
    // A connection that is gone has left all that it read.
    socket.send({ type: 'call', id: 'c', endpoint: 'GET /left' })
    const gone = await opened(socket, 'c')
    socket.terminate()
    await expect
      .poll(async () => JSON.parse((await server.call(`/v1/runs/${gone.run}`)).text) as object)
      .toMatchObject({ outcome: 'cancelled' })
    await server.call(`/v1/runs/${slow.run}/cancel`, { method: 'POST', headers })
  })
})

describe('one connection', () => {
  test('carries many streams at once, each with exactly its chunks in order', async () => {
    await using socket = await connect()
    const ids = Array.from({ length: 50 }, (_, index) => `stream-${index}`)
    socket.send(...ids.map((id) => ({ type: 'call', id, endpoint: 'POST /count', inputs: { name: id } }) as const))
    await Promise.all(ids.map((id) => socket.until(isEnd(id))))
    for (const id of ids) {
      const chunks = under(socket.messages, id).filter(isType('chunk'))
      expect(chunks.map(({ offset }) => offset)).toEqual(Array.from({ length: 500 }, (_, index) => index + 1))
      expect(
        chunks.every(({ content, offset, metadata }) => {
          const { of, number } = content as { of: string; number: number }
          return of === id && number === offset && metadata?.['at'] === offset
        }),
      ).toBe(true)
      expect(under(socket.messages, id).at(-1)).toEqual({
        type: 'end',
        id,
        outcome: 'completed',
        offset: 500,
        error: null,
      })
    }
  })

  test('reads one run under several ids, from several offsets', async () => {
    await using socket = await connect()
    socket.send({ type: 'call', id: 'a', endpoint: 'POST /count', inputs: { name: 'shared' } })
    const { url } = await opened(socket, 'a')
    socket.send(
      { type: 'read', id: 'b', stream: url },
      { type: 'read', id: 'c', stream: url, after: 300 },
      { type: 'read', id: 'd', stream: url, after: 500 },
      { type: 'read', id: 'e', stream: url, after: 501 },
    )
    await Promise.all(['a', 'b', 'c'].map((id) => socket.until(isEnd(id))))
    const all = contentsOf(socket.messages, 'a')
    expect(contentsOf(socket.messages, 'b')).toEqual(all)
    expect(contentsOf(socket.messages, 'c')).toEqual(all.slice(300))
    expect((await opened(socket, 'c')).after).toBe(300)
    expect(await socket.until(isEnd('d'))).toMatchObject({ outcome: 'completed', offset: 500 })
    expect(contentsOf(socket.messages, 'd')).toEqual([])
    expect((await socket.until(isError('e'))).error.code).toBe('offset_invalid')
  })

  test('uses an id again when its last word was said, and passes over what is left too late', async () => {
    await using socket = await connect()
    for (let round = 0; round < 3; round++) {
      const seen = socket.messages.length
      socket.send({ type: 'call', id: 'a', endpoint: 'GET /kinds' })
      await socket.until((message) => message.type === 'end' && socket.messages.indexOf(message) >= seen)
      socket.send({ type: 'leave', id: 'a' }, { type: 'cancel', id: 'a' }, { type: 'leave', id: 'never-asked' })
    }
    socket.send({ type: 'ping' })
    await socket.until(isType('pong'))
    expect(socket.messages.map(({ type }) => type).filter((type) => type !== 'chunk')).toEqual([
      'welcome',
      'open',
      'end',
      'open',
      'end',
      'open',
      'end',
      'pong',
    ])
  })

  test.each([
    ['a stream by name without the right to', '/v1/stream/news', 'forbidden'],
    ['a stream of the system that is none', '/v1/stream/system/news', 'stream_unknown'],
    ['no stream', '/count', 'stream_unknown'],
    ['a run of no id', '/v1/stream/runs/', 'run_unknown'],
    ['a run of another path', '/v1/stream/runs/a/b', 'run_unknown'],
    ['a prototype name', '__proto__', 'stream_unknown'],
  ])('does not read %s', async (_, stream, code) => {
    await using socket = await connect(ann)
    socket.send({ type: 'read', id: 'a', stream })
    expect((await socket.until(isError('a'))).error.code).toBe(code)
  })

  test("reads the server's own streams with the right to", async () => {
    const token = await makeToken({ secret: SECRET, sub: 'ops', roles: ['system:read'], expiresSeconds: 600 })
    await using socket = await connect(token)
    socket.send(
      { type: 'read', id: 'm', stream: '/v1/stream/system/metrics' },
      { type: 'read', id: 'a', stream: '/v1/stream/system/activity', after: 'now' },
      { type: 'call', id: 'c', endpoint: 'GET /kinds' },
    )
    await socket.until((message) => message.type === 'chunk' && message.id === 'm')
    await socket.until((message) => message.type === 'chunk' && message.id === 'a')
    expect(contentsOf(socket.messages, 'a')).toMatchObject([{ route: 'GET /kinds', outcome: 'completed' }])
    await using other = await connect(ann)
    other.send({ type: 'read', id: 'm', stream: '/v1/stream/system/metrics' })
    expect((await other.until(isError('m'))).error.code).toBe('forbidden')
    socket.send({ type: 'cancel', id: 'm' })
    // It is no run: nothing happens to it, and the client is told.
    expect((await socket.until(isError(null))).error.code).toBe('message_invalid')
    socket.send({ type: 'leave', id: 'm' })
    await socket.until((message) => message.type === 'left' && message.id === 'm')
  })
})

test("Node's own WebSocket, as in browsers, speaks it", async () => {
  const socket = new WebSocket(`${server.url.replace('http', 'ws')}/v1/ws`, [
    'streamstack.v1',
    `streamstack.token.${ann}`,
  ])
  const messages: ServerMessage[] = []
  await new Promise<void>((resolve, reject) => {
    socket.addEventListener('error', () => reject(new Error('the connection failed')))
    socket.addEventListener('open', () =>
      socket.send(JSON.stringify({ type: 'call', id: '1', endpoint: 'POST /own', inputs: { name: 'browser' } })),
    )
    socket.addEventListener('message', ({ data }) => {
      const message = JSON.parse(String(data)) as ServerMessage
      messages.push(message)
      if (message.type === 'end') resolve()
    })
  })
  expect(socket.protocol).toBe('streamstack.v1')
  expect(messages[0]).toMatchObject({ type: 'welcome', subject: 'ann' })
  expect(contentsOf(messages, '1')).toHaveLength(3)
  const closed = new Promise<number>((resolve) => socket.addEventListener('close', ({ code }) => resolve(code)))
  socket.close(1000)
  expect(await closed).toBe(1000)
})

test('a TLS server that speaks HTTP/2 takes it over HTTP/1.1', async () => {
  await using secure = await testServer({
    'streamstack.yaml': { server: { tls: { cert: fixture('cert'), key: fixture('key') } } },
    'endpoints/kinds.json': endpoint('/kinds', [send('one'), send('two')]),
  })
  await using socket = await openWebSocket(secure.url, { rejectUnauthorized: false })
  socket.send({ type: 'call', id: 'a', endpoint: 'GET /kinds' })
  await socket.until(isEnd('a'))
  expect(contentsOf(socket.messages, 'a')).toEqual(['one', 'two'])
})

test('other upgrades stay plain requests, and a plain request to the path is told what is there', async () => {
  const headers = { Connection: 'Upgrade, HTTP2-Settings', Upgrade: 'h2c', 'HTTP2-Settings': 'AAMAAABkAAQAAP__' }
  expect(contents((await server.call('/kinds?format=ndjson', { headers })).text)).toHaveLength(4)
  expect((await server.call('/v1/ws')).status).toBe(426)
})

test('a server that stops tells all clients to reconnect', async () => {
  const stopping = await testServer({ 'endpoints/kinds.json': endpoint('/kinds', [send('one')]) })
  const sockets = await Promise.all([1, 2, 3].map(() => openWebSocket(stopping.url)))
  await stopping.close()
  for (const { closed } of sockets) expect(await closed).toEqual({ code: 1012, reason: CLOSE_CODES.restarting.reason })
  await stopping[Symbol.asyncDispose]()
})

test('while the server waits for runs to end, they are read to their end; nothing else begins', async () => {
  await using gate = await closedGate()
  await using workspace = await tempWorkspace({
    'streamstack.yaml': {
      log: { level: 'silent' },
      streams: { heartbeat: '200ms' },
      outbound: { allow: [gate.host] },
    },
    'endpoints/soon.json': endpoint('/soon', [send('one'), gate.step, send('two')]),
  })
  const stopping = await serve({ dir: workspace.dir, port: 0 })
  const idle = await openWebSocket(stopping.url)
  const reading = await openWebSocket(stopping.url)
  reading.send({ type: 'call', id: 'a', endpoint: 'GET /soon' })
  await Promise.all([idle.until(isType('welcome')), reading.until(isType('chunk'))])
  const closed = stopping.close({ graceMs: 10_000 })
  expect((await idle.closed).code).toBe(1012)
  reading.send({ type: 'call', id: 'b', endpoint: 'GET /soon' })
  expect((await reading.until(isError('b'))).error).toMatchObject({ code: 'unavailable', recoverable: true })
  gate.open()
  expect((await reading.closed).code).toBe(1012)
  expect(contentsOf(reading.messages, 'a')).toEqual(['one', 'two'])
  expect(under(reading.messages, 'a').at(-1)).toMatchObject({ type: 'end', outcome: 'completed' })
  await closed
})
