import { type ChannelStream, type Chunk, type ClientOptions, StreamError, createClient } from '@streamstack/client'
import { CLOSE_CODES, type ClientMessage } from '@streamstack/protocol'
import { describe, expect, test } from 'vitest'
import { withEnoughTime } from '@streamstack/test-support/enough-time'
import { SocketServer } from '@streamstack/test-support/socket-server'

/** The client's own rules, against a server that does what a good one never does. */
const clientOf = (server: SocketServer, more: Partial<ClientOptions> = {}) =>
  createClient({ url: server.url, retry: { delayMs: 1 }, ...more })

/** Reads as many chunks, and leaves. */
async function take(stream: ChannelStream, count: number): Promise<unknown[]> {
  const found: unknown[] = []
  for await (const { content } of stream) if (found.push(content) === count) break
  return found
}

async function failure(stream: AsyncIterable<Chunk>): Promise<StreamError> {
  try {
    for await (const _ of stream);
  } catch (error) {
    if (error instanceof StreamError) return error
    throw error
  }
  throw new Error('the stream came to a good end')
}

const asked = (server: SocketServer, type: ClientMessage['type']): ClientMessage[] =>
  server.peers.flatMap(({ received }) => received.filter((message) => message.type === type))

describe('one WebSocket', () => {
  test('is opened when it is needed, carries all channels, and is closed when it is unused', async () => {
    await using server = await SocketServer.start()
    const client = clientOf(server)
    const room = client.channel('rooms/7')
    const other = client.channel<string>('rooms/8')
    expect(server.handshakes).toBe(0)
    const reads = [take(room.subscribe(), 2), take(other.subscribe(), 2)]
    expect(await other.publish('one', { metadata: { n: 1 } })).toEqual({ offset: 1 })
    await room.publish({ two: 2 })
    expect(await Promise.all(reads)).toEqual([
      ['one', { two: 2 }],
      ['one', { two: 2 }],
    ])
    expect(server.published[0]).toEqual({ content: 'one', metadata: { n: 1 } })
    expect(server.handshakes).toBe(1)
    await expect.poll(() => asked(server, 'leave').length).toBe(2)
    client.close()
    await room.publish('three')
    expect(server.handshakes).toBe(2)
    expect(server.requests).toEqual([])
    client.close()
  })

  test('offers the token as a subprotocol', async () => {
    await using server = await SocketServer.start()
    const client = clientOf(server, { token: async () => 'a.b-c_d' })
    await client.channel('c').publish(1)
    expect(server.peer.protocols).toEqual(['streamstack.v1', 'streamstack.token.a.b-c_d'])
    client.close()
  })

  test('sends a fresh token when the old one is about to expire', async () => {
    await using server = await SocketServer.start()
    let tokens = 0
    const client = clientOf(server, { token: () => `token${++tokens}` })
    const read = take(client.channel('c').subscribe(), 1)
    await expect.poll(() => asked(server, 'subscribe').length).toBe(1)
    server.peer.send({ type: 'expiring', expires_in: 10 })
    await expect.poll(() => asked(server, 'auth')).toEqual([{ type: 'auth', token: 'token2' }])
    server.publish('still here')
    expect(await read).toEqual(['still here'])
    expect(server.handshakes).toBe(1)
    client.close()
  })
})

