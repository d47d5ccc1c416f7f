import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { NamedStreamMessage, ServerMessage } from '@streamstack/protocol'
import { WebSocket } from 'ws'
import { withEnoughTime } from '@streamstack/test-support/enough-time'
import { SECRET, bearer, channelServer } from '@streamstack/test-support/channel-calls'
import { faultProxy } from '@streamstack/test-support/fault-proxy'
import { type TestServer, testServer } from '@streamstack/test-support/test-server'
import {
  type Sent,
  type WebSocketClient,
  isError,
  openWebSocket,
  under,
} from '@streamstack/test-support/websocket-client'

type Told = NamedStreamMessage | Extract<ServerMessage, { type: 'error' | 'left' }>

const JSON_TYPE = 'application/json'

let names = 0

/** Makes a stream with a name of its own, and gives its path. */
async function made(server: TestServer, type: string, headers: Record<string, string> = {}): Promise<string> {
  const path = `/v1/stream/made/${++names}`
  const { status } = await fetch(server.url + path, { method: 'PUT', headers: { 'Content-Type': type, ...headers } })
  expect(status).toBe(201)
  return path
}

/** Appends, and gives the offset behind it. */
async function append(server: TestServer, path: string, type: string, body: string | Uint8Array): Promise<string> {
  const bytes = Buffer.from(body)
  const answer = await fetch(server.url + path, { method: 'POST', headers: { 'Content-Type': type }, body: bytes })
  expect(answer.status).toBe(204)
  return answer.headers.get('stream-next-offset') as string
}

async function close(server: TestServer, path: string): Promise<void> {
  await fetch(server.url + path, { method: 'POST', headers: { 'Stream-Closed': 'true' } })
}

function told(socket: WebSocketClient, id: string): Told[] {
  return under(socket.messages, id) as unknown as Told[]
}

function chunks(socket: WebSocketClient, id: string): Extract<Told, { type: 'chunk' }>[] {
  return told(socket, id).flatMap((message) => (message.type === 'chunk' ? [message] : []))
}

/** Texts and lists of messages, put together. */
function contentOf(socket: WebSocketClient, id: string): unknown[] | string {
  const contents = chunks(socket, id).map(({ content }) => content)
  return contents.every((content) => typeof content === 'string') ? contents.join('') : contents.flat()
}

async function opened(socket: WebSocketClient, id: string): Promise<Extract<Told, { type: 'open' }>> {
  return (await socket.until((message) => message.type === 'open' && message.id === id)) as never
}

async function lastWord(socket: WebSocketClient, id: string): Promise<Told> {
  const isLast = (message: ServerMessage): boolean =>
    ['end', 'error', 'left'].includes(message.type) && 'id' in message && message.id === id
  return (await socket.until(isLast)) as unknown as Told
}

