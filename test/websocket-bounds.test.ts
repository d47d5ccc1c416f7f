import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { CLOSE_CODES, type ServerMessage } from '@streamstack/protocol'
import { withEnoughTime } from '@streamstack/test-support/enough-time'
import { openRawWebSocket } from '@streamstack/test-support/raw-websocket'
import type { Files } from '@streamstack/test-support/temp-workspace'
import { standingRun } from '@streamstack/test-support/standing-run'
import { type TestServer, endpoint, send, testServer } from '@streamstack/test-support/test-server'
import {
  type Sent,
  type WebSocketClient,
  contentsOf,
  isEnd,
  isError,
  isType,
  openWebSocket,
  under,
} from '@streamstack/test-support/websocket-client'

const LARGE = 'x'.repeat(100_000)

/** So many chunks of the text that comes as input. */
const pour = (path: string, count: number): object =>
  endpoint(path, [{ function: 'For', count, inner_functions: [send('{{text}}')] }], {
    method: 'POST',
    inputs: { text: { type: 'text' } },
    settings: { on_disconnect: 'cancel', disconnect_grace: '50ms' },
  })

const files = {
  'endpoints/kinds.json': endpoint('/kinds', [send('one'), send({ two: 2 }), send('three')]),
  'endpoints/slow.json': endpoint('/slow', [send('begun'), { function: 'Sleep', duration: 60_000 }]),
  'endpoints/pour.json': pour('/pour', 400),
  'endpoints/parts.json': pour('/parts', 2_000),
  'endpoints/pour-on.json': pour('/pour-on', 100_000),
}

const settings = (websocket: object, more: object = {}): Files => ({
  'streamstack.yaml': { streams: { heartbeat: '200ms' }, server: { websocket, body_limit: '256kb' }, ...more },
  ...files,
})

let server: TestServer
beforeAll(async () => {
  server = await testServer(settings({ max_streams: 5, message_rate: 50 }))
})
afterAll(() => server[Symbol.asyncDispose]())

const connect = (): Promise<WebSocketClient> => openWebSocket(server.url)

const nested = (depth: number): unknown => (depth === 0 ? 1 : [nested(depth - 1)])

