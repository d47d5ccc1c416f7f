import { createServer, request as httpRequest } from 'node:http'
import type { AddressInfo } from 'node:net'
import { inspect } from 'node:util'
import { SignJWT, exportJWK, generateKeyPair } from 'jose'
import { pino } from 'pino'
import { describe, expect, test, vi } from 'vitest'
import { type OpenCall, call, openCall, problem } from '@streamstack/test-support/http-client'
import { withEnoughTime } from '@streamstack/test-support/enough-time'
import { tempWorkspace } from '@streamstack/test-support/temp-workspace'
import { endpoint, send } from '@streamstack/test-support/test-server'
import { isError, isType, openWebSocket } from '@streamstack/test-support/websocket-client'
import { Engine } from '../engine/index.ts'
import { startServer } from './index.ts'

const SECRET = 'a secret of the tests, as long as a key has to be'
const OTHER = 'another secret of the tests, as long as a key has to be'
const SCOPES = 'streams:read streams:write system:read'
const TOLD = 'The server checks tokens by other settings now'

const signed = (claims: object = {}, secret = SECRET, expires = '10m'): Promise<string> =>
  new SignJWT({ sub: 'ann', scope: SCOPES, ...claims })
    .setProtectedHeader({ alg: 'HS256' })
    .setExpirationTime(expires)
    .sign(new TextEncoder().encode(secret))

const by = (token: string): { Authorization: string } => ({ Authorization: `Bearer ${token}` })

interface Served extends AsyncDisposable {
  readonly url: string
  readonly engine: Engine
  /** All that was logged, at every level. */
  readonly logged: () => string
  /** Writes other settings to disk; settles when they hold. */
  change(settings: object): Promise<void>
  open(path: string, token: string): Promise<OpenCall>
}

/** A workspace whose files are watched. */
async function served(settings: object): Promise<Served> {
  const own = { log: { level: 'silent' }, streams: { heartbeat: '200ms' } }
  const workspace = await tempWorkspace({
    'streamstack.yaml': { ...own, ...settings },
    'channels/news.json': { publish: 'token', subscribe: 'token', presence: 'token', history: { count: 10 } },
    'channels/staff.json': { publish: 'token', subscribe: { roles: ['staff'] } },
    'channels/lounge.json': { publish: 'token', subscribe: 'token', presence: { roles: ['staff'] } },
    'endpoints/slow.json': endpoint('/slow', [send('begun'), { function: 'Sleep', duration: 60_000 }], {
      settings: { authentication: true },
    }),
    'endpoints/echo.json': endpoint('/echo', [send('{{text}}'), { function: 'Sleep', duration: 60_000 }], {
      method: 'POST',
      inputs: { text: { type: 'text' } },
      settings: { authentication: true },
    }),
    'endpoints/free.json': endpoint('/free', [send('begun'), { function: 'Sleep', duration: 60_000 }]),
  })
  let logged = ''
  const log = pino({ level: 'trace' }, { write: (line: string) => void (logged += line) })
  const engine = await Engine.open({ dir: workspace.dir, log })
  const server = await startServer({ engine, host: '127.0.0.1', port: 0 })
  let reloaded = (): void => undefined
  engine.watch(() => reloaded())
  return {
    url: server.url,
    engine,
    logged: () => logged,
    async change(other) {
      const done = new Promise<void>((resolve) => (reloaded = resolve))
      await workspace.write('streamstack.yaml', { ...own, ...other })
      await done
    },
    open: (path, token) => openCall(server.url, path, { headers: by(token) }),
    async [Symbol.asyncDispose]() {
      await server.close()
      await engine.close()
      await workspace[Symbol.asyncDispose]()
    },
  }
}

const jwt = (more: object): object => ({ auth: { jwt: more } })

const runOf = ({ headers }: OpenCall): string => String(headers['stream-run'])