describe.each(['memory', 'sqlite'])('a stream by name, kept in %s', (log) => {
  let server: TestServer
  beforeAll(async () => {
    server = await testServer({
      'streamstack.yaml': {
        streams: { access: 'open', log },
        // The append calls between two reads may take a while on a busy machine.
        server: { websocket: { message_rate: 100_000, max_streams: 1_000, auth_timeout: '10m' } },
      },
    })
  })
  afterAll(() => server[Symbol.asyncDispose]())

  test('gives what there is and what comes, to the character, and ends when it is closed', async () => {
    const path = await made(server, JSON_TYPE)
    const long = '123456789012345678901234567890'
    await append(server, path, JSON_TYPE, `{"n":${long},"f":1.0}`)
    const socket = new WebSocket(`${server.url.replace('http', 'ws')}/v1/ws`)
    const texts: string[] = []
    const closed = new Promise((resolve) => socket.once('close', resolve))
    const begun = Promise.withResolvers<void>()
    socket.on('message', (data) => {
      const text = (data as Buffer).toString()
      texts.push(text)
      const { type } = JSON.parse(text) as Told
      if (type === 'chunk') begun.resolve()
      if (type === 'end') socket.close()
    })
    await new Promise((resolve) => socket.once('open', resolve))
    socket.send(JSON.stringify({ type: 'read', id: 'a', stream: path }))
    await begun.promise
    const offset = await append(server, path, JSON_TYPE, ' [ "é" , [2] ,\n null ] ')
    await close(server, path)
    await closed
    const first = `0000000000000001${offset.slice(16)}`
    expect(texts.slice(1)).toEqual([
      `{"type":"open","id":"a","url":"${path}","run":null,"after":"0000000000000000${offset.slice(16)}","content_type":"application/json","encoding":"json"}`,
      `{"id":"a","type":"chunk","offset":"${first}","content":[{"n":${long},"f":1.0}],"metadata":null}`,
      `{"id":"a","type":"chunk","offset":"${offset}","content":[ "é" , [2] ,\n null ],"metadata":null}`,
      `{"type":"end","id":"a","outcome":"completed","offset":"${offset}","error":null}`,
    ])
  })

  test('as text is never cut in a character, wherever appends are and whichever offset is gone on from', async () => {
    await using socket = await openWebSocket(server.url)
    let round = 0
    const bytes = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 12 }).map((text) => Buffer.from(text)),
      fc.uint8Array({ maxLength: 16 }).map((values) => Buffer.from(values)),
    )
    await fc.assert(
      fc.asyncProperty(bytes, fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 30 }), async (whole, sizes) => {
        const path = await made(server, 'text/plain; charset=utf-8')
        round++
        socket.send({ type: 'read', id: `${round}:live`, stream: path })
        expect((await opened(socket, `${round}:live`)).encoding).toBe('text')
        const offsets: string[] = []
        let at = 0
        for (const size of sizes) {
          if (at >= whole.length) break
          offsets.push(await append(server, path, 'text/plain', whole.subarray(at, (at += size))))
        }
        await close(server, path)
        for (const [index, offset] of offsets.entries()) {
          socket.send({ type: 'read', id: `${round}:${index}`, stream: path, after: offset })
        }
        socket.send({ type: 'read', id: `${round}:all`, stream: path, after: '-1' })
        await Promise.all([
          lastWord(socket, `${round}:live`),
          ...offsets.map((_, index) => lastWord(socket, `${round}:${index}`)),
        ])
        expect(await lastWord(socket, `${round}:all`)).toMatchObject({ type: 'end', outcome: 'completed' })
        const all = contentOf(socket, `${round}:all`) as string
        // What is behind the last whole character is not told.
        expect(whole.toString().startsWith(all)).toBe(true)
        if (whole.toString().isWellFormed() && !whole.toString().includes('\ufffd')) expect(all).toBe(whole.toString())
        expect(contentOf(socket, `${round}:live`)).toBe(all)
        let live = ''
        const lengths = new Map(
          chunks(socket, `${round}:live`).map(({ offset, content }) => [offset, (live += String(content)).length]),
        )
        for (const [index, offset] of offsets.entries()) {
          const rest = contentOf(socket, `${round}:${index}`) as string
          expect(all.endsWith(rest)).toBe(true)
          const length = lengths.get(offset)
          if (length !== undefined) expect(rest).toBe(all.slice(length))
        }
      }),
      { numRuns: 15 },
    )
  })

  test('is read on after cuts anywhere with nothing lost and nothing twice, while others append', async () => {
    await using proxy = await faultProxy(server.url)
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 3_000 }), { minLength: 1, maxLength: 5 }), async (cuts) => {
        const path = await made(server, JSON_TYPE)
        const got: unknown[] = []
        let after: string | undefined
        let last: Told | null = null
        const appending = (async () => {
          for (let n = 0; n < 120; n += 4)
            await append(server, path, JSON_TYPE, JSON.stringify([n, n + 1, n + 2, n + 3]))
          await close(server, path)
        })()
        for (const afterBytes of [...cuts, null]) {
          const socket = await openWebSocket(proxy.url)
          if (afterBytes !== null) proxy.arm({ direction: 'response', afterBytes, kind: 'cut' })
          socket.send({ type: 'read', id: 'a', stream: path, ...(after === undefined ? {} : { after }) })
          last = await lastWord(socket, 'a').catch(() => null)
          proxy.arm(null)
          socket.terminate()
          await socket.closed
          for (const { offset, content } of chunks(socket, 'a')) {
            got.push(...(content as unknown[]))
            after = offset
          }
          if (last !== null) break
        }
        await appending
        expect(last).toMatchObject({ type: 'end', offset: after })
        expect(got).toEqual(Array.from({ length: 120 }, (_, n) => n))
      }),
      { numRuns: 5 },
    )
  })

  test('gives offsets that are good over HTTP, and takes those that HTTP gives', async () => {
    const path = await made(server, JSON_TYPE)
    for (let n = 0; n < 5; n++) await append(server, path, JSON_TYPE, String(n))
    await using socket = await openWebSocket(server.url)
    socket.send(
      { type: 'read', id: 'live', stream: path, after: 'now' },
      { type: 'read', id: 'zero', stream: path, after: 0 },
    )
    await opened(socket, 'zero')
    const between = await append(server, path, JSON_TYPE, '5')
    await append(server, path, JSON_TYPE, '6')
    await close(server, path)
    await lastWord(socket, 'live')
    await lastWord(socket, 'zero')
    expect(contentOf(socket, 'live')).toEqual([5, 6])
    expect(contentOf(socket, 'zero')).toEqual([0, 1, 2, 3, 4, 5, 6])
    for (const { offset, content } of chunks(socket, 'zero')) {
      const rest = (await server.call(`${path}?offset=${offset}`)).text
      const lastOne = (content as number[]).at(-1) as number
      expect(JSON.parse(rest)).toEqual([0, 1, 2, 3, 4, 5, 6].slice(lastOne + 1))
    }
    socket.send({ type: 'read', id: 'on', stream: path, after: between })
    expect(await lastWord(socket, 'on')).toMatchObject({ type: 'end' })
    expect((await opened(socket, 'on')).after).toBe(between)
    expect(contentOf(socket, 'on')).toEqual([6])
  })

  test('that was forked is read through to what it has of its source, by the offsets of both', async () => {
    const source = await made(server, 'text/plain')
    const first = await append(server, source, 'text/plain', Buffer.from('one, ä').subarray(0, -1))
    await append(server, source, 'text/plain', 'never')
    const fork = await made(server, 'text/plain', {
      'Stream-Forked-From': source,
      'Stream-Fork-Offset': first,
    })
    await append(server, fork, 'text/plain', Buffer.concat([Buffer.from('ä').subarray(1), Buffer.from(', two')]))
    await close(server, fork)
    await using socket = await openWebSocket(server.url)
    socket.send({ type: 'read', id: 'all', stream: fork }, { type: 'read', id: 'on', stream: fork, after: first })
    await lastWord(socket, 'all')
    await lastWord(socket, 'on')
    expect(contentOf(socket, 'all')).toBe('one, ä, two')
    expect(contentOf(socket, 'on')).toBe('ä, two')
  })

  test.each(['application/octet-stream', 'text/plain; charset=latin1', 'image/png'])(
    'of %s comes as base64, each chunk by itself',
    async (type) => {
      const path = await made(server, type)
      const pieces = [Buffer.of(0xff, 0, 0x80), Buffer.of(0xe4), Buffer.from('abc')]
      for (const piece of pieces) await append(server, path, type, piece)
      await close(server, path)
      await using socket = await openWebSocket(server.url)
      socket.send({ type: 'read', id: 'a', stream: path })
      await lastWord(socket, 'a')
      expect(told(socket, 'a')[0]).toMatchObject({ content_type: type, encoding: 'base64' })
      const got = chunks(socket, 'a').map(({ content }) => Buffer.from(String(content), 'base64'))
      expect(Buffer.concat(got)).toEqual(Buffer.concat(pieces))
    },
  )

  test('that is deleted says so to who reads it, once, and to who asks later', async () => {
    const path = await made(server, JSON_TYPE)
    await append(server, path, JSON_TYPE, '1')
    await using socket = await openWebSocket(server.url)
    socket.send(
      { type: 'read', id: 'a', stream: path },
      { type: 'read', id: 'other', stream: await made(server, JSON_TYPE) },
    )
    await socket.until((message) => message.type === 'chunk')
    await server.call(path, { method: 'DELETE' })
    expect(await lastWord(socket, 'a')).toMatchObject({ type: 'error', error: { code: 'stream_deleted' } })
    // One of the same name is another one, and the offsets of the first are not of it.
    await fetch(server.url + path, { method: 'PUT', headers: { 'Content-Type': JSON_TYPE } })
    await append(server, path, JSON_TYPE, '2')
    const [first] = chunks(socket, 'a')
    socket.send({ type: 'read', id: 'b', stream: path, after: first?.offset ?? '' })
    expect(await lastWord(socket, 'b')).toMatchObject({ type: 'error', error: { code: 'offset_invalid' } })
    expect(told(socket, 'a').map(({ type }) => type)).toEqual(['open', 'chunk', 'error'])
    socket.send({ type: 'leave', id: 'other' })
    expect(await lastWord(socket, 'other')).toEqual({ type: 'left', id: 'other' })
  })

  test('is read by many, some behind, who all get the same, once', async () => {
    const path = await made(server, 'text/plain')
    await using socket = await openWebSocket(server.url)
    const ids = Array.from({ length: 20 }, (_, index) => `r${index}`)
    let expected = ''
    for (const [index, id] of ids.entries()) {
      expected += `${index}ä€,`
      await append(server, path, 'text/plain', `${index}ä€,`)
      socket.send({ type: 'read', id, stream: path })
    }
    await close(server, path)
    for (const id of ids) {
      await lastWord(socket, id)
      expect(contentOf(socket, id)).toBe(expected)
    }
  })

  test('waits in the log for a socket that takes nothing', async () => {
    const path = await made(server, JSON_TYPE)
    await using slow = await openWebSocket(server.url)
    slow.send({ type: 'read', id: 'a', stream: path })
    await opened(slow, 'a')
    slow.pause()
    const filler = 'x'.repeat(50_000)
    for (let n = 0; n < 200; n++) await append(server, path, JSON_TYPE, JSON.stringify({ n, filler }))
    await close(server, path)
    slow.resume()
    await lastWord(slow, 'a')
    expect((contentOf(slow, 'a') as { n: number }[]).map(({ n }) => n)).toEqual(
      Array.from({ length: 200 }, (_, n) => n),
    )
  })

  test.each<[string, Partial<Sent>, string, string]>([
    ['garbage', { after: 'soon' }, 'offset_invalid', 'no offset of this stream'],
    [
      'an offset of another stream',
      { after: '0000000000000001_0123456789abcdef' },
      'offset_invalid',
      'no offset of this',
    ],
    ['a number', { after: 1 }, 'offset_invalid', 'no offset of this stream'],
    ['a list', { after: [] }, 'message_invalid', '`after`'],
    ['an empty text', { after: '' }, 'message_invalid', '`after`'],
    ['no such stream', { stream: '/v1/stream/nowhere' }, 'stream_unknown', 'no such stream'],
    ['a query', { stream: '/v1/stream/made/1?offset=-1' }, 'stream_unknown', '`after`'],
    ['what belongs to the protocol', { stream: '/v1/stream/__ds/subscriptions/a' }, 'stream_unknown', 'No stream'],
    ['a name that is none', { stream: '/v1/stream/a//b' }, 'stream_unknown', 'No stream can have this name'],
    ['a stream of the server', { stream: '/v1/stream/%00run' }, 'stream_unknown', 'No stream can have this name'],
  ])('is refused for %s under its id, and the connection goes on', async (_, fields, code, message) => {
    const path = await made(server, JSON_TYPE)
    await append(server, path, JSON_TYPE, '1')
    await using socket = await openWebSocket(server.url)
    socket.send({ type: 'read', id: 'a', stream: path, ...fields }, { type: 'read', id: 'b', stream: path })
    expect((await socket.until(isError('a'))).error).toMatchObject({ code, message: expect.stringContaining(message) })
    await socket.until((one) => one.type === 'chunk' && one.id === 'b')
    expect(under(socket.messages, 'a')).toHaveLength(1)
  })

  test('is refused past its end', async () => {
    const path = await made(server, JSON_TYPE)
    const offset = await append(server, path, JSON_TYPE, '1')
    await using socket = await openWebSocket(server.url)
    socket.send({ type: 'read', id: 'a', stream: path, after: offset.replace('1_', '2_') })
    expect((await socket.until(isError('a'))).error).toMatchObject({
      code: 'offset_invalid',
      message: expect.stringContaining('beyond the end'),
    })
  })
})

