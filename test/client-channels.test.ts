import {
  type Channel,
  type Chunk,
  type Client,
  type ClientOptions,
  type PresenceEvent,
  type StreamError,
  createClient,
} from '@streamstack/client'
import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { withEnoughTime } from '@streamstack/test-support/enough-time'
import { makeToken } from '@streamstack/test-support/credentials'
import { publish } from '@streamstack/test-support/channel-calls'
import { type Fault, type FaultProxy, faultProxy } from '@streamstack/test-support/fault-proxy'
import { ownPort } from '@streamstack/test-support/own-port'
import { type TestServer, endpoint, send, testServer } from '@streamstack/test-support/test-server'

const SECRET = 'a secret of the tests, as long as a key has to be'

interface Place extends AsyncDisposable {
  readonly server: TestServer
  readonly proxy: FaultProxy
  client(more?: Partial<ClientOptions>): Client<Record<string, { inputs: Record<string, unknown> }>>
}

/** A server with channels behind a network on which things go wrong. */
async function place(): Promise<Place> {
  const server = await testServer({
    'streamstack.yaml': { auth: { jwt: { secret: SECRET } }, channels: { presence_grace: '0s' } },
    'channels/rooms.json': {
      channel: 'rooms/{room}',
      publish: true,
      subscribe: true,
      presence: true,
      history: { count: 1000 },
    },
    'channels/mine.json': {
      channel: 'mine',
      publish: 'token',
      subscribe: 'token',
      history: { count: 1000 },
      deliver: '{{message.to}} === {{auth.sub}}',
    },
    'endpoints/heavy.json': endpoint(
      '/heavy',
      [{ function: 'For', count: 300, inner_functions: [send('x'.repeat(10_000))] }],
      { method: 'POST' },
    ),
    'endpoints/small.json': endpoint(
      '/small/:name',
      ['one', 'zwölf\nlines 😀', { a: [1, null] }, '', '{{name}}'].map((one) => send(one)),
      {
        method: 'POST',
        inputs: { name: { type: 'text' } },
      },
    ),
  })
  const proxy = await faultProxy(server.url)
  const clients: Client<never>[] = []
  return {
    server,
    proxy,
    client(more = {}) {
      const client = createClient({ url: proxy.url, retry: { delayMs: 0 }, ...more })
      clients.push(client)
      return client
    },
    async [Symbol.asyncDispose]() {
      for (const client of clients) client.close()
      await proxy[Symbol.asyncDispose]()
      await server[Symbol.asyncDispose]()
    },
  }
}

async function take(stream: AsyncIterable<Chunk>, count: number): Promise<unknown[]> {
  const found: unknown[] = []
  for await (const { content } of stream) if (found.push(content) === count) break
  return found
}