describe('another secret', () => {
  test('breaks off readers with a token of before, in every way of reading; runs go on', async () => {
    await using server = await served(jwt({ secret: SECRET }))
    const token = await signed()
    const headers = by(token)
    const own = await server.open('/slow?format=sse', token)
    await own.until('begun')
    const run = runOf(own)
    const whole = call(server.url, `/v1/stream/runs/${run}?format=json`, { headers })
    await call(server.url, '/v1/stream/named', { method: 'PUT', headers })
    await call(server.url, '/v1/channels/news', { headers, body: { content: 'first' } })
    const page = await call(server.url, '/v1/stream/channels/news?offset=-1', { headers })
    const named = await call(server.url, '/v1/stream/named', { headers })
    const polls = [
      `/v1/stream/channels/news?live=long-poll&offset=${String(page.headers['stream-next-offset'])}`,
      `/v1/stream/named?live=long-poll&offset=${String(named.headers['stream-next-offset'])}`,
    ].map((path) => call(server.url, path, { headers }))
    const toldPaths = [
      '/v1/channels/news?presence=true',
      '/v1/presence/news',
      '/v1/stream/system/activity',
      `/v1/stream/runs/${run}`,
    ]
    const told = [own, ...(await Promise.all(toldPaths.map((path) => server.open(path, token))))]
    const protocolPaths = [
      '/v1/stream/channels/news?live=sse&offset=-1',
      '/v1/stream/system/metrics?live=sse&offset=-1',
      `/v1/stream/runs/${run}?live=sse&offset=-1`,
      '/v1/stream/named?live=sse&offset=-1',
    ]
    const protocol = await Promise.all(protocolPaths.map((path) => server.open(path, token)))
    const free = await openCall(server.url, '/free?format=sse')
    await free.until('begun')
    const socket = await openWebSocket(server.url, { headers })
    socket.send({ type: 'subscribe', id: 'a', channel: 'news' })
    await socket.until((message) => message.type === 'chunk')
    // Callers that connect at this moment are there, too.
    await expect.poll(() => server.engine.channels.subscriberCount).toBe(4)

    await server.change(jwt({ secret: OTHER }))

    for (const open of told) {
      const answer = await open.ended
      expect(answer.ending).toBe('broken')
      expect(answer.text).toContain(`event: error\ndata: {"code":"unauthenticated","message":"${TOLD}`)
      expect(answer.text).not.toContain('event: end')
    }
    for (const open of protocol) {
      // To come back at once is what the end of such an answer says.
      const answer = await open.ended
      expect(answer.text).toContain('event: control')
      expect(answer.text).not.toContain('streamClosed')
    }
    for (const answer of await Promise.all([whole, ...polls])) {
      expect(answer.status).toBe(401)
      expect(problem(answer)).toMatchObject({ code: 'unauthenticated', reason: 'settings_changed' })
      expect(answer.headers['www-authenticate']).toBe('Bearer error="invalid_token"')
    }
    expect(await socket.closed).toMatchObject({ code: 4402 })
    expect(socket.messages.at(-1)).toMatchObject({
      type: 'error',
      id: null,
      error: { code: 'unauthenticated', message: expect.stringContaining(TOLD) },
    })
    expect((await server.open('/v1/channels/news', token)).status).toBe(401)
    // With a fresh one of the same subject the run is there, and has gone on.
    const fresh = by(await signed({}, OTHER))
    const shown = await call(server.url, `/v1/runs/${run}`, { headers: fresh })
    expect(JSON.parse(shown.text)).toMatchObject({ outcome: null })
    await call(server.url, '/v1/channels/news', { headers: fresh, body: { content: 'for the next alone' } })
    const all = [...told, ...protocol].map(({ text }) => text).join('')
    expect(all).not.toContain('for the next alone')
    // What needed no token goes on.
    await call(server.url, `/v1/runs/${runOf(free)}/cancel`, { method: 'POST' })
    expect((await free.ended).text).toContain('event: end')
    const signature = token.split('.')[2] ?? ''
    expect(server.logged() + all + JSON.stringify(socket.messages)).not.toContain(signature)
    expect(inspect(server.engine.access, { depth: 9, showHidden: true })).not.toContain(signature)
  })

  test('holds for a call that was let in by the one before and is still on its way', () =>
    // As long as the server may take to let it in.
    withEnoughTime(async (seconds) => {
      await using server = await served(jwt({ secret: SECRET }))
      const body = '{"text":"said"}'
      const headers = { ...by(await signed()), 'Content-Type': 'application/json', 'Content-Length': body.length }
      const answered = new Promise<string>((resolve, reject) => {
        const request = httpRequest(`${server.url}/echo`, { method: 'POST', headers, agent: false }, (response) => {
          let text = String(response.statusCode)
          response.on('data', (data: Buffer) => (text += data.toString()))
          response.on('error', () => undefined)
          response.on('close', () => resolve(text))
        })
        request.on('error', reject)
        request.write(body.slice(0, 5))
        setTimeout(
          () => void server.change(jwt({ secret: OTHER })).then(() => request.end(body.slice(5))),
          seconds * 1_000,
        )
      })
      expect(await answered).toContain(TOLD)
    }, 0.1))
})

