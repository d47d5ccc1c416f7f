import { statSync, readdirSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { withEnoughTime } from '@streamstack/test-support/enough-time'
import { makeToken } from '@streamstack/test-support/credentials'
import { type Answer, problem } from '@streamstack/test-support/http-client'
import { type TestServer, endpoint, send, testServer } from '@streamstack/test-support/test-server'
import { openWebSocket } from '@streamstack/test-support/websocket-client'

const SECRET = 'a secret of the tests, as long as a key has to be'

interface Claims {
  sub?: string
  roles?: readonly string[]
  expiresSeconds?: number
  claims?: Record<string, unknown>
}

async function by({ sub = 'ann', expiresSeconds = 600, ...more }: Claims = {}): Promise<{ Authorization: string }> {
  return { Authorization: `Bearer ${await makeToken({ secret: SECRET, sub, expiresSeconds, ...more })}` }
}

const hold = [send('begun'), { function: 'Sleep', duration: 60_000 }]

const served = (settings: object = {}): Promise<TestServer> =>
  testServer({
    'streamstack.yaml': {
      log: { level: 'silent' },
      auth: { jwt: { secret: SECRET, clock_tolerance: '0s' } },
      server: { trusted_proxies: ['127.0.0.1'], websocket: { auth_timeout: '150ms' } },
      streams: { heartbeat: '100ms' },
      ...settings,
    },
    'endpoints/open.json': endpoint('/open', hold, { method: 'POST' }),
    'endpoints/own.json': endpoint('/own', hold, { method: 'POST', settings: { authentication: true } }),
    'endpoints/admin.json': endpoint('/admin', [send('ok')], {
      settings: { authentication: true, roles: ['admin'], description: 'for admins' },
    }),
    'channels/news.yaml': { publish: true, subscribe: true },
  })

async function begin(server: TestServer, path: string, headers: Record<string, string> = {}): Promise<string> {
  const open = await server.open(path, { method: 'POST', headers, body: '{}' })
  await open.until('begun')
  return String(open.headers['stream-run'])
}

/** What of an answer tells one from another. */
const told = ({ status, headers, text }: Answer): unknown => [
  status,
  headers['www-authenticate'],
  text.replaceAll(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, 'ID'),
]

describe('a run of another owner', () => {
  const unknown = '0199a0a0-0000-7000-8000-000000000000'

  test.each<[string, () => Promise<Record<string, string>>, number]>([
    ['a stranger', async () => ({}), 404],
    ['another subject', () => by({ sub: 'bob' }), 404],
    ['a token that is none', async () => ({ Authorization: 'Bearer x.y.z' }), 401],
    ['another scheme', async () => ({ Authorization: 'Basic eDp5' }), 401],
  ])('looks to %s like one that does not exist', async (_, headersFor, status) => {
    await using server = await served()
    const run = await begin(server, '/own', await by())
    const headers = await headersFor()
    for (const path of [
      '/v1/runs/ID',
      '/v1/stream/runs/ID',
      '/v1/stream/runs/ID?live=sse&offset=-1',
      '/v1/runs/ID/cancel',
    ]) {
      const options = { headers, method: path.endsWith('cancel') ? 'POST' : 'GET' }
      const at = (id: string): Promise<Answer> => server.call(path.replace('ID', id), options)
      const [owned, none] = await Promise.all([at(run), at(unknown)])
      expect([path, told(owned)]).toEqual([path, told(none)])
      expect(owned.status).toBe(status)
    }
    const mine = await server.call(`/v1/runs/${run}`, { headers: await by() })
    expect(JSON.parse(mine.text)).toMatchObject({ outcome: null })
  })

  test('without an owner can be read by its id, also with a token that is not accepted', async () => {
    await using server = await served()
    const run = await begin(server, '/open')
    const all: Record<string, string>[] = [{}, await by(), { Authorization: 'Bearer x.y.z' }]
    for (const headers of all) expect((await server.call(`/v1/runs/${run}`, { headers })).status).toBe(200)
  })
})

describe('the list of endpoints', () => {
  const listed = async (server: TestServer, headers: Record<string, string> = {}): Promise<string> =>
    (await server.call('/', { headers })).text

  test('shows a caller what it may call', async () => {
    await using server = await served()
    expect(await listed(server)).toContain('"/open"')
    for (const headers of [{}, { Authorization: 'Bearer x.y.z' }] as Record<string, string>[])
      expect(await listed(server, headers)).not.toMatch(/own|admin/)
    expect(await listed(server, await by())).toContain('"/own"')
    expect(await listed(server, await by())).not.toContain('admin')
    expect(await listed(server, await by({ roles: ['admin'] }))).toContain('for admins')
  })

  test('is whole in `dev`', async () => {
    await using server = await testServer(
      { 'endpoints/own.json': endpoint('/own', hold, { settings: { authentication: true } }) },
      { mode: 'dev' },
    )
    expect(await listed(server)).toContain('"/own"')
  })
})

test('a role that holds another in its name is not that one', async () => {
  await using server = await served()
  const status = async (claims: Claims): Promise<number> =>
    (await server.call('/admin', { headers: await by(claims) })).status
  expect(await status({ roles: ['admin'] })).toBe(200)
  for (const role of ['billing admin', 'admin,user', ' admin']) expect(await status({ claims: { role } })).toBe(403)
})

describe('a key of callers without a token', () => {
  const from = (address: string, key: string): Record<string, string> => ({
    'X-Forwarded-For': address,
    'Idempotency-Key': key,
  })
  const uuid = '5f2b0c1e-4a0a-4d0e-9f52-3f0f5b1d9c11'

  test('that can be guessed belongs to their address', async () => {
    await using server = await served()
    const run = await begin(server, '/open', from('192.0.2.1', 'order-1'))
    expect(await begin(server, '/open', from('192.0.2.1', 'order-1'))).toBe(run)
    expect(await begin(server, '/open', from('192.0.2.2', 'order-1'))).not.toBe(run)
    const cancel = (address: string): Promise<Answer> =>
      server.call('/v1/runs/cancel', { method: 'POST', headers: from(address, 'order-1') })
    expect((await cancel('192.0.2.3')).status).toBe(404)
    expect(JSON.parse((await cancel('192.0.2.1')).text)).toMatchObject({ run })
  })

  test('that is a secret goes on from another address', async () => {
    await using server = await served()
    const run = await begin(server, '/open', from('192.0.2.1', uuid))
    expect(await begin(server, '/open', from('192.0.2.2', uuid))).toBe(run)
  })
})

test('a WebSocket without a token that gets nothing is closed, whatever it says', async () => {
  await using server = await served()
  await using socket = await openWebSocket(server.url)
  const says = [
    { type: 'leave', id: 'a' },
    { type: 'cancel', id: 'a' },
    { type: 'ping' },
    { type: 'read', id: 'b', stream: '/v1/stream/none' },
  ]
  const timer = setInterval(() => {
    for (const message of says) socket.send(message)
  }, 25)
  try {
    expect(await socket.closed).toMatchObject({ code: 4408 })
  } finally {
    clearInterval(timer)
  }
})

test('a reader of a stream by name is let go when its token expires', async () => {
  await using server = await served()
  const claims = { claims: { scope: 'streams:read streams:write' } }
  const headers = await by(claims)
  const path = '/v1/stream/events'
  await server.call(path, { method: 'PUT', headers: { ...headers, 'Content-Type': 'text/plain' } })
  const { short, reader } = await withEnoughTime(async (expiresSeconds) => {
    const soon = await by({ ...claims, expiresSeconds })
    const open = await server.open(`${path}?live=sse&offset=-1`, { headers: soon })
    expect(open.status).toBe(200)
    return { short: soon, reader: open }
  })
  await reader.ended
  const append = { method: 'POST', headers: { ...headers, 'Content-Type': 'text/plain' }, body: 'secret' }
  expect((await server.call(path, append)).status).toBe(204)
  expect(reader.text).not.toContain('secret')
  const again = await server.call(`${path}?live=sse&offset=-1`, { headers: short })
  expect([again.status, problem(again)['reason']]).toEqual([401, 'expired'])
})

test('a subscription does not lead its webhook to the keys of another host', async () => {
  await using server = await served()
  const { hostname, port } = new URL(server.url)
  const headers = { ...(await by({ claims: { scope: 'streams:read streams:write' } })), Host: 'evil.example' }
  const body = JSON.stringify({ type: 'pull-wake', pattern: 'a/*', wake_stream: 'wakes' })
  const text = await rawRequest({
    hostname,
    port,
    method: 'PUT',
    path: '/v1/stream/__ds/subscriptions/one',
    headers,
    body,
  })
  expect(text).toContain('201')
  const shown = await server.call('/v1/stream/__ds/subscriptions/one', {
    headers: { Authorization: headers.Authorization },
  })
  expect(shown.status).toBe(200)
  expect(text + shown.text).not.toContain('evil.example')
})

interface RawRequest {
  hostname: string
  port: string
  method: string
  path: string
  headers: Record<string, string>
  body: string
}

/** The whole answer as text. `body` may be shorter than what the headers say. */
function rawRequest({ hostname, port, method, path, headers, body }: RawRequest): Promise<string> {
  return new Promise((resolve) => {
    let text = ''
    const lines = Object.entries({
      'Content-Length': String(Buffer.byteLength(body)),
      Host: hostname,
      Connection: 'close',
      ...headers,
    })
    const head = lines.map(([name, value]) => `${name}: ${value}`).join('\r\n')
    const socket = connect(Number(port), hostname, () =>
      socket.write(`${method} ${path} HTTP/1.1\r\n${head}\r\n\r\n${body}`),
    )
    socket.on('data', (data) => {
      text += data.toString()
      if (text.includes('\r\n\r\n') && Number(headers['Content-Length'] ?? 0) > 0) socket.destroy()
    })
    socket.on('error', () => undefined)
    socket.on('close', () => resolve(text))
  })
}

describe('a body that no caller may send', () => {
  test.each([
    ['POST', '/v1/runs/x/cancel', 404],
    ['POST', '/v1/runs', 405],
    ['POST', '/missing', 404],
    ['POST', '/own', 401],
    ['POST', '/v1/stream/a', 401],
    ['PUT', '/v1/stream/a', 401],
    ['PUT', '/v1/stream/__ds/subscriptions/x', 401],
    ['POST', '/v1/stream/__ds/subscriptions/x/claim', 401],
    ['POST', '/v1/stream/__ds/subscriptions/x/ack', 401],
    ['POST', '/v1/stream/__ds/subscriptions/x/callback', 401],
    ['POST', '/v1/stream/__ds/subscriptions/x/release', 401],
    ['POST', '/v1/stream/__ds/other', 401],
    ['POST', '/v1/channels/none', 404],
    ['GET', '/', 200],
  ])('is not waited for: %s %s', async (method, path, status) => {
    await using server = await served()
    const { hostname, port } = new URL(server.url)
    // The answer comes although the body never does.
    const headers = { 'Content-Length': '1000000', 'Content-Type': 'application/json' }
    const text = await rawRequest({ hostname, port, method, path, headers, body: '{' })
    expect(text.split('\r\n', 1)[0]).toContain(` ${status} `)
    if (status >= 400) expect(text.toLowerCase()).toContain('x-content-type-options: nosniff')
  })
})

test.skipIf(process.platform === 'win32')('what is stored is for its owner alone', async () => {
  await using server = await served()
  await server.call('/v1/stream/a', {
    method: 'PUT',
    headers: { ...(await by({ claims: { scope: 'streams:write' } })), 'Content-Type': 'text/plain' },
  })
  const folder = join(server.dir, '.streamstack')
  const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8)
  expect(modeOf(folder)).toBe('700')
  const files = readdirSync(folder)
  expect(files).toEqual(expect.arrayContaining(['records.sqlite', 'streams.sqlite']))
  for (const file of files) expect([file, modeOf(join(folder, file))]).toEqual([file, '600'])
})