describe.each(['websocket', 'http'] as const)('over %s', (transport) => {
  test('a late subscriber gets the history, then what comes, with offsets and metadata', async () => {
    await using here = await place()
    const room = here.client({ transport }).channel<{ text: string }, { from: string }>('rooms/a b ü')
    const { offset: first } = await room.publish({ text: 'one' }, { metadata: { from: 'ann' } })
    const chunks: Chunk[] = []
    const stream = room.subscribe()
    for await (const chunk of stream) {
      chunks.push(chunk)
      if (chunks.length === 1) void room.publish({ text: 'two' })
      if (chunks.length === 2) break
    }
    expect(chunks).toMatchObject([
      { offset: first, content: { text: 'one' }, metadata: { from: 'ann' } },
      { offset: first + 1, content: { text: 'two' } },
    ])
    expect(stream.offset).toBe(first + 1)
    const later = room.subscribe({ after: first })
    expect(await take(later, 1)).toEqual([{ text: 'two' }])
  })

  test('a message that is published twice with one key is one', async () => {
    await using here = await place()
    const room = here.client({ transport }).channel('rooms/a')
    const one = await room.publish(1, { key: 'k' })
    expect(await room.publish(1, { key: 'k' })).toEqual(one)
    await expect(room.publish(2, { key: 'k' })).rejects.toMatchObject({ code: 'idempotency_conflict' })
    await room.publish(2)
    expect(await take(room.subscribe(), 2)).toEqual([1, 2])
  })

  test('presence tells who is there, who joins and who leaves', async () => {
    await using here = await place()
    const events: PresenceEvent[] = []
    const ann = here
      .client({ transport })
      .channel('rooms/a')
      .subscribe({ presence: true, data: { name: 'Ann' } })
    ann.on('chunk', () => undefined)
    await expect.poll(() => ann.status).toBe('open')
    const seen = here.client({ transport }).channel('rooms/a').presence()
    seen.on('chunk', ({ content, offset }) => {
      expect(offset).toBeNull()
      events.push(content)
    })
    await expect.poll(() => events.length).toBe(1)
    const bob = here.client({ transport }).channel('rooms/a').subscribe({ presence: true, data: 'Bob' })
    await expect.poll(() => events.length).toBe(2)
    bob.leave()
    ann.leave()
    await expect.poll(() => events.length).toBe(4)
    const named = (name: string, data: unknown): unknown => ({
      event: name,
      member: expect.objectContaining({ data }) as unknown,
    })
    expect(events).toEqual([
      { event: 'here', members: [expect.objectContaining({ subject: null, data: { name: 'Ann' } })] },
      named('join', 'Bob'),
      named('leave', 'Bob'),
      named('leave', { name: 'Ann' }),
    ])
    seen.leave()
  })

  test('callers without the right are refused, and each other gets what is meant for it', async () => {
    await using here = await place()
    const nobody = here.client({ transport }).channel('mine')
    await expect(take(nobody.subscribe(), 1)).rejects.toMatchObject({ code: 'unauthenticated' })
    await expect(nobody.publish({ to: 'ann' })).rejects.toMatchObject({ code: 'unauthenticated' })
    await expect(take(here.client({ transport }).channel('none').subscribe(), 1)).rejects.toMatchObject({
      code: 'channel_unknown',
    })
    const token = (sub: string) => () => makeToken({ secret: SECRET, sub, expiresSeconds: 600 })
    const ann = here.client({ transport, token: token('ann') }).channel('mine')
    const bob = here.client({ transport, token: token('bob') }).channel('mine')
    for (const [n, to] of ['ann', 'bob', 'bob', 'ann', 'bob'].entries()) await ann.publish({ to, n })
    expect(await take(ann.subscribe(), 2)).toEqual([
      { to: 'ann', n: 0 },
      { to: 'ann', n: 3 },
    ])
    expect(await take(bob.subscribe(), 3)).toEqual([
      { to: 'bob', n: 1 },
      { to: 'bob', n: 2 },
      { to: 'bob', n: 4 },
    ])
  })

  test('the server’s own streams are read', async () => {
    await using here = await place()
    const token = await makeToken({ secret: SECRET, sub: 'ops', expiresSeconds: 600, claims: { scope: 'system:read' } })
    const client = here.client({ transport, token })
    const [sample] = await take(client.read('/v1/stream/system/metrics'), 1)
    expect(sample).toBeTypeOf('object')
    await expect(take(here.client({ transport }).read('/v1/stream/system/metrics'), 1)).rejects.toMatchObject({
      code: 'unauthenticated',
    })
  })

  test('a call gives the same chunks', async () => {
    await using here = await place()
    isSmall(await here.client({ transport }).call('POST /small/:name', { name: 'Ann' }).result())
  })
})

test('a token that is about to expire is replaced while a subscription goes on', async () => {
  await using here = await place()
  let asked = 0
  const client = here.client({
    token: () => makeToken({ secret: SECRET, sub: 'ann', expiresSeconds: ++asked === 1 ? 3 : 600 }),
  })
  const room = client.channel('mine')
  const read = take(room.subscribe(), 2)
  await room.publish({ to: 'ann', n: 1 })
  await expect.poll(() => asked).toBe(2)
  await room.publish({ to: 'ann', n: 2 })
  expect(await read).toEqual([
    { to: 'ann', n: 1 },
    { to: 'ann', n: 2 },
  ])
  expect(here.proxy.connections).toBe(1)
})

