import { describe, expect, test } from 'vitest'
import type { ServerMessage } from '@streamstack/protocol'
import { bearer, channelServer, held, publish, rawToken } from '@streamstack/test-support/channel-calls'
import {
  type WebSocketClient,
  contentsOf,
  isError,
  isType,
  openWebSocket,
  under,
} from '@streamstack/test-support/websocket-client'

const OPEN = { publish: true, subscribe: true, presence: true, history: { count: 100 } }

const isPublished =
  (id: string) =>
  (message: ServerMessage): message is Extract<ServerMessage, { type: 'published' }> =>
    message.type === 'published' && message.id === id

/** Settles when so many chunks came under an id. */
async function untilChunks(socket: WebSocketClient, id: string, count: number): Promise<unknown[]> {
  await socket.until(() => contentsOf(socket.messages, id).length >= count)
  return contentsOf(socket.messages, id)
}

describe('a channel', () => {
  test('gives its history and then new messages, to each subscriber, from every publisher', async () => {
    await using server = await channelServer({ news: OPEN })
    const first = await publish(server, 'news', 'one')
    await using socket = await openWebSocket(server.url)
    await using other = await openWebSocket(server.url)
    socket.send({ type: 'subscribe', id: 'all', channel: 'news' })
    socket.send({ type: 'subscribe', id: 'new', channel: 'news', after: 'now' })
    socket.send({ type: 'subscribe', id: 'after', channel: 'news', after: first })
    await socket.until((message) => message.type === 'open' && message.id === 'after')
    other.send({ type: 'publish', id: 'p', channel: 'news', content: { two: 2 }, metadata: { by: 'other' } })
    const { offset } = await other.until(isPublished('p'))
    await publish(server, 'news', 'three')
    expect(await untilChunks(socket, 'all', 3)).toEqual(['one', { two: 2 }, 'three'])
    expect(await untilChunks(socket, 'new', 2)).toEqual([{ two: 2 }, 'three'])
    expect(await untilChunks(socket, 'after', 2)).toEqual([{ two: 2 }, 'three'])
    expect(under(socket.messages, 'new')[1]).toMatchObject({ offset, metadata: { by: 'other' } })
    expect(await held(server, '/v1/channels/news')).toMatchObject([
      { content: 'one' },
      { offset },
      { content: 'three' },
    ])
  })

  test('can be read by the path that it is open under, and left', async () => {
    await using server = await channelServer({ rooms: { channel: 'rooms/{room}', ...OPEN } })
    await using socket = await openWebSocket(server.url)
    socket.send({ type: 'subscribe', id: 'a', channel: 'rooms/ä b' })
    const { url } = await socket.until(isType('open'))
    socket.send({ type: 'read', id: 'b', stream: url })
    socket.send({ type: 'publish', id: 'p', channel: 'rooms/ä b', content: 1 })
    expect(await untilChunks(socket, 'a', 1)).toEqual([1])
    expect(await untilChunks(socket, 'b', 1)).toEqual([1])
    socket.send({ type: 'leave', id: 'a' }, { type: 'publish', id: 'p', channel: 'rooms/ä b', content: 2 })
    expect(await untilChunks(socket, 'b', 2)).toEqual([1, 2])
    expect(under(socket.messages, 'a').at(-1)).toEqual({ type: 'left', id: 'a' })
    expect(contentsOf(socket.messages, 'a')).toEqual([1])
  })

  test('that begins anew says so to clients that reconnect, by its name or its path, and what to do', async () => {
    await using server = await channelServer({ news: OPEN })
    await using socket = await openWebSocket(server.url)
    socket.send({ type: 'subscribe', id: 'a', channel: 'news', after: 5 })
    socket.send({ type: 'read', id: 'b', stream: '/v1/channels/news', after: 5 })
    for (const id of ['a', 'b']) {
      const { error } = await socket.until(isError(id))
      expect(error).toMatchObject({ code: 'offset_expired', message: expect.stringContaining('without `after`') })
    }
  })

  test('is read with a token that has just expired, as long as clocks may differ', async () => {
    await using server = await channelServer({ mine: { ...OPEN, publish: true, subscribe: 'token' } })
    const late = await rawToken({ sub: 'ann' }, Math.floor(Date.now() / 1_000) - 1)
    await using socket = await openWebSocket(server.url, { headers: { Authorization: `Bearer ${late}` } })
    socket.send(
      { type: 'subscribe', id: 'a', channel: 'mine' },
      { type: 'publish', id: 'p', channel: 'mine', content: 1 },
    )
    expect(await untilChunks(socket, 'a', 1)).toEqual([1])
    expect(await socket.until(isType('welcome'))).toMatchObject({ subject: 'ann', expires_in: 0 })
  })

  test('adds nothing for a publish that comes again with its key', async () => {
    await using server = await channelServer({ news: OPEN })
    await using socket = await openWebSocket(server.url)
    for (const id of ['a', 'b']) socket.send({ type: 'publish', id, channel: 'news', content: 'once', key: 'k' })
    socket.send({ type: 'publish', id: 'c', channel: 'news', content: 'other', key: 'k' })
    const [a, b] = [await socket.until(isPublished('a')), await socket.until(isPublished('b'))]
    expect(a.offset).toBe(b.offset)
    expect((await socket.until(isError('c'))).error.code).toBe('idempotency_conflict')
    expect(await held(server, '/v1/channels/news')).toMatchObject([{ content: 'once' }])
  })

  test('is for whom its rules say, and shows each what they may see', async () => {
    await using server = await channelServer({
      staff: { publish: 'token', subscribe: { roles: ['staff'] }, deliver: '{{message.to}} === {{auth.sub}}' },
    })
    await using nobody = await openWebSocket(server.url)
    await using guest = await openWebSocket(server.url, { headers: await bearer({ sub: 'guest' }) })
    await using ada = await openWebSocket(server.url, { headers: await bearer({ sub: 'ada', roles: ['staff'] }) })
    nobody.send(
      { type: 'subscribe', id: 's', channel: 'staff' },
      { type: 'publish', id: 'p', channel: 'staff', content: 1 },
    )
    expect((await nobody.until(isError('s'))).error.code).toBe('unauthenticated')
    expect((await nobody.until(isError('p'))).error.code).toBe('unauthenticated')
    guest.send({ type: 'subscribe', id: 's', channel: 'staff' }, { type: 'subscribe', id: 'x', channel: 'nowhere' })
    expect((await guest.until(isError('s'))).error.code).toBe('forbidden')
    expect((await guest.until(isError('x'))).error.code).toBe('channel_unknown')
    ada.send({ type: 'subscribe', id: 's', channel: 'staff', after: 'now' })
    await ada.until(isType('open'))
    const ids = ['p1', 'p2', 'p3', 'p4']
    for (const [index, id] of ids.entries()) {
      guest.send({ type: 'publish', id, channel: 'staff', content: { to: index % 2 === 0 ? 'bob' : 'ada' } })
    }
    expect(await untilChunks(ada, 's', 2)).toEqual([{ to: 'ada' }, { to: 'ada' }])
    const offsets = under(ada.messages, 's').flatMap((message) => (message.type === 'chunk' ? [message.offset] : []))
    expect(offsets.map((offset) => offset - (offsets[0] ?? 0))).toEqual([0, 2])
  })

  test('is read on with a fresh token, and broken off for one that may no longer', async () => {
    await using server = await channelServer({ staff: { publish: true, subscribe: { roles: ['staff'] } }, all: OPEN })
    await using socket = await openWebSocket(server.url, { headers: await bearer({ sub: 'ada', roles: ['staff'] }) })
    socket.send({ type: 'subscribe', id: 's', channel: 'staff' }, { type: 'subscribe', id: 'a', channel: 'all' })
    socket.send({ type: 'auth', token: await rawToken({ sub: 'ada', roles: ['staff'] }) })
    await socket.until(
      (message) => isType('welcome')(message) && socket.messages.filter(isType('welcome')).length === 2,
    )
    await publish(server, 'staff', 'for staff')
    expect(await untilChunks(socket, 's', 1)).toEqual(['for staff'])
    socket.send({ type: 'auth', token: await rawToken({ sub: 'ada' }) })
    expect((await socket.until(isError('s'))).error.code).toBe('forbidden')
    await publish(server, 'staff', 'secret')
    await publish(server, 'all', 'for all')
    expect(await untilChunks(socket, 'a', 1)).toEqual(['for all'])
    expect(contentsOf(socket.messages, 's')).toEqual(['for staff'])
    // The id is free.
    socket.send({ type: 'subscribe', id: 's', channel: 'all' })
    await socket.until((message) => message.type === 'chunk' && message.id === 's' && message.content === 'for all')
  })
})

