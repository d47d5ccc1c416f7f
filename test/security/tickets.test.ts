import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type OpenOptions, isEnd, openWebSocket } from '@streamstack/test-support/websocket-client'
import { type CallerName, OWNER, REFUSED, callerNames } from './support/callers.ts'
import { type Stage, stage } from './support/stage.ts'

let on: Stage

beforeAll(async () => {
  on = await stage()
})

afterAll(async () => {
  await on?.[Symbol.asyncDispose]()
})

async function ticketFor(who: CallerName, stream: string): Promise<string> {
  const { text } = await on.call('/v1/tickets', who, { body: { stream } })
  return (JSON.parse(text) as { ticket: string }).ticket
}

/** Streams that end, and who is served. */
const streams: readonly (readonly [path: (stage: Stage) => string, query: string, servedTo: readonly CallerName[]])[] =
  [
    [() => '/notes', 'format=json', ['owner', 'other user', 'api key']],
    [({ run }) => `/v1/stream/runs/${run}`, 'format=json', ['owner']],
    [({ run }) => `/v1/stream/runs/${run}`, 'offset=-1', ['owner']],
    [() => '/v1/channels/vault', 'format=json', ['owner']],
    [() => '/v1/presence/vault', 'format=json', ['owner']],
    [() => '/v1/stream/channels/vault', 'offset=-1', ['owner']],
    [() => '/v1/stream/logs/one', 'offset=-1', ['streamer']],
    [() => '/v1/stream/system/activity', 'offset=-1', ['operator']],
    [() => '/v1/stream/system/audit', 'offset=-1', ['auditor']],
    [({ publicRun }) => `/v1/stream/runs/${publicRun}/trace`, 'offset=-1', ['developer']],
  ]

const withTicket = callerNames.filter((who) => who !== 'nobody' && !REFUSED.includes(who))

describe('a ticket', () => {
  test.each(withTicket)('opens once what its caller may read, and nothing else: %s', async (who) => {
    for (const [pathOn, query, servedTo] of streams) {
      const path = pathOn(on)
      const ticket = await ticketFor(who, path)
      const first = await on.call(`${path}?${query}&ticket=${ticket}`, 'nobody')
      const again = await on.call(`${path}?${query}&ticket=${ticket}`, 'nobody')
      const isServed = servedTo.includes(who)
      expect([path, who, first.status === 200]).toEqual([path, who, isServed])
      expect(first.text).not.toContain(ticket)
      if (!isServed) expect([path, who, first.text.includes(OWNER)]).toEqual([path, who, false])
      expect([path, who, [401, 404].includes(again.status), again.text.includes(OWNER)]).toEqual([
        path,
        who,
        true,
        false,
      ])
    }
  })

  test('of one path opens no other, and is used up by the attempt', async () => {
    for (const [pathOn, query] of streams) {
      const path = pathOn(on)
      if (path === '/notes') continue
      const ticket = await ticketFor('owner', '/notes')
      const other = await on.call(`${path}?${query}&ticket=${ticket}`, 'nobody')
      expect([path, [401, 404].includes(other.status), other.text.includes(OWNER)]).toEqual([path, true, false])
      expect((await on.call(`/notes?ticket=${ticket}`, 'nobody')).status).toBe(401)
    }
  })

  test.each<[string, (ticket: string) => string]>([
    ['cut', (ticket) => ticket.slice(0, -1)],
    ['in capitals', (ticket) => ticket.toUpperCase()],
    ['empty', () => ''],
    ['invented', () => `sst_${'A'.repeat(43)}`],
    ['twice', (ticket) => `x&ticket=${ticket}`],
    ['with a token for it', () => 'eyJhbGciOiJIUzI1NiJ9.e30.x'],
    ['of the prototype', () => '__proto__'],
  ])('that is %s opens nothing', async (_, change) => {
    const answer = await on.call(`/notes?ticket=${change(await ticketFor('owner', '/notes'))}`, 'nobody')
    expect([answer.status, answer.text.includes(OWNER)]).toEqual([401, false])
  })

  test('changes nothing, and stands for no token in a header, a body or another method', async () => {
    const path = `/v1/runs/${await on.beginRun()}/cancel`
    const ticket = await ticketFor('owner', path)
    const attempts = [
      on.call(`${path}?ticket=${ticket}`, 'nobody', { method: 'POST' }),
      on.call(path, 'nobody', { method: 'POST', headers: { Authorization: `Bearer ${ticket}` } }),
      on.call('/mine', 'nobody', { body: { ticket } }),
      on.call(`/mine?ticket=${await ticketFor('owner', '/mine')}`, 'nobody', { body: {} }),
      on.call(`/v1/channels/vault?ticket=${await ticketFor('owner', '/v1/channels/vault')}`, 'nobody', {
        body: { content: 1 },
      }),
      on.call(`/v1/tickets?ticket=${await ticketFor('owner', '/v1/tickets')}`, 'nobody', {
        body: { stream: '/notes' },
      }),
    ]
    for (const answer of await Promise.all(attempts)) {
      expect([401, 404]).toContain(answer.status)
      expect(answer.text).not.toMatch(/sst_|of owner-/)
    }
  })

  test('opens a WebSocket once', async () => {
    const query = `?ticket=${await ticketFor('owner', '/v1/ws')}`
    await using socket = await openWebSocket(on.server.url, { query })
    socket.send({ type: 'read', id: 'a', stream: `/v1/stream/runs/${on.run}` })
    await socket.until(isEnd('a'))
    await using again = await openWebSocket(on.server.url, { query })
    again.send({ type: 'read', id: 'a', stream: `/v1/stream/runs/${on.run}` })
    expect(await again.closed).toMatchObject({ code: 4401 })
    expect(JSON.stringify(again.messages)).not.toContain(OWNER)
  })

  test.each<[string, string, (ticket: string) => OpenOptions]>([
    ['of another path', '/notes', (ticket) => ({ query: `?ticket=${ticket}` })],
    [
      'as a token in the subprotocol',
      '/v1/ws',
      (ticket) => ({ protocols: ['streamstack.v1', `streamstack.token.${ticket}`] }),
    ],
    ['as a token in the header', '/v1/ws', (ticket) => ({ headers: { Authorization: `Bearer ${ticket}` } })],
  ])('opens no WebSocket %s', async (_, path, options) => {
    await using socket = await openWebSocket(on.server.url, options(await ticketFor('owner', path)))
    expect(await socket.closed).toMatchObject({ code: 4401 })
  })
})