test('a token that cannot be replaced is kept until it expires, and is not sent again', async () => {
  await using server = await testServer({
    'streamstack.yaml': { auth: { jwt: { secret: SECRET, clock_tolerance: '0s' } } },
    'channels/mine.json': { publish: 'token', subscribe: 'token' },
  })
  const types = await withEnoughTime(async (expiresSeconds) => {
    using sent = vi.spyOn(WebSocket.prototype, 'send')
    const token = await makeToken({ secret: SECRET, sub: 'ann', expiresSeconds })
    const reads = [token, () => token].map(async (source) => {
      const client = createClient({ url: server.url, token: source, retry: { attempts: 2, delayMs: 1 } })
      await expect(take(client.channel('mine').subscribe(), 1)).rejects.toMatchObject({ code: 'unauthenticated' })
    })
    await Promise.all(reads)
    const all = sent.mock.calls.map(([text]) => (JSON.parse(text as string) as { type: string }).type)
    // Neither token was refused before its client had subscribed.
    expect(all.filter((type) => type === 'subscribe')).toHaveLength(2)
    return all
  }, 2)
  expect(types).not.toContain('auth')
})

describe.each(['websocket', 'http'] as const)('over %s, where the server begins anew', (transport) => {
  const NEWS = { 'channels/news.json': { publish: true, subscribe: true, history: { count: 10 } } }

  /** Reads on over a restart that loses what was kept. */
  async function overRestart(onGap?: 'end' | 'restart'): Promise<unknown[]> {
    const told: unknown[] = []
    const port = await ownPort()
    const first = await testServer(NEWS, { port })
    const client = createClient({ url: first.url, transport, retry: { delayMs: 50, attempts: 50 } })
    const news = client.channel('news')
    await news.publish('old')
    const stream = news.subscribe(onGap === undefined ? {} : { onGap })
    stream.on('status', ({ status, cause }) => status === 'gap' && told.push(`gap: ${cause?.code}`))
    let second: TestServer | null = null
    try {
      for await (const { content } of stream) {
        told.push(content)
        if (content === 'newer') break
        if (content === 'new') await news.publish('newer')
        if (content !== 'old') continue
        await first[Symbol.asyncDispose]()
        second = await testServer(NEWS, { port })
        await publish(second, 'news', 'new')
      }
    } catch (error) {
      told.push((error as StreamError).code)
    } finally {
      client.close()
      await second?.[Symbol.asyncDispose]()
    }
    return told
  }

  test('a subscription ends rather than to leave a gap', async () => {
    expect(await overRestart()).toEqual(['old', 'offset_expired'])
  })

  test('a subscription that wants to go on is told of the gap, and then reads anew', async () => {
    expect(await overRestart('restart')).toEqual(['old', 'gap: offset_expired', 'new', 'newer'])
  })
})

test('a subscription that is refused says so although the page takes no chunks', async () => {
  await using here = await place()
  const refused = new Promise((resolve) => here.client().channel('mine').subscribe().on('error', resolve))
  expect(await refused).toMatchObject({ code: 'unauthenticated' })
})

test('a token that is not valid ends a subscription with the server’s reason', async () => {
  await using here = await place()
  const stream = here.client({ token: 'a.b.c' }).channel('mine').subscribe()
  await expect(take(stream, 1)).rejects.toMatchObject({ code: 'unauthenticated' })
  expect(here.proxy.connections).toBe(1)
})

test('a loop that is slow keeps little of a run over the WebSocket, and gets all of it', async () => {
  await using here = await place()
  const stream = here.client({ transport: 'websocket' }).call('POST /heavy')
  const offsets: (number | null)[] = []
  for await (const { offset, content } of stream) {
    expect(content).toHaveLength(10_000)
    if (offsets.push(offset) > 1) continue
    await expect.poll(() => stream.progress.bytes).toBeGreaterThan(1_000_000)
    await new Promise((resolve) => setTimeout(resolve, 100))
    // 3 MB are on the way.
    expect(stream.progress.bytes).toBeLessThan(1_200_000)
  }
  expect(offsets).toEqual(Array.from({ length: 300 }, (_, index) => index + 1))
})