describe('a message that is not of the protocol', () => {
  test.each<[string, string | Buffer | { readonly [name: string]: unknown }]>([
    ['no JSON', '{'],
    ['nothing', ''],
    ['a list', '[]'],
    ['null', 'null'],
    ['a text', '"ping"'],
    ['binary', Buffer.from('{"type":"ping"}')],
    ['no type', { id: 'a' }],
    ['an unknown type', { type: 'subscribe-all', id: 'a' }],
    ['a type of a prototype', { type: 'constructor', id: 'a' }],
    ['a prototype, and no id', '{"type":"call","endpoint":"GET /kinds","inputs":{"__proto__":{"x":1}}}'],
    ['no id', { type: 'call', endpoint: 'GET /kinds' }],
    ['an id that is a number', { type: 'call', id: 1, endpoint: 'GET /kinds' }],
    ['an empty id', { type: 'call', id: '', endpoint: 'GET /kinds' }],
    ['a long id', { type: 'call', id: 'a'.repeat(65), endpoint: 'GET /kinds' }],
    ['an id with a quote', { type: 'call', id: 'a"', endpoint: 'GET /kinds' }],
    ['an id with a line end', { type: 'call', id: 'a\n', endpoint: 'GET /kinds' }],
    ['a token that is a number', { type: 'auth', token: 1 }],
    ['an unknown field, and no id', { type: 'ping', of: 'death' }],
    ['an unknown field of what is open', { type: 'leave', id: 'a', all: true }],
  ])('(%s) is told and closes the connection', async (_, message) => {
    const socket = await connect()
    if (typeof message === 'string' || Buffer.isBuffer(message)) socket.sendRaw(message)
    else socket.send(message)
    socket.send({ type: 'call', id: 'later', endpoint: 'GET /kinds' })
    expect(await socket.closed).toEqual({ code: 4400, reason: CLOSE_CODES.message_invalid.reason })
    expect(socket.messages.at(-1)).toMatchObject({ type: 'error', id: null, error: { code: 'message_invalid' } })
    expect(under(socket.messages, 'later')).toEqual([])
  })

  test.each([
    [{ type: 'cal', id: 'a' }, 'Did you mean `call`?'],
    [{ type: 'constructor', id: 'a' }, 'must be one of auth, ping, call'],
    [{ type: 'auth', token: null, tokens: [] }, '`auth` has no field `tokens`. Did you mean `token`?'],
    [{ type: 'read', id: 'a', stream: '/', afer: 1 }, '`read` has no field `afer`. Did you mean `after`?'],
    [{ type: 'ping', of: 'death' }, '`ping` has no field `of`. It takes nothing else.'],
  ])('(%j) is told what was meant', async (message, cure) => {
    await using socket = await connect()
    socket.send(message)
    const { error } = (await socket.until(({ type }) => type === 'error')) as Extract<ServerMessage, { type: 'error' }>
    expect(error.message).toContain(cure)
  })

  test('as one with an id that is open already, closes the connection, too', async () => {
    const socket = await connect()
    socket.send({ type: 'call', id: 'a', endpoint: 'GET /slow' })
    await socket.until(isType('chunk'))
    socket.send({ type: 'call', id: 'a', endpoint: 'GET /kinds' })
    expect((await socket.closed).code).toBe(4400)
    expect(under(socket.messages, 'a').map(({ type }) => type)).toEqual(['open', 'chunk'])
  })

  test.each<[string, Sent]>([
    ['an endpoint that is a number', { type: 'call', endpoint: 1 }],
    ['no endpoint', { type: 'call' }],
    ['inputs that are a list', { type: 'call', endpoint: 'GET /kinds', inputs: [] }],
    ['a negative offset', { type: 'call', endpoint: 'GET /kinds', after: -1 }],
    ['an offset that is a text', { type: 'read', stream: '/v1/stream/runs/a', after: '1' }],
    ['an offset that is no whole number', { type: 'read', stream: '/v1/stream/runs/a', after: 1.5 }],
    ['an offset beyond what numbers hold', { type: 'read', stream: '/v1/stream/runs/a', after: 1e17 }],
    ['no stream', { type: 'read' }],
    ['too deep JSON', { type: 'call', endpoint: 'GET /kinds', inputs: { deep: nested(100) } }],
    ['an unknown field', { type: 'call', endpoint: 'GET /kinds', input: {} }],
  ])('(%s) but has an id is refused under it, and the connection goes on', async (_, message) => {
    await using socket = await connect()
    socket.send({ id: '__proto__', ...message }, { type: 'call', id: 'b', endpoint: 'GET /kinds' })
    expect((await socket.until(isError('__proto__'))).error.code).toBe('message_invalid')
    await socket.until(isEnd('b'))
    expect(under(socket.messages, '__proto__')).toHaveLength(1)
  })
})

describe('a frame', () => {
  test.each<[string, number, (socket: Awaited<ReturnType<typeof openRawWebSocket>>) => void]>([
    ['without a mask', 1002, (socket) => socket.write(Buffer.of(0x81, 2, 0x7b, 0x7d))],
    ['of a reserved kind', 1002, (socket) => socket.frame(0x83, 'x')],
    ['that says it is compressed', 1002, (socket) => socket.frame(0xc1, 'x')],
    ['that is not UTF-8', 1007, (socket) => socket.frame(0x81, Buffer.of(0xff, 0xfe))],
    [
      'that is larger than messages may be',
      1009,
      (socket) => socket.write(Buffer.of(0x81, 0xff, 0, 0, 0, 0, 1, 0, 0, 0)),
    ],
    ['that closes', 1000, (socket) => socket.frame(0x88, Buffer.of(0x03, 0xe8))],
  ])('%s is answered by a close with %i', async (_, code, write) => {
    await using socket = await openRawWebSocket(server.url)
    write(socket)
    expect(await socket.closed).toBe(code)
  })

  test('that is larger than messages may be is told why', async () => {
    const socket = await connect()
    socket.sendRaw(JSON.stringify({ type: 'ping', text: 'x'.repeat(2_000_000) }))
    expect(await socket.closed).toEqual({ code: 1009, reason: CLOSE_CODES.too_large.reason })
  })

  test('may be one of many that make up a message', async () => {
    await using socket = await connect()
    await using raw = await openRawWebSocket(server.url)
    raw.frame(0x01, '{"type":')
    raw.frame(0x89, 'a ping in between')
    raw.frame(0x80, '"nonsense"}')
    expect(await raw.closed).toBe(4400)
    socket.ping()
    socket.send({ type: 'ping' })
    await socket.until(isType('pong'))
  })
})