describe('presence', () => {
  test('tells who is there, who comes and who goes', async () => {
    await using server = await channelServer({ room: OPEN }, { channels: { presence_grace: '50ms' } })
    await using watcher = await openWebSocket(server.url)
    await using ada = await openWebSocket(server.url, { headers: await bearer({ sub: 'ada' }) })
    const bob = await openWebSocket(server.url, { headers: await bearer({ sub: 'bob' }) })
    ada.send({ type: 'subscribe', id: 's', channel: 'room', presence: true, data: { mood: 'good' } })
    await ada.until(isType('open'))
    watcher.send({ type: 'presence', id: 'p', channel: 'room' })
    await untilChunks(watcher, 'p', 1)
    bob.send({ type: 'subscribe', id: 's', channel: 'room', presence: true })
    await untilChunks(watcher, 'p', 2)
    // Cut off, or left: both are gone.
    bob.terminate()
    await untilChunks(watcher, 'p', 3)
    ada.send({ type: 'leave', id: 's' })
    expect(await untilChunks(watcher, 'p', 4)).toMatchObject([
      { event: 'here', members: [{ subject: 'ada', data: { mood: 'good' } }] },
      { event: 'join', member: { subject: 'bob', data: null } },
      { event: 'leave', member: { subject: 'bob' } },
      { event: 'leave', member: { subject: 'ada' } },
    ])
  })

  test('follows a caller that sends its token later', async () => {
    await using server = await channelServer({ room: OPEN }, { channels: { presence_grace: '50ms' } })
    await using watcher = await openWebSocket(server.url)
    await using socket = await openWebSocket(server.url)
    watcher.send({ type: 'presence', id: 'p', channel: 'room' })
    await untilChunks(watcher, 'p', 1)
    socket.send({ type: 'subscribe', id: 's', channel: 'room', presence: true })
    await untilChunks(watcher, 'p', 2)
    socket.send({ type: 'auth', token: await rawToken({ sub: 'ada' }) })
    expect(await untilChunks(watcher, 'p', 4)).toMatchObject([
      { event: 'here', members: [] },
      { event: 'join', member: { subject: null } },
      { event: 'join', member: { subject: 'ada' } },
      { event: 'leave', member: { subject: null } },
    ])
  })
})
