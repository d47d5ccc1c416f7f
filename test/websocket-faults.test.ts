import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { CLOSE_CODES, type ClientMessage, type ServerMessage } from '@streamstack/protocol'
import { faultProxy } from '@streamstack/test-support/fault-proxy'
import { type TestServer, endpoint, send, testServer } from '@streamstack/test-support/test-server'
import { type Sent, isType, openWebSocket } from '@streamstack/test-support/websocket-client'

const counting = (path: string, count: number, settings: object): object =>
  endpoint(
    path,
    [
      {
        function: 'For',
        count,
        inner_functions: [send({ of: '{{name}}', number: '{{current_batch}}', text: 'ä'.repeat(40) })],
      },
    ],
    { method: 'POST', inputs: { name: { type: 'text', required: true } }, settings },
  )

let server: TestServer
beforeAll(async () => {
  server = await testServer({
    'streamstack.yaml': { streams: { heartbeat: '200ms' }, server: { websocket: { message_rate: 100_000 } } },
    'channels/log.yaml': { publish: true, subscribe: true, history: { count: 10_000 } },
    'channels/news.yaml': { publish: true, subscribe: true, presence: true, history: { count: 10_000 } },
    'endpoints/memory.json': counting('/memory', 300, {}),
    'endpoints/durable.json': counting('/durable', 300, { delivery: 'durable' }),
    'endpoints/kinds.json': endpoint('/kinds', [send('one'), send({ two: 2 })]),
    'endpoints/fails.json': endpoint('/fails', [send('one'), { function: 'Throw Error', message: 'no' }]),
    'endpoints/slow.json': endpoint('/slow', [send('begun'), { function: 'Sleep', duration: 60_000 }], {
      settings: { on_disconnect: 'cancel', disconnect_grace: '1ms' },
    }),
  })
})
afterAll(() => server[Symbol.asyncDispose]())

/** What a client keeps of a stream over its connections. */
interface Reading {
  readonly first: Extract<ClientMessage, { type: 'call' | 'subscribe' }>
  /** Where it was open. */
  url: string | null
  readonly offsets: number[]
  readonly numbers: unknown[]
  isOver: boolean
}

function take(reading: Reading, message: ServerMessage): void {
  if (message.type === 'open') {
    reading.url = message.url
    expect(message.after).toBe(reading.offsets.at(-1) ?? (reading.first.type === 'call' ? 0 : message.after))
  } else if (message.type === 'chunk') {
    reading.offsets.push(message.offset)
    const content = message.content as { number?: number } | number
    reading.numbers.push(typeof content === 'number' ? content : content.number)
    if (reading.first.type === 'subscribe' && reading.numbers.length === 100) reading.isOver = true
  } else if (message.type === 'end') {
    expect(message).toMatchObject({ outcome: 'completed', offset: reading.offsets.at(-1) })
    reading.isOver = true
  } else throw new Error(`unexpected: ${JSON.stringify(message)}`)
}

/** Asks for the rest of a stream, as a client does that comes back. */
function again(id: string, { first, url, offsets }: Reading): ClientMessage {
  const after = offsets.at(-1)
  if (after === undefined) return { ...first, id }
  // Both ways lead on: the call by its key, the stream by its path.
  return first.type === 'call' && after % 2 === 0
    ? { ...first, id, after }
    : { type: 'read', id, stream: url as string, after }
}