test('a connection that is dead is noticed, and left', async () => {
  await using alive = await connect()
  // It answers no ping.
  await using dead = await openRawWebSocket(server.url)
  dead.frame(0x81, '{"type":"auth","token":null}')
  expect(await dead.closed).toBeNull()
  alive.send({ type: 'ping' })
  await alive.until(isType('pong'))
})

test('so many streams are open at once and no more', async () => {
  await using socket = await connect()
  const ids = ['a', 'b', 'c', 'd', 'e', 'f']
  socket.send(...ids.map((id) => ({ type: 'call', id, endpoint: 'GET /slow' }) as const))
  expect((await socket.until(isError('f'))).error).toMatchObject({ code: 'too_many', recoverable: true })
  socket.send({ type: 'cancel', id: 'a' })
  await socket.until(isEnd('a'))
  socket.send({ type: 'call', id: 'f', endpoint: 'GET /kinds' })
  await socket.until(isEnd('f'))
  socket.send(...['b', 'c', 'd', 'e'].map((id) => ({ type: 'cancel', id }) as const))
  await Promise.all(['b', 'c', 'd', 'e'].map((id) => socket.until(isEnd(id))))
})

test.each(['messages', 'pings'])('too many %s at once close the connection', async (what) => {
  const socket = await connect()
  for (let count = 0; count < 200; count++) {
    if (what === 'pings') socket.ping()
    else socket.send({ type: 'ping' })
  }
  expect(await socket.closed).toEqual({ code: 4429, reason: CLOSE_CODES.too_many.reason })
  expect(socket.messages.filter(isType('pong')).length).toBeLessThan(100)
})

test('so many connections are open at once and no more', async () => {
  await using few = await testServer(settings({ max_connections: 2 }))
  const [first, second] = await Promise.all([openWebSocket(few.url), openWebSocket(few.url)])
  const third = await openWebSocket(few.url)
  expect(await third.closed).toEqual({ code: 1013, reason: CLOSE_CODES.overloaded.reason })
  expect(third.messages).toEqual([])
  first.close()
  await first.closed
  await expect
    .poll(async () => {
      await using again = await openWebSocket(few.url)
      return Promise.race([again.until(isType('welcome')), again.closed])
    })
    .toMatchObject({ type: 'welcome' })
  second.terminate()
})

describe('a client that takes nothing', () => {
  test('is closed after a while; what waited for it was bounded', () =>
    withEnoughTime(async (seconds) => {
      await using strict = await testServer(settings({ slow_timeout: seconds * 1_000 }))
      const socket = await openWebSocket(strict.url)
      socket.send({ type: 'call', id: 'a', endpoint: 'POST /pour-on', inputs: { text: LARGE } })
      const open = (await socket.until(isType('open'))).run as string
      socket.pause()
      await expect
        .poll(async () => JSON.parse((await strict.call(`/v1/runs/${open}`)).text) as object)
        .toMatchObject({ outcome: 'cancelled' })
      // It ran no further ahead than the reader and the bounds let it.
      const { chunks } = JSON.parse((await strict.call(`/v1/runs/${open}`)).text) as { chunks: number }
      expect(chunks).toBeLessThan(1_000)
      socket.resume()
      expect(await socket.closed).toEqual({ code: 4440, reason: CLOSE_CODES.too_slow.reason })
      expect(socket.messages.some(isType('end'))).toBe(false)
      const offsets = socket.messages.filter(isType('chunk')).map(({ offset }) => offset)
      expect(offsets).toEqual(offsets.map((_, index) => index + 1))
    }, 0.3))

  test('loses the streams that went on without it, and no others', async () => {
    await using small = await testServer(settings({}, { streams: { window_bytes: '1mb' } }))
    await using socket = await openWebSocket(small.url)
    socket.send({ type: 'call', id: 'far', endpoint: 'POST /pour', inputs: { text: LARGE } })
    const { run, url } = await socket.until(isType('open'))
    socket.pause()
    await standingRun(small.url, run as string)
    // Another reader takes all that comes.
    const answer = await small.call(`${url}?format=ndjson&offset=now`)
    expect(answer.text.slice(-100)).toContain('"outcome":"completed","offset":400')
    socket.send({ type: 'call', id: 'near', endpoint: 'GET /kinds' })
    socket.resume()
    expect((await socket.until(isError('far'))).error.code).toBe('reader_too_slow')
    await socket.until(isEnd('near'))
    expect(contentsOf(socket.messages, 'near')).toEqual(['one', { two: 2 }, 'three'])
    const offsets = under(socket.messages, 'far').flatMap((one) => (one.type === 'chunk' ? [one.offset] : []))
    expect(offsets).toEqual(offsets.map((_, index) => index + 1))
    expect(offsets.length).toBeLessThan(400)
    expect(under(socket.messages, 'far').at(-1)?.type).toBe('error')
  })
})