describe('a token that is about to expire', () => {
  const expiring = { type: 'expiring', expires_in: 10 } as const

  /** A server that warns of every token that it is sent, at once. */
  const warning = async (): Promise<SocketServer> => {
    const server = await SocketServer.start()
    server.answers = (peer, message) => {
      if (message.type !== 'auth') return false
      peer.send({ type: 'welcome', subject: 'ann', expires_in: 10 })
      peer.send(expiring)
      return true
    }
    return server
  }

  test.each<[string, () => ClientOptions['token']]>([
    ['a text', () => 'fixed'],
    ['a function that gives the same', () => () => 'cached'],
    ['a function that fails', () => failingAfter(1)],
  ])('and comes from %s is never sent again, and the connection goes on', async (_, token) => {
    await using server = await warning()
    const client = clientOf(server, { token: token() as string })
    const read = take(client.channel('c').subscribe(), 1)
    await expect.poll(() => asked(server, 'subscribe').length).toBe(1)
    for (let count = 0; count < 5; count++) server.peer.send(expiring)
    server.publish('still here')
    expect(await read).toEqual(['still here'])
    expect(asked(server, 'auth')).toEqual([])
    expect(server.handshakes).toBe(1)
    client.close()
  })

  test('is replaced once for each warning, and no more when the next one is the same', async () => {
    await using server = await warning()
    const tokens = ['one', 'two', 'three']
    const client = clientOf(server, { token: () => (tokens.length > 1 ? tokens.shift() : tokens[0]) as string })
    const read = take(client.channel('c').subscribe(), 1)
    await expect.poll(() => asked(server, 'subscribe').length).toBe(1)
    server.peer.send(expiring)
    await expect.poll(() => asked(server, 'auth').length).toBe(2)
    server.publish('still here')
    expect(await read).toEqual(['still here'])
    expect(asked(server, 'auth')).toEqual([
      { type: 'auth', token: 'two' },
      { type: 'auth', token: 'three' },
    ])
    client.close()
  })

  test('and stays expired ends what is read, after as many tries as any break', async () => {
    await using server = await SocketServer.start()
    let tokens = 0
    const client = clientOf(server, { token: () => (tokens++, 'cached'), retry: { attempts: 3, delayMs: 1 } })
    const read = failure(client.channel('c').subscribe())
    await expect.poll(() => asked(server, 'subscribe').length).toBe(1)
    server.answers = (peer) => (peer.close(4402, 'The token has expired.'), true)
    server.peer.close(4402, 'The token has expired.')
    expect(await read).toMatchObject({ code: 'unauthenticated', message: 'The token has expired.' })
    expect([tokens, server.handshakes]).toEqual([4, 4])
    client.close()
  })
})

/** Gives a token so many times. */
function failingAfter(times: number): () => string {
  let left = times
  return () => {
    if (left-- > 0) return 'once'
    throw new Error('no token now')
  }
}