test('streams that are cut off anywhere are read on with nothing lost and nothing twice', async () => {
  await using proxy = await faultProxy(server.url)
  let round = 0
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 40_000 }), { minLength: 1, maxLength: 6 }), async (cuts) => {
      const name = `round ${++round}`
      const readings = new Map<string, Reading>()
      for (const path of ['memory', 'durable', 'memory', 'durable']) {
        const id = `${path}:${readings.size}`
        const first = { type: 'call', id, endpoint: `POST /${path}`, inputs: { name }, key: `${name} ${id}` } as const
        readings.set(id, { first, url: null, offsets: [], numbers: [], isOver: false })
      }
      const left = [...cuts]
      for (let tries = 0; [...readings.values()].some(({ isOver }) => !isOver); tries++) {
        expect(tries).toBeLessThanOrEqual(cuts.length)
        const afterBytes = left.shift()
        // The handshake passes: it is about streams.
        const socket = await openWebSocket(proxy.url)
        proxy.arm(
          afterBytes === undefined
            ? null
            : { direction: 'response', afterBytes, kind: afterBytes % 2 === 0 ? 'cut' : 'reset' },
        )
        for (const [id, reading] of readings) if (!reading.isOver) socket.send(again(id, reading))
        const open = new Set([...readings].filter(([, { isOver }]) => !isOver).map(([id]) => id))
        await socket
          .until((message) => {
            if (message.type === 'end') open.delete(message.id)
            return open.size === 0
          })
          .catch(() => undefined)
        proxy.arm(null)
        socket.terminate()
        await socket.closed
        for (const message of socket.messages) {
          if ('id' in message && message.id !== null) take(readings.get(message.id) as Reading, message)
        }
      }
      const all = Array.from({ length: 300 }, (_, index) => index + 1)
      for (const { offsets, numbers } of readings.values()) {
        expect(offsets).toEqual(all)
        expect(numbers).toEqual(all)
      }
    }),
    { numRuns: 15 },
  )
})

test('a subscriber that is cut off again and again gets every message once, while others publish', async () => {
  await using proxy = await faultProxy(server.url)
  await using publisher = await openWebSocket(server.url)
  const first = { type: 'subscribe', id: 's', channel: 'log' } as const
  const reading: Reading = { first, url: null, offsets: [], numbers: [], isOver: false }
  let published = 0
  for (let round = 0; !reading.isOver; round++) {
    expect(round).toBeLessThan(60)
    const socket = await openWebSocket(proxy.url)
    socket.send(again('s', reading))
    await socket.until(isType('open'))
    proxy.arm(round < 20 ? { direction: 'response', afterBytes: 40 + round * 37, kind: 'cut' } : null)
    // Some arrive without a subscriber.
    for (let count = 0; count < 10 && published < 100; count++) {
      publisher.send({ type: 'publish', id: `p${published}`, channel: 'log', content: ++published })
    }
    await socket.until((message) => message.type === 'chunk' && message.content === published).catch(() => undefined)
    proxy.arm(null)
    socket.terminate()
    await socket.closed
    for (const message of socket.messages) if ('id' in message && message.id === 's') take(reading, message)
  }
  expect(reading.numbers).toEqual(Array.from({ length: 100 }, (_, index) => index + 1))
})

const id = fc.constantFrom('a', 'b', 'c', '__proto__', 'constructor')
const after = fc.constantFrom(undefined, 0, 1, 2, 3, 1_000_000)

/** Messages of the protocol. */
const sound: fc.Arbitrary<ClientMessage> = fc.oneof(
  fc.record(
    {
      type: fc.constant('call' as const),
      id,
      endpoint: fc.constantFrom('GET /kinds', 'GET /fails', 'GET /slow', 'POST /memory', 'POST /none', 'GET', '\u0000'),
      inputs: fc.constantFrom({}, { name: 'x' }, { name: { deep: [] } }),
      key: fc.constantFrom('k', 'l', 'x'.repeat(300)),
      after: fc.constantFrom(0, 1, 5),
    },
    { requiredKeys: ['type', 'id', 'endpoint'] },
  ),
  fc.record({
    type: fc.constant('read' as const),
    id,
    stream: fc.constantFrom(
      '/v1/stream/runs/none',
      '/v1/stream/system/activity',
      '/v1/channels/news',
      '//',
      '/v1/channels/%ff',
    ),
  }),
  fc.record({
    type: fc.constant('subscribe' as const),
    id,
    channel: fc.constantFrom('news', 'none', '../x'),
    presence: fc.boolean(),
  }),
  fc.record({ type: fc.constant('presence' as const), id, channel: fc.constantFrom('news', 'none') }),
  fc.record({
    type: fc.constant('publish' as const),
    id,
    channel: fc.constantFrom('news', 'none'),
    content: fc.jsonValue({ maxDepth: 2 }),
  }),
  fc.record({ type: fc.constant('leave' as const), id }),
  fc.record({ type: fc.constant('leave' as const), id }),
  fc.record({ type: fc.constant('cancel' as const), id }),
  fc.constant({ type: 'ping' as const }),
  fc.constant({ type: 'auth' as const, token: null }),
)

