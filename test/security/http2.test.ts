import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { type ClientHttp2Session, type OutgoingHttpHeaders, connect } from 'node:http2'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type TestServer, endpoint, send, testServer } from '@streamstack/test-support/test-server'
import { OWNER, SECRET, headersOf } from './support/callers.ts'

const fixture = (name: string): string => fileURLToPath(new URL(`../fixtures/tls/${name}.pem`, import.meta.url))

let server: TestServer
let session: ClientHttp2Session

beforeAll(async () => {
  server = await testServer({
    'streamstack.yaml': {
      auth: { jwt: { secret: SECRET } },
      server: { tls: { cert: fixture('cert'), key: fixture('key') }, hosts: ['api.example.com'], body_limit: '64kb' },
    },
    'endpoints/mine.json': endpoint('/mine', [send('secret of {{auth.sub}}')], { settings: { authentication: true } }),
    'endpoints/save.json': endpoint('/save', [send('saved')], { method: 'POST', inputs: { note: 'text' } }),
  })
  session = connect(server.url, { ca: await readFile(fixture('cert')) })
  session.on('error', () => undefined)
})

afterAll(async () => {
  session?.destroy()
  await server?.[Symbol.asyncDispose]()
})

/** A malformed request, which the HTTP/2 layer resets (RFC 9113 §8.1.1). */
const RESET = 0

interface Answer {
  /** `RESET`, or that of the answer. */
  readonly status: number
  readonly text: string
}

/** A request whose body, if there is one, is sent in part and never ended. */
function request(headers: OutgoingHttpHeaders, body?: string): Promise<Answer> {
  return new Promise((resolve) => {
    const stream = session.request(headers, { endStream: body === undefined })
    let status = 0
    let text = ''
    stream.on('response', (received) => (status = received[':status'] ?? 0))
    stream.setEncoding('utf8').on('data', (piece: string) => (text += piece))
    stream.on('error', () => undefined)
    stream.on('end', () => stream.close())
    stream.on('close', () => resolve({ status, text }))
    if (body !== undefined) stream.write(body)
  })
}

describe('over HTTP/2', () => {
  const owner = headersOf('owner')
  const mine = { ':path': '/mine?format=text', ':authority': 'api.example.com', ...owner }

  test.each<[string, OutgoingHttpHeaders, number]>([
    ['a good request', mine, 200],
    ['the same host twice', { ...mine, host: 'api.example.com' }, 200],
    ['the same host in other letters', { ...mine, host: 'API.example.com' }, 200],
    ['another host beside :authority', { ...mine, host: 'evil.example' }, 400],
    ['a host that is not listed', { ...mine, ':authority': 'evil.example' }, 421],
    ['a host that begins like a listed one', { ...mine, ':authority': 'api.example.com.evil.example' }, 421],
    ['a user in :authority', { ...mine, ':authority': 'api.example.com@evil.example' }, RESET],
    ['a path in :authority', { ...mine, ':authority': 'api.example.com/x' }, RESET],
    ['a path that is a URL of another host', { ...mine, ':path': 'https://evil.example/mine' }, RESET],
    ['a path without a slash', { ...mine, ':path': 'mine' }, RESET],
    ['a star for a path', { ...mine, ':path': '*' }, RESET],
    ['a path with dots', { ...mine, ':path': '/healthz/../mine' }, 404],
    ['another scheme', { ...mine, ':scheme': 'http' }, 200],
    ['no token', { ':path': '/mine', ':authority': 'api.example.com' }, 401],
    ['an expired token', { ...mine, ...headersOf('expired') }, 401],
    ['a forged token', { ...mine, ...headersOf('forged') }, 401],
    ['headers of proxies', { ...mine, ':authority': 'evil.example', 'x-forwarded-host': 'api.example.com' }, 421],
    ['a token in another field', { ...mine, Authorization: '', 'x-authorization': owner['Authorization'] }, 401],
  ])('%s', async (_, headers, status) => {
    const answer = await request(headers)
    expect([answer.status, answer.text.includes(OWNER)]).toEqual([status, status === 200])
  })

  test.each<[string, OutgoingHttpHeaders, number]>([
    ['an endpoint that wants a token', { ':path': '/mine', ':method': 'POST' }, 405],
    ['a path that is not there', { ':path': '/missing', ':method': 'POST' }, 404],
    ['a run to cancel', { ':path': '/v1/runs/x/cancel', ':method': 'POST' }, 404],
    ['a stream by name', { ':path': '/v1/stream/a', ':method': 'PUT' }, 401],
    ['a subscription', { ':path': '/v1/stream/__ds/subscriptions/a', ':method': 'PUT' }, 401],
    ['a worker', { ':path': '/v1/stream/__ds/subscriptions/a/ack', ':method': 'POST' }, 401],
    ['the console', { ':path': '/v1/workspace/token', ':method': 'POST' }, 404],
    ['a conversation', { ':path': '/v1/conversations/a', ':method': 'PATCH' }, 404],
    ['a foreign page', { ':path': '/save', ':method': 'POST', origin: 'https://evil.example' }, 403],
    ['a length that is too large', { ':path': '/save', ':method': 'POST', 'content-length': '100000' }, 413],
  ])('a body is not waited for: %s', async (_, headers, status) => {
    const all = { ':authority': 'api.example.com', 'content-type': 'application/json', ...headers }
    expect((await request(all, '{')).status).toBe(status)
  })

  test.each([
    ['/save', 200, true],
    ['/missing', 404, false],
  ])(
    'a client that waits for leave to send its body to %s gets %i at once, or leave',
    async (path, status, isAsked) => {
      const headers = { ':path': path, ':method': 'POST', 'content-type': 'application/json', expect: '100-continue' }
      const stream = session.request({ ':authority': 'api.example.com', ...headers }, { endStream: false })
      let asks = 0
      stream.on('continue', () => {
        asks++
        stream.end('{}')
      })
      stream.on('error', () => undefined)
      const [answer] = (await once(stream, 'response')) as [Record<string, unknown>]
      expect([answer[':status'], asks]).toEqual([status, isAsked ? 1 : 0])
      stream.close()
    },
  )

  test('a CONNECT opens no tunnel, and others are served', async () => {
    const tunnel = await request({ ':method': 'CONNECT', ':authority': 'api.example.com:443' }, 'x')
    expect(tunnel.status === 0 || tunnel.status >= 400).toBe(true)
    expect((await request(mine)).text).toBe(`secret of ${OWNER}`)
  })
})