test('a stream that pours does not hold up the others on its connection', async () => {
  await using socket = await connect()
  const pouring = ['a', 'b'] as const
  socket.send(
    ...pouring.map((id) => ({ type: 'call', id, endpoint: 'POST /pour-on', inputs: { text: LARGE } }) as const),
  )
  await Promise.all(pouring.map((id) => socket.until((message) => message.type === 'chunk' && message.id === id)))
  socket.pause()
  socket.send({ type: 'call', id: 'little', endpoint: 'GET /kinds' })
  socket.resume()
  await socket.until(isEnd('little'))
  const at = (test: (message: ServerMessage) => boolean): number => socket.messages.findIndex(test)
  const between = socket.messages.slice(
    at((message) => message.type === 'open' && message.id === 'little'),
    at(isEnd('little')),
  )
  // One batch of each may go before it, and what the socket holds.
  expect(between.filter(({ type }) => type === 'chunk').length).toBeLessThan(20)
  socket.send(...pouring.map((id) => ({ type: 'leave', id }) as const))
  await Promise.all(pouring.map((id) => socket.until((message) => message.type === 'left' && message.id === id)))
  for (const id of pouring) expect(under(socket.messages, id).at(-1)).toEqual({ type: 'left', id })
})

test('streams that are there in full share a connection evenly', async () => {
  await using socket = await connect()
  socket.send({ type: 'call', id: 'made', endpoint: 'POST /parts', inputs: { text: 'x'.repeat(1_000) } })
  const { url } = await socket.until(isType('open'))
  await socket.until(isEnd('made'))
  const ids = ['a', 'b', 'c', 'd']
  socket.send(...ids.map((id) => ({ type: 'read', id, stream: url }) as const))
  await Promise.all(ids.map((id) => socket.until(isEnd(id))))
  const messages = socket.messages.slice(socket.messages.findIndex(isEnd('made')) + 1)
  const counts = new Map(ids.map((id) => [id, 0]))
  const last = ids.at(-1) as string
  // Once the last of them has begun, no other is further ahead of it than what went before, and a batch.
  let ahead = 0
  for (const message of messages) {
    if (message.type !== 'chunk') continue
    if (counts.get(last) === 0) ahead = Math.max(...counts.values())
    counts.set(message.id, (counts.get(message.id) ?? 0) + 1)
    if ((counts.get(last) ?? 0) === 0) continue
    expect(Math.max(...counts.values()) - Math.min(...counts.values())).toBeLessThan(ahead + 64)
  }
  expect([...counts.values()]).toEqual([2_000, 2_000, 2_000, 2_000])
})

test('thousands of frames in one read are handled in turns with those of others', async () => {
  await using server = await testServer(settings({ message_rate: 100_000 }))
  await using many = await openRawWebSocket(server.url)
  await using one = await openWebSocket(server.url)
  await one.until(isType('welcome'))
  const before = many.receivedBytes
  const ping = Buffer.of(0x89, 0x80, 0, 0, 0, 0)
  const count = 5_000
  many.write(Buffer.concat(Array.from({ length: count }, () => ping)))
  one.send({ type: 'ping' })
  await one.until(isType('pong'))
  const pong = 2
  expect(many.receivedBytes - before).toBeLessThan(count * pong)
  await expect.poll(() => many.receivedBytes - before, { timeout: 20_000 }).toBe(count * pong)
})