/** And what is not. */
const unsound: fc.Arbitrary<Sent> = fc.oneof(
  sound.map((message) => ({ ...message, id: '' })),
  fc.record({ type: fc.string(), id }),
  fc.dictionary(fc.string(), fc.jsonValue()),
)

/** Bad fields under an id that is sound: refused, not fatal. */
const faulty: fc.Arbitrary<Sent> = fc.oneof(
  fc.record({ type: fc.constant('call'), id, endpoint: fc.jsonValue(), inputs: fc.jsonValue(), after: fc.jsonValue() }),
  fc.record({ type: fc.constant('read'), id, stream: fc.jsonValue(), after }),
  fc.record({ type: fc.constant('publish'), id, channel: fc.string(), content: fc.jsonValue(), key: fc.jsonValue() }),
)

describe('whatever a client sends', () => {
  test('each answer is of the protocol, each id has one last word, and the server goes on', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.oneof(
            { weight: 8, arbitrary: sound },
            { weight: 2, arbitrary: faulty },
            { weight: 1, arbitrary: unsound },
          ),
          { maxLength: 40 },
        ),
        async (messages) => {
          await using socket = await openWebSocket(server.url)
          socket.send(...(messages as Sent[]), { type: 'ping' })
          // Another ping follows once the first was answered, so that publishes have settled.
          const pings = messages.filter((message) => 'type' in message && message.type === 'ping').length + 1
          const end = await socket
            .until((message) => message.type === 'pong' && socket.messages.filter(isType('pong')).length >= pings)
            .catch(() => socket.closed)
          if ('code' in end) expect(end).toEqual({ code: 4400, reason: CLOSE_CODES.message_invalid.reason })
          checkProtocol(socket.messages, new Set(messages.flatMap((one) => ('id' in one ? [one.id] : []))))
        },
      ),
      { numRuns: 150 },
    )
    await using socket = await openWebSocket(server.url)
    socket.send({ type: 'call', id: 'a', endpoint: 'GET /kinds' })
    expect(await socket.until(isType('end'))).toMatchObject({ outcome: 'completed' })
  })
})

const KEYS: Readonly<Record<ServerMessage['type'], readonly string[]>> = {
  welcome: ['type', 'subject', 'expires_in'],
  open: ['type', 'id', 'url', 'run', 'after'],
  chunk: ['id', 'type', 'offset', 'content', 'metadata'],
  fault: ['id', 'type', 'offset', 'error'],
  end: ['type', 'id', 'outcome', 'offset', 'error'],
  published: ['type', 'id', 'offset'],
  left: ['type', 'id'],
  error: ['type', 'id', 'error'],
  expiring: ['type', 'expires_in'],
  pong: ['type'],
}

/** Each message has what its type has and no more; under an id come `open`, chunks with rising offsets, one last word, and then nothing until it is asked for again. */
function checkProtocol(messages: readonly ServerMessage[], asked: ReadonlySet<unknown>): void {
  expect(messages[0]?.type).toBe('welcome')
  const places = new Map<string, number>()
  for (const message of messages) {
    expect(Object.keys(message)).toEqual(KEYS[message.type])
    if (!('id' in message) || message.id === null) continue
    expect(asked).toContain(message.id)
    const place = places.get(message.id)
    switch (message.type) {
      case 'open':
        expect(place).toBeUndefined()
        places.set(message.id, message.after)
        break
      case 'chunk':
      case 'fault':
        expect(message.offset).toBeGreaterThan(place as number)
        places.set(message.id, message.offset)
        break
      case 'published':
        expect(place).toBeUndefined()
        break
      case 'error':
        expect(Object.keys(message.error)).toEqual(['code', 'message', 'recoverable', 'retry_after'])
        places.delete(message.id)
        break
      case 'end':
        expect(message.offset).toBe(place)
        places.delete(message.id)
        break
      case 'left':
        expect(place).toBeDefined()
        places.delete(message.id)
    }
  }
}
