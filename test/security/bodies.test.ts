import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { credentialOf } from './support/callers.ts'
import { rawExchange } from './support/raw-connection.ts'
import { filledPath, referenceRoutes } from './support/reference-routes.ts'
import { type Stage, stage } from './support/stage.ts'

let on: Stage

beforeAll(async () => {
  on = await stage()
})

afterAll(async () => {
  await on?.[Symbol.asyncDispose]()
})

/** Heads of a body that is announced and never comes whole. */
const FRAMINGS = {
  'a length': 'Content-Length: 1000000\r\n',
  chunks: 'Transfer-Encoding: chunked\r\n',
  'a length and 100-continue': 'Content-Length: 1000000\r\nExpect: 100-continue\r\n',
} as const

type Framing = keyof typeof FRAMINGS

/** The status of a request whose body never ends. The test's own time limit ends one that is waited for. */
async function begun(method: string, path: string, framing: Framing, more = ''): Promise<number | undefined> {
  const type = more.includes('Content-Type') ? '' : 'Content-Type: application/json\r\n'
  const head = `${method} ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n${type}${more}${FRAMINGS[framing]}\r\n`
  const { statuses } = await rawExchange(on.server.url, `${head}${framing === 'chunks' ? '1\r\n{\r\n' : '{'}`)
  // Nor is the client asked to send it.
  expect(statuses).not.toContain(100)
  return statuses[0]
}

const writing = [
  ...referenceRoutes,
  ...['POST', 'PUT', 'PATCH', 'DELETE'].map((method) => ({ method, path: '/missing' })),
]
  .filter(({ method }) => !['GET', 'HEAD', 'OPTIONS'].includes(method))
  .map(({ method, path }) => [method, filledPath(path)] as const)

/** Reads its body to know which endpoint is meant: the bound of all bodies is its bound. */
const OPEN = new Set(['/v1/chat/completions'])

describe.each(Object.keys(FRAMINGS) as Framing[])('a body with %s', (framing) => {
  test.each(writing.filter(([, path]) => !OPEN.has(path)))(
    'of a caller without the right is not waited for: %s %s',
    async (method, path) => {
      for (const who of ['nobody', 'expired'] as const) {
        const token = credentialOf(who)
        const status = await begun(method, path, framing, token === null ? '' : `Authorization: Bearer ${token}\r\n`)
        expect([who, status]).toEqual([who, expect.toSatisfy((code: number) => code >= 400 && code < 500)])
      }
    },
  )

  test.each<[string, string, string, string, number]>([
    ['an endpoint that wants a token', 'POST', '/mine', '', 401],
    ['an endpoint by its other name', 'POST', '/api:x/mine', '', 401],
    ['another method', 'PUT', '/mine', '', 405],
    ['a GET', 'GET', '/healthz', '', 200],
    ['a GET of an endpoint', 'GET', '/public', '', 200],
    ['a foreign page', 'POST', '/said', 'Origin: https://evil.example\r\n', 403],
    ['a format that there is not', 'POST', '/said?format=nope', '', 406],
    ['a media type that is not read', 'POST', '/said', 'Content-Type: application/xml\r\n', 415],
    ['a coding that is not read', 'POST', '/said', 'Content-Encoding: exi\r\n', 415],
    ['a wrong role', 'POST', '/v1/channels/vault', `Authorization: Bearer ${credentialOf('wrong role')}\r\n`, 403],
    ['a channel that there is not', 'POST', '/v1/channels/none', '', 404],
    ['a run that there is not', 'POST', '/v1/runs/none/cancel', '', 404],
    [
      'a conversation of another',
      'PATCH',
      '/v1/conversations/talk',
      `Authorization: Bearer ${credentialOf('other user')}\r\n`,
      404,
    ],
  ])('is not waited for where no body could help: %s', async (_, method, path, more, status) => {
    expect(await begun(method, path, framing, more)).toBe(status)
  })
})

test('a client that waits for leave to send its body gets it when the body is read', async () => {
  const head = 'POST /said HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nExpect: 100-continue\r\n'
  const { statuses, text } = await rawExchange(on.server.url, `${head}Content-Length: 13\r\n\r\n{"content":1}`, 2)
  expect(statuses).toEqual([100, 200])
  expect(text).toContain('said: 1')
})

test.each([
  ['POST', '/said'],
  ['POST', '/v1/chat/completions'],
  ['PUT', '/v1/stream/big'],
  ['POST', '/v1/stream/kept'],
  ['PUT', '/v1/stream/__ds/subscriptions/big'],
  ['POST', '/v1/channels/vault'],
])('a body that is too large is refused before it comes whole: %s %s', async (method, path) => {
  const caller = path.includes('channels') ? 'owner' : 'streamer'
  await on.server.call('/v1/stream/kept', {
    method: 'PUT',
    headers: { Authorization: `Bearer ${credentialOf('streamer')}`, 'Content-Type': 'application/json' },
  })
  const head = `${method} ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nAuthorization: Bearer ${credentialOf(caller)}\r\n`
  const announced = await rawExchange(on.server.url, `${head}Content-Length: 99999999\r\n\r\n{`)
  const size = 2 * 1024 * 1024
  const unannounced = `${head}Transfer-Encoding: chunked\r\n\r\n${size.toString(16)}\r\n${' '.repeat(size)}\r\n`
  const chunked = await rawExchange(on.server.url, unannounced)
  expect([announced.statuses, chunked.statuses]).toEqual([[413], [413]])
  // The rest is not read: no other request can come on this connection.
  expect(announced.text).toContain('Connection: close')
})
