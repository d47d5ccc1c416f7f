import { once } from 'node:events'
import { readFileSync, readdirSync } from 'node:fs'
import { type OutgoingHttpHeaders, type ServerOptions, createServer } from 'node:http'
import { connect as connectHttp2 } from 'node:http2'
import { type AddressInfo, type Socket, connect } from 'node:net'
import { join } from 'node:path'
import { connect as connectSecurely } from 'node:tls'
import type { StreamstackError } from '@streamstack/protocol'
import { tempWorkspace } from '@streamstack/test-support/temp-workspace'
import { endpoint, send } from '@streamstack/test-support/test-server'
import { describe, expect, test, vi } from 'vitest'
import { Engine } from '../engine/index.ts'
import type { CallReports } from './call/call-report.ts'
import { type CallReport, type StreamstackServer, startServer } from './index.ts'
import { refusePipeline, reportUnread } from './unread-requests.ts'

interface Told {
  readonly status: number | null
  readonly reason: unknown
}

/** Sends bytes to a server of Node; returns what it answered and what it reported. */
async function refused(bytes: string, options: ServerOptions = {}, before?: (socket: Socket) => void) {
  const told: Told[] = []
  const server = createServer(options, (request, response) => {
    request.on('error', () => undefined)
    response.write('begun')
  })
  reportUnread(server, {
    unread: (_address: string | null, error: StreamstackError, status: number | null) =>
      void told.push({ status, reason: error.details?.['reason'] }),
  } as unknown as CallReports)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
  socket.on('error', () => undefined)
  let answer = ''
  socket.on('data', (data) => (answer += String(data)))
  socket.write(bytes)
  before?.(socket)
  await new Promise((resolve) => socket.on('close', resolve))
  await new Promise<void>((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
  return { answer, told }
}

test.each<[string, string, ServerOptions, number, string]>([
  ['bytes that are no HTTP', 'not http\r\n\r\n', {}, 400, 'malformed'],
  ['two lengths', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n', {}, 400, 'malformed'],
  [
    'a length beside chunks',
    'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n',
    {},
    400,
    'malformed',
  ],
  ['a header with a bare line feed', 'GET / HTTP/1.1\r\nHost: a\r\nX: a\n b\r\n\r\n', {}, 400, 'malformed'],
  ['large headers', `GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, {}, 431, 'too_large'],
  [
    'a head that does not end',
    'GET / HTTP/1.1\r\n',
    { headersTimeout: 20, requestTimeout: 40, connectionsCheckingInterval: 10 },
    408,
    'timeout',
  ],
])('%s are answered and reported', async (_, bytes, options, status, reason) => {
  const { answer, told } = await refused(bytes, options)
  expect(answer).toMatch(
    new RegExp(`^HTTP/1\\.1 ${status} [^\\r]+\\r\\nConnection: close\\r\\nContent-Length: 0\\r\\n\\r\\n$`),
  )
  expect(told).toEqual([{ status, reason }])
})

test('behind an answer that has begun there is no second one', async () => {
  const { answer, told } = await refused(
    'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\nzz\r\n',
  )
  expect(answer.match(/HTTP\/1\.1/g)).toHaveLength(1)
  expect(told).toEqual([{ status: null, reason: 'malformed' }])
})

test('a client that breaks its connection off is no refusal', async () => {
  const { told } = await refused('GET / HTTP/1.1\r\nHo', {}, (socket) => setImmediate(() => socket.resetAndDestroy()))
  expect(told).toEqual([])
})

test('of requests that a client has sent ahead beyond the bound nothing is made', async () => {
  const told: number[] = []
  let taken = 0
  const server = createServer((request) => {
    taken++
    if (taken === 10) refusePipeline(request, { unread: () => void told.push(taken) } as unknown as CallReports)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1').resume()
  socket.on('error', ignore)
  // One read of the server holds them all.
  socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(1_000))
  await new Promise((resolve) => socket.on('close', resolve))
  expect({ taken, told }).toEqual({ taken: 10, told: [10] })
  await new Promise((resolve) => server.close(resolve))
})

type Entry = Record<string, unknown>

interface Stage {
  readonly server: StreamstackServer
  readonly redirectPort: number
  readonly logged: CallReport[]
  /** Ends the server; returns the entries of calls. */
  readonly close: () => Promise<readonly Entry[]>
}

const tls = (name: string): string => join(import.meta.dirname, '../../../../test/fixtures/tls', name)

async function stage(isSecure: boolean, settings: object = {}): Promise<Stage> {
  const free = createServer().listen(0, '127.0.0.1')
  await once(free, 'listening')
  const redirectPort = (free.address() as AddressInfo).port
  await new Promise((resolve) => free.close(resolve))
  const workspace = await tempWorkspace({
    'streamstack.yaml': {
      server: {
        hosts: ['localhost'],
        ...settings,
        ...(isSecure ? { tls: { cert: tls('cert.pem'), key: tls('key.pem'), redirect_port: redirectPort } } : {}),
      },
      audit: { enabled: true },
    },
    'endpoints/open.json': endpoint('/open', [send('a')], { method: 'POST' }),
  })
  const log = { debug: ignore, info: ignore, warn: ignore, error: ignore }
  const engine = await Engine.open({ dir: workspace.dir, log, serves: true })
  const logged: CallReport[] = []
  const server = await startServer({ engine, host: '127.0.0.1', port: 0, onCall: (call) => void logged.push(call) })
  return {
    server,
    redirectPort,
    logged,
    close: async () => {
      // The client may see the end of its connection first.
      await vi.waitFor(() => expect(logged).toHaveLength(1))
      await server.close()
      await engine.close()
      const folder = join(workspace.dir, '.streamstack/audit')
      const lines = readdirSync(folder)
        .filter((name) => name.endsWith('.jsonl'))
        .flatMap((name) => readFileSync(join(folder, name), 'utf8').trimEnd().split('\n'))
      await workspace[Symbol.asyncDispose]()
      return lines.map((line) => JSON.parse(line) as Entry).filter(({ type }) => type === 'call')
    },
  }
}

function ignore(): void {}

/** The status line of the answer to bytes; the server closes the connection. */
async function statusOf(port: number, bytes: string, isSecure: boolean): Promise<string> {
  const socket: Socket = isSecure
    ? connectSecurely({ port, host: '127.0.0.1', rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] })
    : connect(port, '127.0.0.1')
  socket.on('error', ignore)
  let answer = ''
  socket.on('data', (data) => (answer += String(data)))
  socket.write(bytes)
  await new Promise((resolve) => socket.on('close', resolve))
  return answer.split(' ')[1] ?? ''
}

const CLOSE = 'Connection: close\r\n'

describe.each([false, true])('with TLS: %s', (isSecure) => {
  test.each<[string, string, number, Entry]>([
    ['bytes that are no HTTP', 'not http\r\n\r\n', 400, { error: 'header_invalid', reason: 'malformed', method: '-' }],
    [
      'large headers',
      `GET / HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(17_000)}\r\n\r\n`,
      431,
      { error: 'header_invalid', reason: 'too_large', method: '-' },
    ],
    ['no Host', `POST /open HTTP/1.1\r\n${CLOSE}\r\n`, 400, { error: 'header_invalid', method: 'POST' }],
    ['a foreign Host', `GET / HTTP/1.1\r\nHost: evil.example\r\n${CLOSE}\r\n`, 421, { error: 'host_unknown' }],
    [
      'an Expect that cannot be met',
      `POST /open HTTP/1.1\r\nHost: localhost\r\nExpect: the-worst\r\n${CLOSE}\r\n`,
      417,
      { error: 'header_invalid', method: 'POST' },
    ],
    [
      'a tunnel',
      `CONNECT evil.example:443 HTTP/1.1\r\nHost: localhost\r\n${CLOSE}\r\n`,
      404,
      { error: 'endpoint_unknown', method: 'CONNECT' },
    ],
  ])('a refused request is logged and recorded: %s', async (_, bytes, status, entry) => {
    const { server, logged, close } = await stage(isSecure)
    expect(await statusOf(Number(new URL(server.url).port), bytes, isSecure)).toBe(String(status))
    expect(await close()).toMatchObject([
      { outcome: 'refused', status, address: '127.0.0.1', caller: 'anonymous', route: null, ...entry },
    ])
    expect(logged).toMatchObject([{ status, address: '127.0.0.1', error: { code: entry['error'] } }])
    // Nothing of a request that could not be read is kept.
    expect(JSON.stringify(logged)).not.toMatch(/x{20}|not http/)
  })
})

test.each<[string, string, number, string | null]>([
  ['a redirect', `GET /a?b=c HTTP/1.1\r\nHost: localhost\r\n${CLOSE}\r\n`, 308, null],
  ['a foreign Host', `GET / HTTP/1.1\r\nHost: evil.example\r\n${CLOSE}\r\n`, 421, 'host_unknown'],
  ['no Host', `GET / HTTP/1.1\r\n${CLOSE}\r\n`, 400, 'header_invalid'],
  ['bytes that are no HTTP', '\u0016\u0003\u0001\r\n\r\n', 400, 'header_invalid'],
])('the port that redirects to HTTPS logs each answer and records refusals: %s', async (_, bytes, status, error) => {
  const { redirectPort, logged, close } = await stage(true)
  expect(await statusOf(redirectPort, bytes, false)).toBe(String(status))
  const refused = error === null ? [] : [{ outcome: 'refused', status, error, address: '127.0.0.1' }]
  expect(await close()).toMatchObject(refused)
  expect(logged).toMatchObject([{ status, address: '127.0.0.1' }])
  expect(JSON.stringify(logged)).not.toContain('b=c')
})

test.each<[string, OutgoingHttpHeaders, number, Entry]>([
  [
    'a tunnel',
    { ':method': 'CONNECT', ':authority': 'localhost' },
    405,
    { error: 'method_not_allowed', method: 'CONNECT' },
  ],
  [
    'an Expect that cannot be met',
    { ':method': 'POST', ':path': '/open', ':authority': 'localhost', expect: 'the-worst' },
    417,
    { error: 'header_invalid', method: 'POST' },
  ],
])('over HTTP/2 they are refused, logged and recorded, too: %s', async (_, headers, status, entry) => {
  const { server, logged, close } = await stage(true)
  const session = connectHttp2(server.url, { rejectUnauthorized: false })
  const stream = session.request(headers)
  const [answer] = (await once(stream, 'response')) as [OutgoingHttpHeaders]
  expect(answer[':status']).toBe(status)
  stream.resume().end()
  await vi.waitFor(() => expect(logged).toHaveLength(1))
  session.destroy()
  expect(await close()).toMatchObject([{ outcome: 'refused', status, address: '127.0.0.1', ...entry }])
  expect(logged).toMatchObject([{ status }])
})

test.each([false, true])(
  'a connection beyond server.max_connections is logged and recorded (TLS: %s)',
  async (isSecure) => {
    const { server, logged, close } = await stage(isSecure, { max_connections: 1 })
    const port = Number(new URL(server.url).port)
    const open = connect(port, '127.0.0.1').on('error', ignore)
    await once(open, 'connect')
    expect(await statusOf(port, 'GET / HTTP/1.1\r\n\r\n', isSecure)).toBe('')
    const entries = await close()
    open.destroy()
    expect(entries).toMatchObject([
      { outcome: 'refused', status: null, error: 'too_many', address: '127.0.0.1', caller: 'anonymous', route: null },
    ])
    expect(logged).toMatchObject([{ status: null, address: '127.0.0.1', error: { code: 'too_many' } }])
  },
)

test('a connection that sends too many requests ahead is logged and recorded once', async () => {
  const { server, logged, close } = await stage(false)
  const request = 'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n'
  await statusOf(Number(new URL(server.url).port), request.repeat(1_000), false)
  await vi.waitFor(() => expect(logged.some(({ status }) => status === null)).toBe(true))
  await server.close()
  const refused = logged.filter(({ error }) => error !== null)
  expect(refused).toMatchObject([{ method: '-', status: null, address: '127.0.0.1', error: { code: 'too_many' } }])
  expect(new Error('x').stack).toContain('unread-requests.test')
  logged.length = 1
  expect(await close()).toMatchObject([{ outcome: 'refused', error: 'too_many', address: '127.0.0.1' }])
})

test('the port that redirects to HTTPS answers a connection once, whatever the client sends ahead', async () => {
  const { redirectPort, logged, close } = await stage(true)
  const request = 'GET /a HTTP/1.1\r\nHost: localhost\r\n\r\n'
  expect(await statusOf(redirectPort, request.repeat(500), false)).toBe('308')
  await close()
  expect(logged).toHaveLength(1)
})