test('a message of a channel that says [DONE] ends no reader: only endpoints write markers', async () => {
  await using server = await served()
  const reader = await server.open('/v1/channels/news?format=sse')
  for (const content of ['[DONE]', 'after']) {
    await server.call('/v1/channels/news', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ content }),
    })
  }
  await reader.until('after')
  expect(reader.text).toContain('data: "[DONE]"')
  expect(reader.text).not.toContain('data: [DONE]')
  reader.leave()
})

describe('in `dev`', () => {
  const developing = (): Promise<TestServer> =>
    testServer({ 'streamstack.yaml': { server: { cors: { origins: ['https://app.example'] } } } }, { mode: 'dev' })
  const paths = ['/metrics', '/v1/stream/system/activity?format=json', '/v1/runs']

  test('the developer sees what the server tells of itself, and the runs, without a token', async () => {
    await using server = await developing()
    for (const path of paths) expect([path, (await server.call(path)).status]).toEqual([path, 200])
    const body = { method: 'PUT', headers: { 'Content-Type': 'text/plain' } }
    expect((await server.call('/v1/stream/a', body)).status).toBe(201)
    await using socket = await openWebSocket(server.url)
    socket.send({ type: 'read', id: 'a', stream: '/v1/stream/system/activity' })
    await socket.until(({ type }) => type === 'open')
  })

  test.each<[string, Record<string, string>]>([
    ['a foreign page', { Origin: 'https://evil.example' }],
    ['a picture in a foreign page', { 'Sec-Fetch-Site': 'cross-site' }],
    ['a page of another port', { Origin: 'http://localhost:1', 'Sec-Fetch-Site': 'same-site' }],
    ['a token that is not accepted', { Authorization: 'Bearer x.y.z' }],
  ])('%s is not taken for the developer', async (_, headers) => {
    await using server = await developing()
    for (const path of paths) expect([path, (await server.call(path, { headers })).status]).toEqual([path, 401])
  })

  test('nobody is a developer in `serve`', async () => {
    await using server = await served()
    for (const path of paths) expect([path, (await server.call(path)).status]).toEqual([path, 401])
  })
})