test('a stream does not expire while it is read', async () => {
  await using server = await testServer({
    'streamstack.yaml': { streams: { access: 'open', log: 'memory', heartbeat: '1s' } },
  })
  await using socket = await openWebSocket(server.url)
  const { id, path, ttl } = await withEnoughTime(async (seconds) => {
    const lasting = { 'Stream-TTL': String(seconds) }
    const read = { id: `read-${seconds}`, path: await made(server, JSON_TYPE, lasting), ttl: lasting }
    socket.send({ type: 'read', id: read.id, stream: read.path })
    const answer = await socket.until(
      (message) => 'id' in message && message.id === read.id && (message.type === 'open' || message.type === 'error'),
    )
    expect(answer.type).toBe('open')
    return read
  }, 2)
  // Made later, and gone earlier.
  const unread = await made(server, JSON_TYPE, ttl)
  await expect.poll(async () => (await server.call(unread, { method: 'HEAD' })).status).toBe(404)
  await append(server, path, JSON_TYPE, '1')
  await socket.until((message) => message.type === 'chunk')
  expect(told(socket, id).map(({ type }) => type)).toEqual(['open', 'chunk'])
})

describe.each(['memory', 'sqlite'])('what is no longer kept in %s', (log) => {
  test('is told to who asks for it, and to who fell behind; without an offset comes what is left', async () => {
    await using server = await testServer({
      'streamstack.yaml': { streams: { access: 'open', log, max_bytes: 200_000 } },
    })
    const path = await made(server, JSON_TYPE)
    await using slow = await openWebSocket(server.url)
    slow.send({ type: 'read', id: 'a', stream: path })
    await opened(slow, 'a')
    slow.pause()
    const filler = 'x'.repeat(50_000)
    const first = await append(server, path, JSON_TYPE, JSON.stringify({ n: 0, filler }))
    for (let n = 1; n < 300; n++) await append(server, path, JSON_TYPE, JSON.stringify({ n, filler }))
    let gone = ''
    for (let tries = 0; gone === '' && tries < 100; tries++) {
      const { status, headers } = await server.call(`${path}?offset=${first}`)
      if (status === 410) gone = String(headers['stream-first-offset'])
    }
    await using socket = await openWebSocket(server.url)
    for (const [id, after] of Object.entries({ first, start: '-1', zero: 0 })) {
      socket.send({ type: 'read', id, stream: path, after })
      expect((await socket.until(isError(id))).error).toMatchObject({
        code: 'offset_expired',
        message: expect.stringContaining('without `after`'),
      })
    }
    socket.send({ type: 'read', id: 'kept', stream: path })
    expect((await opened(socket, 'kept')).after >= gone).toBe(true)
    await socket.until((message) => message.type === 'chunk' && JSON.stringify(message).includes('"n":299'))
    const kept = (contentOf(socket, 'kept') as { n: number }[]).map(({ n }) => n)
    expect(kept).toEqual(Array.from({ length: kept.length }, (_, index) => 300 - kept.length + index))
    slow.resume()
    expect((await slow.until(isError('a'))).error).toMatchObject({
      code: 'offset_expired',
      message: expect.stringContaining('fell further behind'),
    })
    const seen = (contentOf(slow, 'a') as { n: number }[]).map(({ n }) => n)
    expect(seen).toEqual(seen.map((_, index) => index))
  })
})