describe('a connection that is closed', () => {
  const isOver = new Set<string>(['protocol_error', 'text_invalid', 'too_large', 'message_invalid', 'unauthenticated'])

  test.each(Object.entries(CLOSE_CODES))('with %s is %o', async (name, { code, comeBack }) => {
    expect(comeBack).toBe(!isOver.has(name))
    await using server = await SocketServer.start()
    const client = clientOf(server, { token: 'fixed' })
    const stream = client.channel('c').subscribe()
    server.publish(1)
    const found: unknown[] = []
    const read = (async () => {
      for await (const { content } of stream) {
        found.push(content)
        if (content === 1) server.peer.close(code, 'as told')
        if (content === 2) break
      }
    })()
    if (comeBack) {
      await expect.poll(() => asked(server, 'subscribe').length).toBe(2)
      expect(asked(server, 'subscribe')[1]).toMatchObject({ after: 1 })
      server.publish(2)
      await read
      expect(found).toEqual([1, 2])
    } else {
      await expect(read).rejects.toMatchObject({
        code: code === 4401 ? 'unauthenticated' : `websocket_${code}`,
        message: 'as told',
      })
      expect(server.handshakes).toBe(1)
    }
    client.close()
  })

  test('because of its token comes back with another one, once', async () => {
    await using server = await SocketServer.start()
    let tokens = 0
    const client = clientOf(server, { token: () => `token${++tokens}` })
    server.welcome = null
    const read = failure(client.channel('c').subscribe())
    for (const count of [1, 2]) {
      await expect.poll(() => server.peers.length).toBe(count)
      server.peer.close(4401)
    }
    expect(await read).toMatchObject({ code: 'unauthenticated', recoverable: false })
    expect(server.peers.map(({ protocols }) => protocols[1])).toEqual([
      'streamstack.token.token1',
      'streamstack.token.token2',
    ])
  })

  test('says why and when to come back', async () => {
    await using server = await SocketServer.start()
    const client = clientOf(server)
    const stream = client.channel('c').subscribe()
    const causes: (StreamError | null)[] = []
    stream.on('status', ({ cause }) => causes.push(cause))
    const read = take(stream, 1)
    await expect.poll(() => asked(server, 'subscribe').length).toBe(1)
    const error = { code: 'unavailable', message: 'Later.', recoverable: true, retry_after: 0.3 }
    const atMs = performance.now()
    server.peer.send({ type: 'error', id: null, error })
    server.peer.close(1013)
    await expect.poll(() => asked(server, 'subscribe').length).toBe(2)
    expect(performance.now() - atMs).toBeGreaterThan(290)
    expect(causes.at(1)).toMatchObject({ code: 'unavailable', message: 'Later.', retryAfterMs: 300 })
    server.publish(1)
    expect(await read).toEqual([1])
    client.close()
  })

  test('again and again is given up after five tries, and chunks start the count anew', async () => {
    await using server = await SocketServer.start()
    server.answers = (peer, message) => {
      if (message.type === 'subscribe') peer.close(1011)
      return message.type === 'subscribe'
    }
    const stream = clientOf(server).channel('c').subscribe()
    expect(await failure(stream)).toMatchObject({ code: 'connection_lost' })
    expect(server.handshakes).toBe(6)
    server.answers = () => false
    const long = clientOf(server).channel('c').subscribe()
    const found: unknown[] = []
    server.publish(0)
    for await (const { content } of long) {
      found.push(content)
      if (found.length === 12) break
      server.peer.close(1012)
      server.publish(found.length)
    }
    expect(found).toEqual(Array.from({ length: 12 }, (_, index) => index))
  })

  test('brings all its streams back together, in one connection', async () => {
    await using server = await SocketServer.start()
    const client = clientOf(server, { retry: { delayMs: 20 } })
    const reads = Array.from({ length: 20 }, () => take(client.channel('c').subscribe(), 2))
    await expect.poll(() => asked(server, 'subscribe').length).toBe(20)
    server.publish('a')
    server.peer.close(1012)
    await expect.poll(() => asked(server, 'subscribe').length).toBe(40)
    server.publish('b')
    expect(await Promise.all(reads)).toEqual(reads.map(() => ['a', 'b']))
    expect(server.handshakes).toBe(2)
    client.close()
  })

  test('doubles no message, loses none, and keeps the order of those that waited', async () => {
    await using server = await SocketServer.start()
    const client = clientOf(server)
    const room = client.channel('c')
    let answered = 0
    server.answers = (peer, message) => {
      // Kept, but the client gets no answer; then lost.
      if (message.type !== 'publish' || server.peers.length > 1) return false
      if (++answered === 4) peer.freeze()
      if (answered === 8) peer.close(1012)
      return answered > 4
    }
    const offsets = await Promise.all(Array.from({ length: 8 }, (_, index) => room.publish(index)))
    expect(server.published.map(({ content }) => content)).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
    expect(offsets.map(({ offset }) => offset)).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
    client.close()
  })
})

test('a connection that goes silent is asked for a sign of life, and replaced when none comes', () =>
  withEnoughTime(async (seconds) => {
    await using server = await SocketServer.start()
    const client = clientOf(server, { silenceMsMax: seconds * 1_000 })
    const read = take(client.channel('c').subscribe(), 2)
    // A try that fails leaves it without its server.
    read.catch(() => undefined)
    try {
      await expect.poll(() => asked(server, 'ping').length).toBeGreaterThan(1)
      expect(server.handshakes).toBe(1)
      server.publish('a')
      server.peer.freeze()
      await expect.poll(() => server.handshakes).toBe(2)
      server.publish('b')
      expect(await read).toEqual(['a', 'b'])
    } finally {
      client.close()
    }
  }, 0.2))