test('unchanged settings, read again, have no effect', async () => {
  await using server = await served(jwt({ secret: SECRET }))
  const token = await signed()
  const recheck = vi.spyOn(server.engine.access, 'recheck')
  const run = await server.open('/slow', token)
  await run.until('begun')
  const channel = await server.open('/v1/channels/news', token)
  await using socket = await openWebSocket(server.url, { headers: by(token) })
  socket.send({ type: 'subscribe', id: 'a', channel: 'news' })
  await socket.until(isType('open'))
  await server.change({ name: 'Another name', ...jwt({ secret: SECRET }) })
  expect(server.engine.settings.name).toBe('Another name')
  // No token is verified again, by keys that were fetched again.
  expect(recheck).not.toHaveBeenCalled()
  expect(server.engine.access.configure(server.engine.settings.auth)).toBe(false)
  await call(server.url, '/v1/channels/news', { headers: by(token), body: { content: 'still' } })
  await Promise.all([channel.until('still'), socket.until(isType('chunk'))])
  expect(channel.text + run.text).not.toContain('event: error')
  expect(socket.messages.map(({ type }) => type)).toEqual(['welcome', 'open', 'chunk'])
  for (const open of [run, channel]) open.leave()
})

describe('other settings', () => {
  test.each<[string, object, object]>([
    ['issuer', { iss: 'https://new.example' }, { issuer: 'https://new.example' }],
    ['audience', { aud: 'new' }, { audience: 'new' }],
  ])('another %s disconnects callers that do not name it, and no others', async (_, claims, more) => {
    await using server = await served(jwt({ secret: SECRET }))
    const [stays, goes] = [await signed(claims), await signed()]
    const open = await Promise.all([stays, goes].map((token) => server.open('/v1/channels/news', token)))
    const sockets = await Promise.all([stays, goes].map((token) => openWebSocket(server.url, { headers: by(token) })))
    for (const socket of sockets) {
      socket.send({ type: 'subscribe', id: 'a', channel: 'news' })
      await socket.until(isType('open'))
    }
    await server.change(jwt({ secret: SECRET, ...more }))
    expect((await open[1]?.ended)?.text).toContain(TOLD)
    expect(await sockets[1]?.closed).toMatchObject({ code: 4402 })
    await call(server.url, '/v1/channels/news', { headers: by(stays), body: { content: 'still' } })
    await Promise.all([open[0]?.until('still'), sockets[0]?.until(isType('chunk'))])
    expect(open[1]?.text).not.toContain('still')
    open[0]?.leave()
    sockets[0]?.terminate()
  })

  test('roles that stand elsewhere hold for what is open', async () => {
    await using server = await served(jwt({ secret: SECRET }))
    const token = await signed({ roles: ['staff'] })
    const open = await server.open('/v1/channels/staff', token)
    const lounge = await server.open('/v1/channels/lounge?presence=true', token)
    const news = await server.open('/v1/channels/news?presence=true', token)
    await using socket = await openWebSocket(server.url, { headers: by(token) })
    socket.send({ type: 'subscribe', id: 'staff', channel: 'staff' })
    socket.send({ type: 'subscribe', id: 'news', channel: 'news' })
    await socket.until((message) => message.type === 'open' && message.id === 'news')
    await server.change(jwt({ secret: SECRET, role_claim: 'app.roles' }))
    // Who may not be seen any more does not go on unseen.
    for (const { ended } of [open, lounge]) expect((await ended).text).toContain('"code":"forbidden"')
    expect((await socket.until(isError('staff'))).error.code).toBe('forbidden')
    await call(server.url, '/v1/channels/news', { headers: by(token), body: { content: 'still' } })
    await Promise.all([news.until('still'), socket.until(isType('chunk'))])
    const members = await call(server.url, '/v1/presence/news?format=json', { headers: by(token) })
    expect(members.text).toContain('"subject":"ann"')
    news.leave()
  })

  test('without auth.jwt no token reads on', async () => {
    await using server = await served(jwt({ secret: SECRET }))
    const token = await signed()
    const open = await server.open('/v1/channels/news', token)
    const socket = await openWebSocket(server.url, { headers: by(token) })
    await socket.until(isType('welcome'))
    await server.change({})
    expect((await open.ended).text).toContain(TOLD)
    expect(await socket.closed).toMatchObject({ code: 4402 })
  })

  test('clocks that may differ less end what they would have let go on', async () => {
    await using server = await served(jwt({ secret: SECRET, clock_tolerance: '60s' }))
    const open = await server.open('/v1/channels/news', await signed({}, SECRET, '2s'))
    await server.change(jwt({ secret: SECRET, clock_tolerance: '0s' }))
    expect((await open.ended).text).toContain('The token has expired')
  })
})