describe('who may read', () => {
  const token = (scope: string): Promise<{ Authorization: string }> => bearer({ sub: 'ann', scope })

  /** A closed server with a stream that holds one message. */
  async function closedServer(): Promise<{
    server: TestServer
    path: string
    say: (text: string) => Promise<unknown>
  }> {
    const server = await channelServer({}, { streams: { log: 'memory' } })
    const headers = { ...(await token('streams:write')), 'Content-Type': JSON_TYPE }
    const path = '/v1/stream/secret'
    await server.call(path, { method: 'PUT', headers })
    const say = (text: string): Promise<unknown> =>
      server.call(path, { method: 'POST', headers, body: JSON.stringify(text) })
    await say('one')
    return { server, path, say }
  }

  test('those whose token holds streams:read, as long as it does', async () => {
    const { server, path, say } = await closedServer()
    await using _ = server
    for (const [headers, code] of [
      [{}, 'unauthenticated'],
      [await token('streams:write'), 'forbidden'],
      [await token('system:read'), 'forbidden'],
    ] as const) {
      await using socket = await openWebSocket(server.url, { headers })
      socket.send({ type: 'read', id: 'a', stream: path }, { type: 'read', id: 'b', stream: '/v1/stream/not-there' })
      expect((await socket.until(isError('a'))).error.code).toBe(code)
      // Who may not read is not told which there are.
      expect((await socket.until(isError('b'))).error.code).toBe(code)
      expect(JSON.stringify(socket.messages)).not.toContain('one')
    }
    await using socket = await openWebSocket(server.url, { headers: await token('streams:read') })
    socket.send({ type: 'read', id: 'a', stream: path })
    await socket.until((message) => message.type === 'chunk')
    const again = (await token('streams:read other')).Authorization.slice(7)
    socket.send({ type: 'auth', token: again })
    await socket.until((message) => message.type === 'welcome' && socket.messages.indexOf(message) > 0)
    await say('two')
    await socket.until((message) => JSON.stringify(message).includes('two'))
    socket.send({ type: 'auth', token: (await token('other')).Authorization.slice(7) })
    expect((await socket.until(isError('a'))).error.code).toBe('forbidden')
    await say('three')
    socket.send({ type: 'ping' })
    await socket.until(({ type }) => type === 'pong')
    expect(contentOf(socket, 'a')).toEqual(['one', 'two'])
  })

  test('nobody when the server can check no token', async () => {
    await using server = await testServer({ 'streamstack.yaml': { streams: { log: 'memory' } } })
    await using socket = await openWebSocket(server.url)
    socket.send({ type: 'read', id: 'a', stream: '/v1/stream/a' })
    expect((await socket.until(isError('a'))).error.code).toBe('unavailable')
  })

  test('a reader whose token expires is closed with 4402', async () => {
    const { server, path } = await closedServer()
    await using _ = server
    await using socket = await withEnoughTime(async (seconds) => {
      // Clocks may differ by 5 s.
      const expires = Math.floor(Date.now() / 1_000) - 5 + seconds
      const headers = await bearer({ sub: 'ann', scope: 'streams:read' }, expires)
      const reader = await openWebSocket(server.url, { headers })
      reader.send({ type: 'read', id: 'a', stream: path })
      await reader.until((message) => message.type === 'chunk')
      return reader
    })
    expect((await socket.closed).code).toBe(4402)
  })

  test('nobody any more when settings that are read again close what was open', async () => {
    const streams = { access: 'open', log: 'memory' }
    const jwt = { auth: { jwt: { secret: SECRET } } }
    const log = { level: 'silent' }
    await using server = await channelServer({}, { streams, ...jwt })
    const path = await made(server, JSON_TYPE)
    await append(server, path, JSON_TYPE, '"one"')
    await using socket = await openWebSocket(server.url)
    socket.send({ type: 'read', id: 'a', stream: path })
    await socket.until((message) => message.type === 'chunk')
    await server.write('streamstack.yaml', { log, ...jwt, streams: { ...streams, access: 'closed' } })
    // Nothing is appended: it is told all the same.
    expect((await socket.until(isError('a'))).error.code).toBe('unauthenticated')
    const headers = { ...(await token('streams:write')), 'Content-Type': JSON_TYPE }
    expect((await server.call(path, { method: 'POST', headers, body: '"two"' })).status).toBe(204)
    socket.send({ type: 'read', id: 'b', stream: path })
    await socket.until(isError('b'))
    expect(JSON.stringify(socket.messages)).not.toContain('two')
  })
})
