import { WEBSOCKET_PROTOCOL, WEBSOCKET_TOKEN_PREFIX } from '@streamstack/protocol'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { RefusedHandshake, type WebSocketClient, openWebSocket } from '@streamstack/test-support/websocket-client'
import { type CallerName, OWNER, REFUSED, bearer, callerNames, credentialOf } from './support/callers.ts'
import { type Stage, stage } from './support/stage.ts'

let on: Stage

beforeAll(async () => {
  on = await stage()
})

afterAll(async () => {
  await on?.[Symbol.asyncDispose]()
})

/** The three ways in which a credential can come. */
const HOW = ['header', 'subprotocol', 'message'] as const

async function connected(who: CallerName, how: (typeof HOW)[number]): Promise<WebSocketClient> {
  const credential = credentialOf(who)
  if (credential === null) return openWebSocket(on.server.url)
  const headers = how === 'header' ? bearer(credential) : {}
  const protocols = how === 'subprotocol' ? [WEBSOCKET_PROTOCOL, `${WEBSOCKET_TOKEN_PREFIX}${credential}`] : []
  const socket = await openWebSocket(on.server.url, { headers, protocols })
  if (how === 'message') socket.send({ type: 'auth', token: credential })
  return socket
}

/** Messages that read or change something, and who is served. */
const asked: readonly {
  readonly name: string
  readonly message: (stage: Stage) => object
  readonly servedTo: readonly CallerName[]
  readonly seenBy: readonly CallerName[]
}[] = [
  {
    name: 'a call',
    message: () => ({ type: 'call', endpoint: 'POST /mine' }),
    servedTo: ['owner', 'other user', 'api key'],
    seenBy: ['owner'],
  },
  {
    name: 'a call that joins the run of a key',
    message: () => ({ type: 'call', endpoint: 'POST /mine', key: 'shared', inputs: { hold: true } }),
    servedTo: ['owner', 'other user', 'api key'],
    seenBy: ['owner'],
  },
  {
    name: 'a call of records',
    message: () => ({ type: 'call', endpoint: 'GET /notes' }),
    servedTo: ['owner', 'other user', 'api key'],
    seenBy: ['owner'],
  },
  {
    name: 'a run that is over',
    message: ({ run }) => ({ type: 'read', stream: `/v1/stream/runs/${run}` }),
    servedTo: ['owner'],
    seenBy: ['owner'],
  },
  {
    name: 'a run that goes on',
    message: ({ live }) => ({ type: 'read', stream: `/v1/stream/runs/${live}`, after: 0 }),
    servedTo: ['owner'],
    seenBy: ['owner'],
  },
  {
    name: 'a run that its endpoint shows to developers',
    message: ({ shown }) => ({ type: 'read', stream: `/v1/stream/runs/${shown}` }),
    servedTo: ['owner', 'developer'],
    seenBy: ['owner', 'developer'],
  },
  {
    name: 'records of a table with a rule',
    message: () => ({ type: 'call', endpoint: 'GET /diary' }),
    servedTo: ['owner', 'other user', 'api key'],
    seenBy: ['owner'],
  },
  {
    name: 'an endpoint with a condition',
    message: () => ({ type: 'call', endpoint: `GET /of/${OWNER}` }),
    servedTo: ['owner'],
    seenBy: ['owner'],
  },
  {
    name: 'a stream by name with a condition',
    message: () => ({ type: 'read', stream: '/v1/stream/secrets/one' }),
    servedTo: [],
    seenBy: [],
  },
  // Traces are read over HTTP alone.
  {
    name: 'a trace',
    message: ({ live }) => ({ type: 'read', stream: `/v1/stream/runs/${live}/trace` }),
    servedTo: [],
    seenBy: [],
  },
  {
    name: 'a channel',
    message: () => ({ type: 'subscribe', channel: 'vault' }),
    servedTo: ['owner'],
    seenBy: ['owner'],
  },
  {
    name: 'a channel by its path',
    message: () => ({ type: 'read', stream: '/v1/channels/vault' }),
    servedTo: ['owner'],
    seenBy: ['owner'],
  },
  {
    name: 'presence',
    message: () => ({ type: 'presence', channel: 'vault' }),
    servedTo: ['owner'],
    seenBy: ['owner'],
  },
  {
    name: 'presence by its path',
    message: () => ({ type: 'read', stream: '/v1/presence/vault' }),
    servedTo: ['owner'],
    seenBy: ['owner'],
  },
  {
    name: 'a publish',
    message: () => ({ type: 'publish', channel: 'vault', content: 'more' }),
    servedTo: ['owner'],
    seenBy: [],
  },
  {
    name: 'a stream by name',
    message: () => ({ type: 'read', stream: '/v1/stream/logs/one' }),
    servedTo: ['streamer'],
    seenBy: ['streamer'],
  },
  {
    name: 'activity',
    message: () => ({ type: 'read', stream: '/v1/stream/system/activity' }),
    servedTo: ['operator'],
    seenBy: ['operator'],
  },
  {
    name: 'the audit',
    message: () => ({ type: 'read', stream: '/v1/stream/system/audit' }),
    servedTo: ['auditor'],
    seenBy: ['auditor'],
  },
  {
    name: 'metrics',
    message: () => ({ type: 'read', stream: '/v1/stream/system/metrics' }),
    servedTo: ['operator'],
    seenBy: [],
  },
]