describe('where WebSockets do not get through', () => {
  test('channels go over HTTP after two handshakes', async () => {
    await using server = await SocketServer.start()
    server.refuses = () => true
    const client = clientOf(server)
    const room = client.channel('rooms/7 ü')
    const read = take(room.subscribe({ presence: true, data: { name: 'Ann' } }), 2)
    expect(await room.publish('a')).toEqual({ offset: 1 })
    await room.publish('b')
    expect(await read).toEqual(['a', 'b'])
    expect(server.handshakes).toBe(2)
    const path = '/v1/channels/rooms/7%20%C3%BC'
    expect(server.requests.toSorted((a, b) => a.localeCompare(b, 'en'))).toEqual([
      `GET ${path}?presence=true&data=%7B%22name%22%3A%22Ann%22%7D`,
      `POST ${path}`,
      `POST ${path}`,
    ])
  })

  test('and HTTP does not either, both are tried again', async () => {
    await using server = await SocketServer.start()
    server.refuses = (handshake) => handshake <= 2
    server.refusesHttp = true
    server.publish('a')
    const client = clientOf(server)
    expect(await take(client.channel('c').subscribe(), 1)).toEqual(['a'])
    client.close()
    expect(server.handshakes).toBe(3)
    expect(server.requests).toHaveLength(1)
  })

  test('none is tried when HTTP is asked for, and a break is mended there', async () => {
    await using server = await SocketServer.start()
    const room = clientOf(server, { transport: 'http' }).channel('c')
    const stream = room.subscribe()
    const read = take(stream, 2)
    await room.publish('a')
    await expect.poll(() => stream.offset).toBe(1)
    await room.publish('b', { key: 'k' })
    await room.publish('b', { key: 'k' })
    expect(await read).toEqual(['a', 'b'])
    expect(server.published).toHaveLength(2)
    expect(server.handshakes).toBe(0)
  })
})

test('a reader that falls behind leaves the stream, keeps little, and reads on after it has caught up', async () => {
  await using server = await SocketServer.start()
  const client = clientOf(server)
  const slow = client.channel<string>('c').subscribe()
  const text = 'x'.repeat(100_000)
  for (let count = 0; count < 100; count++) server.publish(text)
  const subscribed = () =>
    asked(server, 'subscribe').filter((message) => 'channel' in message && message.channel === 'c')
  const left = () => {
    const ids = subscribed().map((message) => ('id' in message ? message.id : ''))
    return asked(server, 'leave').filter((message) => 'id' in message && ids.includes(message.id))
  }
  const offsets: (number | null)[] = []
  for await (const { offset, content } of slow) {
    offsets.push(offset)
    expect(content).toHaveLength(100_000)
    if (offsets.length === 100) break
    // It reads on only after it has fallen behind, as long as there is enough left to fall behind with.
    if (offsets.length <= 70) await expect.poll(() => left().length).toBe(subscribed().length)
    if (offsets.length > 1) continue
    // Others are served meanwhile.
    expect(await take(client.channel('other').subscribe(), 1)).toHaveLength(1)
  }
  expect(offsets).toEqual(Array.from({ length: 100 }, (_, index) => index + 1))
  expect(server.handshakes).toBe(1)
  // It was behind by one bound or a little more each time, and by no more.
  const afters = subscribed().flatMap((message) => ('after' in message ? [Number(message.after)] : []))
  expect(afters.length).toBeGreaterThanOrEqual(4)
  expect(afters.every((after, index) => after - (afters[index - 1] ?? 0) <= 22)).toBe(true)
  client.close()
})

describe('what is asked of a subscriber', () => {
  test('is what the caller said', async () => {
    await using server = await SocketServer.start()
    const client = clientOf(server)
    server.publish('before')
    const read = take(client.channel('c').subscribe({ after: 'now', presence: true, data: { a: 1 } }), 1)
    await expect.poll(() => asked(server, 'subscribe').length).toBe(1)
    expect(asked(server, 'subscribe')[0]).toEqual({
      type: 'subscribe',
      id: '1',
      channel: 'c',
      after: 'now',
      presence: true,
      data: { a: 1 },
    })
    // It begins where it was opened, however often the connection breaks before the first chunk.
    server.peer.close(1012)
    server.publish('meanwhile')
    expect(await read).toEqual(['meanwhile'])
    client.close()
  })

  test('that the server refuses hears it once, and the others go on', async () => {
    await using server = await SocketServer.start()
    const client = clientOf(server)
    const other = take(client.channel('c').subscribe(), 1)
    const error = { code: 'forbidden', message: 'No.', recoverable: false, retry_after: null }
    server.answers = (peer, message) => {
      if (!('channel' in message) || message.channel !== 'secret') return false
      peer.send({ type: 'error', id: message.id, error })
      return true
    }
    expect(await failure(client.channel('secret').subscribe())).toMatchObject({ code: 'forbidden', message: 'No.' })
    await expect(client.channel('secret').publish(1)).rejects.toMatchObject({ code: 'forbidden', name: 'StreamError' })
    server.publish('a')
    expect(await other).toEqual(['a'])
    expect(server.handshakes).toBe(1)
    client.close()
  })
})