const isSmall = ({ outcome, chunks }: { outcome: unknown; chunks: readonly Chunk[] }): void => {
  expect(chunks.map(({ content }) => content)).toEqual(['one', 'zwölf\nlines 😀', { a: [1, null] }, '', 'Ann'])
  expect(chunks.map(({ offset }) => offset)).toEqual([1, 2, 3, 4, 5])
  expect(outcome).toBe('completed')
}

/** Publishes and reads a few messages, each as its own number, with a fault on the way. */
async function talk(room: Channel<number>, from: number): Promise<void> {
  const count = 4
  const stream = room.subscribe({ after: 'now' })
  const read = take(stream, count)
  await expect.poll(() => stream.status, { interval: 1 }).toBe('open')
  await Promise.all(Array.from({ length: count }, (_, index) => room.publish(from + index)))
  expect(await read).toEqual(Array.from({ length: count }, (_, index) => from + index))
}

describe('over a WebSocket that is cut, every message arrives once and in order', () => {
  const cutEverywhere = async ({
    direction = 'response',
    kind = 'cut',
    every = 3,
  }: Partial<Fault & { every: number }>): Promise<void> => {
    await using here = await place()
    const { proxy } = here
    const passed = (): number => (direction === 'request' ? proxy.requestBytes : proxy.responseBytes)
    const run = async (from: number): Promise<void> => {
      // A machine that stalls looks silent for so short a time, any number of times in a row.
      const hasty = { silenceMsMax: 100, retry: { delayMs: 0, attempts: 1_000 } }
      const client = here.client(kind === 'hang' ? hasty : {})
      await talk(client.channel<number>('rooms/a'), from)
      client.close()
    }
    await run(0)
    const before = passed()
    await run(10)
    const bytes = passed() - before
    expect(bytes).toBeGreaterThan(300)
    let from = 20
    for (let afterBytes = 0; afterBytes < bytes; afterBytes += every) {
      proxy.arm({ direction, afterBytes, kind })
      await run(from)
      from += 10
    }
    proxy.arm(null)
    const kept = await take(here.client().channel('rooms/a').subscribe(), (from / 10) * 4)
    expect(kept).toEqual(
      Array.from({ length: from / 10 }, (_, round) => [0, 1, 2, 3].map((n) => round * 10 + n)).flat(),
    )
  }

  test('in any answer', () => cutEverywhere({ every: 7 }))
  test('in any request', () => cutEverywhere({ direction: 'request', every: 9 }))
  test('with a reset', () => cutEverywhere({ kind: 'reset', every: 23 }))
  test('while it stays open and nothing passes', () => cutEverywhere({ kind: 'hang', every: 131 }))

  test('again and again, with calls beside', async () => {
    await using here = await place()
    const { proxy } = here
    proxy.pace({ pieceBytes: 200, delayMs: 0 })
    let from = 0
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ afterBytes: fc.nat(1_500), kind: fc.constantFrom('cut' as const, 'reset' as const) }), {
          minLength: 1,
          maxLength: 5,
        }),
        async (cuts) => {
          const left = [...cuts]
          const armNext = (): void => {
            const next = left.shift()
            proxy.arm(next === undefined ? null : { direction: 'response', ...next })
          }
          const client = here.client({ transport: 'websocket', retry: { delayMs: 0, attempts: 8 } })
          const room = client.channel('rooms/b')
          const stream = room.subscribe({ after: 'now' })
          stream.on('status', ({ status }) => status === 'reconnecting' && armNext())
          const read = take(stream, 30)
          await expect.poll(() => stream.status, { interval: 1 }).toBe('open')
          armNext()
          const call = client.call('POST /small/:name', { name: 'Ann' }).result()
          await Promise.all(Array.from({ length: 30 }, (_, index) => room.publish(from + index)))
          expect(await read).toEqual(Array.from({ length: 30 }, (_, index) => from + index))
          isSmall(await call)
          from += 30
          client.close()
        },
      ),
      { numRuns: 20 },
    )
  })

  test('in pieces of a few bytes', async () => {
    await using here = await place()
    here.proxy.pace({ pieceBytes: 3, delayMs: 0 })
    await talk(here.client().channel<number>('rooms/a'), 0)
    expect(here.proxy.connections).toBe(1)
  })
})