describe('over a WebSocket', () => {
  test.each(HOW)('each caller gets what it gets over HTTP, with a credential by %s', async (how) => {
    for (const who of callerNames) {
      await using socket = await connected(who, how)
      if (REFUSED.includes(who)) {
        // Whatever it asks for before the answer comes is not begun.
        socket.send(...asked.map(({ message }, index) => ({ ...message(on), id: `m${index}` })))
        expect([who, [4401, 4402].includes((await socket.closed).code)]).toEqual([who, true])
        expect(socket.messages.map(({ type }) => type).filter((type) => type !== 'welcome')).toEqual(['error'])
        expect(JSON.stringify(socket.messages)).not.toContain(OWNER)
        continue
      }
      const outcomes: unknown[] = []
      for (const [index, { name, message, servedTo, seenBy }] of asked.entries()) {
        const id = `m${index}`
        const seen = (): string => JSON.stringify(socket.messages.filter((one) => 'id' in one && one.id === id))
        socket.send({ ...message(on), id })
        const first = await socket.until((one) => 'id' in one && one.id === id)
        if (seenBy.includes(who)) await expect.poll(seen, { interval: 5 }).toContain(OWNER)
        outcomes.push([name, who, first.type !== 'error', seen().includes(OWNER)])
        expect(outcomes.at(-1)).toEqual([name, who, servedTo.includes(who), seenBy.includes(who)])
      }
    }
  })

  test('an id of another connection is no way to its streams', async () => {
    await using owner = await connected('owner', 'header')
    owner.send({ type: 'read', id: 'shared', stream: `/v1/stream/runs/${on.live}`, after: 'now' })
    await owner.until(({ type }) => type === 'open')
    await using other = await connected('other user', 'header')
    other.send({ type: 'cancel', id: 'shared' }, { type: 'leave', id: 'shared' }, { type: 'ping' })
    await other.until(({ type }) => type === 'pong')
    const { text } = await on.call(`/v1/runs/${on.live}`, 'owner')
    expect(JSON.parse(text)).toMatchObject({ outcome: null })
  })

  test('a connection stays with its subject: a token of another one ends it, and shows nothing more', async () => {
    await using socket = await connected('owner', 'message')
    socket.send({ type: 'subscribe', id: 'a', channel: 'vault', after: 'now' })
    await socket.until((message) => message.type === 'open')
    socket.send({ type: 'auth', token: credentialOf('other user') })
    expect(await socket.closed).toMatchObject({ code: 4401 })
  })

  test.each<[string, Record<string, string>, number | null]>([
    ['no page', {}, null],
    ['a page of this host', { Origin: 'http://HOST' }, null],
    ['a foreign page', { Origin: 'https://evil.example' }, 403],
    ['a sandboxed page', { Origin: 'null' }, 403],
    ['a page of another port', { Origin: 'http://127.0.0.1:1' }, 403],
    ['a page whose host begins with this one', { Origin: 'http://HOST.evil.example' }, 403],
    ['a page that hides its origin', { 'Sec-Fetch-Site': 'cross-site' }, 403],
  ])('a handshake from %s', async (_, headers, status) => {
    const { host } = new URL(on.server.url)
    const filled = Object.entries(headers).map(([name, value]) => [name, value.replace('HOST', host)])
    const opening = openWebSocket(on.server.url, { headers: Object.fromEntries(filled) as Record<string, string> })
    if (status === null) {
      await (await opening)[Symbol.asyncDispose]()
      return
    }
    const refusal = await opening.then(
      () => null,
      (error: unknown) => error,
    )
    expect(refusal).toBeInstanceOf(RefusedHandshake)
    expect((refusal as RefusedHandshake).status).toBe(status)
  })
})

describe('a worker of a subscription', () => {
  const path = (act: string): string => `/v1/stream/__ds/subscriptions/one/${act}`

  test('is known by the token of its claim, and by no other', async () => {
    const text = { 'Content-Type': 'text/plain' }
    await on.call('/v1/stream/logs/one', 'streamer', { method: 'POST', headers: text, body: 'something to do' })
    const claim = await on.call(path('claim'), 'streamer', { body: { worker: 'w' } })
    const { token, wake_id, generation } = JSON.parse(claim.text) as Record<string, unknown>
    const body = { wake_id, generation, acks: [] }
    for (const who of callerNames) {
      for (const act of ['ack', 'release', 'callback']) {
        const answer = await on.call(path(act), who, { body })
        expect([who, act, answer.status]).toEqual([who, act, 401])
        expect(answer.text).not.toContain(OWNER)
      }
    }
    const headers = { Authorization: `Bearer ${String(token)}` }
    expect((await on.call(path('ack'), 'nobody', { body, headers })).status).toBe(200)
    expect((await on.call(path('release'), 'nobody', { body, headers })).status).toBeLessThan(300)
    // What it was given opens nothing else.
    expect((await on.call('/v1/stream/logs/one', 'nobody', { headers })).status).toBe(401)
  })
})
