import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { withEnoughTime } from '@streamstack/test-support/enough-time'
import { makeApiKey } from '@streamstack/test-support/credentials'
import type { OpenCall } from '@streamstack/test-support/http-client'
import { type TestServer, endpoint, send, testServer } from '@streamstack/test-support/test-server'
import { type Sent, type WebSocketClient, openWebSocket } from '@streamstack/test-support/websocket-client'
import { SECRET, bearer, tokenOf } from './support/callers.ts'

/** Subject, roles and scopes of a reader that may read everything. */
const READER = { roles: ['member'], scopes: ['streams:read', 'streams:write', 'system:read'] }
const LATE = 'sent after the end of the right'

const key = makeApiKey()
const keys = { reader: { hash: key.hash, ...READER } }

const settings = (accepted: object): object => ({
  log: { level: 'silent' },
  auth: { jwt: { secret: SECRET, clock_tolerance: '0s' }, keys: accepted, on_expiry: 'end' },
  streams: { heartbeat: '100ms', long_poll_timeout: '30s' },
})

/** Streams without an end, and runs under `auth.on_expiry: end`: each way to read one. */
const WAYS: readonly string[] = [
  '/v1/channels/news?format=sse',
  '/v1/channels/news?format=ndjson',
  '/v1/channels/news?format=sse&presence=true',
  '/v1/presence/news?format=sse',
  '/v1/stream/channels/news?offset=now&live=sse',
  '/v1/stream/events?offset=now&live=sse',
  '/v1/stream/system/activity?format=ndjson',
  '/v1/stream/system/activity?offset=now&live=sse',
  '/v1/stream/system/metrics?format=sse',
  '/hold?format=sse',
  '/hold?format=lines',
]

const POLLS: readonly string[] = [
  '/v1/stream/channels/news?offset=now&live=long-poll',
  '/v1/stream/events?offset=now&live=long-poll',
]

const SUBSCRIPTIONS: readonly Sent[] = [
  { type: 'subscribe', id: 'channel', channel: 'news', after: 'now' },
  { type: 'presence', id: 'presence', channel: 'news' },
  { type: 'read', id: 'named', stream: '/v1/stream/events', after: 'now' },
  { type: 'read', id: 'activity', stream: '/v1/stream/system/activity', after: 'now' },
]

let server: TestServer
/** Its right lasts for the whole test: the benign twin of every reader. */
const steady = bearer(tokenOf({ claims: { sub: 'steady', ...READER } }))

beforeAll(async () => {
  server = await testServer(
    {
      'streamstack.yaml': settings(keys),
      'channels/news.yaml': { publish: { roles: ['member'] }, subscribe: { roles: ['member'] }, presence: true },
      'endpoints/hold.json': endpoint('/hold', [send('begun'), { function: 'Sleep', duration: '60s' }], {
        settings: { authentication: true },
      }),
      'endpoints/say.json': endpoint('/say', [send('said')], { settings: { authentication: true } }),
    },
    { watch: true },
  )
  const text = { ...steady, 'Content-Type': 'text/plain' }
  await server.call('/v1/stream/events', { method: 'PUT', headers: text })
})

afterAll(async () => {
  await server?.[Symbol.asyncDispose]()
})

interface Readers {
  /** Streams whose head has arrived. */
  readonly open: readonly OpenCall[]
  /** Long polls: the head comes with the answer. */
  readonly polls: readonly Promise<OpenCall>[]
  readonly socket: WebSocketClient
}

async function begin(headers: Record<string, string>): Promise<Readers> {
  const polls = POLLS.map((path) => server.open(path, { headers }))
  const open = await Promise.all(WAYS.map((path) => server.open(path, { headers })))
  try {
    expect(open.map(({ status }, index) => [WAYS[index], status])).toEqual(WAYS.map((path) => [path, 200]))
    const socket = await openWebSocket(server.url, { headers })
    socket.send(...SUBSCRIPTIONS)
    await socket.until((message) => message.type === 'open' && message.id === 'activity')
    return { open, polls, socket }
  } catch (error) {
    for (const reader of open) reader.leave()
    throw error
  }
}

/** Adds to everything that is read: a message, an append, a member, a call. */
async function addToAll(content: string): Promise<void> {
  const headers = { ...steady, 'Content-Type': 'application/json' }
  await server.call('/v1/channels/news', { headers, body: { content } })
  await server.call('/v1/stream/events', {
    method: 'POST',
    headers: { ...steady, 'Content-Type': 'text/plain' },
    body: content,
  })
  await server.call('/say', { headers: { ...steady, 'User-Agent': content } })
}

describe('the right of a reader', () => {
  test.each([
    [
      'ends when its token expires',
      (expiresInSeconds: number) => bearer(tokenOf({ claims: { sub: 'short', ...READER }, expiresInSeconds })),
      async () => undefined,
    ],
    [
      'ends when its API key is removed',
      () => bearer(key.key),
      () => server.write('streamstack.yaml', settings({ other: { hash: makeApiKey().hash } })),
    ],
  ])('%s, on every stream without an end', async (_, headersFor, end) => {
    const twin = await begin(steady)
    const { open, polls, socket } = await withEnoughTime((seconds) => begin(headersFor(seconds)), 2)
    await end()
    const ended = await Promise.all(open.map(async (one) => one.ended))
    const polled = await Promise.all(polls.map(async (one) => (await one).ended))
    expect(await socket.closed).toMatchObject({ code: 4402 })
    await addToAll(LATE)
    for (const reader of [twin.open[0], twin.open[5]]) await reader?.until(LATE)
    for (const poll of twin.polls) expect((await (await poll).ended).text).toContain(LATE)
    await twin.socket.until((message) => message.type === 'chunk' && message.content === LATE)
    const texts = [...ended, ...polled].map(({ text }) => text).concat(JSON.stringify(socket.messages))
    expect(texts.filter((text) => text.includes(LATE))).toEqual([])
    // No reader takes the end of its right for the end of the stream.
    expect(texts.filter((text) => /event: end|"type":"end"|streamClosed":true/.test(text))).toEqual([])
    for (const reader of twin.open) reader.leave()
    await twin.socket[Symbol.asyncDispose]()
  })
})