test('while its token is checked by other keys, a WebSocket does nothing by it', async () => {
  const { publicKey, privateKey } = await generateKeyPair('RS256')
  const keys = JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), alg: 'RS256' }] })
  let release = (): void => undefined
  const asked = Promise.withResolvers<void>()
  const issuer = createServer((request, response) => {
    response.setHeader('Content-Type', 'application/json')
    if (request.url === '/one') response.end(keys)
    else if (request.url === '/none') response.writeHead(500).end()
    else {
      release = () => void response.end(keys)
      asked.resolve()
    }
  })
  await new Promise<void>((resolve) => issuer.listen(0, '127.0.0.1', resolve))
  const address = `127.0.0.1:${(issuer.address() as AddressInfo).port}`
  const settings = (path: string): object => ({
    ...jwt({ jwks_url: `http://${address}/${path}` }),
    outbound: { allow: [address] },
  })
  try {
    await using server = await served(settings('one'))
    const token = await new SignJWT({ sub: 'ann' })
      .setProtectedHeader({ alg: 'RS256' })
      .setExpirationTime('5m')
      .sign(privateKey)
    const open = await server.open('/v1/channels/news', token)
    const socket = await openWebSocket(server.url, { headers: by(token) })
    await socket.until(isType('welcome'))
    await server.change(settings('two'))
    await asked.promise
    socket.send({ type: 'publish', id: 'p', channel: 'news', content: 'said' })
    // A socket of its own that came later is served meanwhile.
    await using other = await openWebSocket(server.url)
    other.send({ type: 'ping' })
    await other.until(isType('pong'))
    expect(open.text).not.toContain('said')
    expect(socket.messages.map(({ type }) => type)).toEqual(['welcome'])
    release()
    await Promise.all([socket.until(isType('published')), open.until('said')])
    await server.change(settings('none'))
    expect((await open.ended).text).toContain('"code":"unavailable"')
    expect(await socket.closed).toMatchObject({ code: 1011 })
    expect(server.logged()).not.toContain(token.split('.')[2])
  } finally {
    issuer.closeAllConnections()
    issuer.close()
  }
})
