import { SignJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { CLOSE_CODES, type CloseName } from '@streamstack/protocol'
import { withEnoughTime } from '@streamstack/test-support/enough-time'
import { makeToken } from '@streamstack/test-support/credentials'
import { type TestServer, endpoint, send, testServer } from '@streamstack/test-support/test-server'
import {
  type OpenOptions,
  RefusedHandshake,
  type WebSocketClient,
  contentsOf,
  isEnd,
  isError,
  isType,
  openWebSocket,
} from '@streamstack/test-support/websocket-client'

const SECRET = 'a secret of the tests, as long as a key has to be'

/** What a client sees of a close. */
const closing = (name: CloseName): { code: number; reason: string } => {
  const { code, reason } = CLOSE_CODES[name]
  return { code, reason }
}

let server: TestServer

beforeAll(async () => {
  server = await testServer({
    'streamstack.yaml': {
      auth: { jwt: { secret: SECRET, clock_tolerance: '0s', require_exp: false } },
      streams: { heartbeat: '200ms' },
      server: { cors: { origins: ['https://app.example'] } },
    },
    'channels/mine.json': { publish: 'token', subscribe: 'token' },
    'endpoints/open.json': endpoint('/open', [send('open')]),
    'endpoints/own.json': endpoint('/own', [send('{{auth.sub}}')], { settings: { authentication: true } }),
    'endpoints/slow.json': endpoint('/slow', [send('begun'), { function: 'Sleep', duration: 60_000 }]),
    'endpoints/slow-own.json': endpoint('/slow-own', [send('begun'), { function: 'Sleep', duration: 60_000 }], {
      settings: { authentication: true },
    }),
  })
})
afterAll(() => server[Symbol.asyncDispose]())

const token = (sub: string, expiresSeconds = 600): Promise<string> => makeToken({ secret: SECRET, sub, expiresSeconds })

const signed = (claims: Record<string, unknown>, secret = SECRET): Promise<string> =>
  new SignJWT(claims).setProtectedHeader({ alg: 'HS256' }).sign(new TextEncoder().encode(secret))

const connect = (options: OpenOptions = {}): Promise<WebSocketClient> => openWebSocket(server.url, options)

const bearer = (value: string): OpenOptions => ({ headers: { Authorization: `Bearer ${value}` } })

describe('a token', () => {
  test.each<[string, (value: string) => OpenOptions]>([
    ['in the Authorization header', bearer],
    ['beside the subprotocol', (value) => ({ protocols: ['streamstack.v1', `streamstack.token.${value}`] })],
    ['before the subprotocol', (value) => ({ protocols: [`streamstack.token.${value}`, 'streamstack.v1'] })],
    [
      'beside the subprotocol, where a proxy has an Authorization of its own',
      (value) => ({
        headers: { Authorization: 'Basic YTpi' },
        protocols: ['streamstack.v1', `streamstack.token.${value}`],
      }),
    ],
  ])('%s says who calls', async (_, options) => {
    await using socket = await connect(options(await token('ann')))
    // What is sent at once waits until the token is checked.
    socket.send({ type: 'call', id: 'a', endpoint: 'GET /own' })
    await socket.until(isEnd('a'))
    const [welcome] = socket.messages
    expect(welcome).toMatchObject({ type: 'welcome', subject: 'ann' })
    expect((welcome as { expires_in: number }).expires_in).toBeGreaterThan(590)
    expect(contentsOf(socket.messages, 'a')).toEqual(['ann'])
    // The token itself is never said again.
    expect(socket.protocol).toBe((options('').protocols ?? []).length > 0 ? 'streamstack.v1' : '')
  })

  test('in the first message says who calls from then on', async () => {
    await using socket = await connect({ protocols: ['streamstack.v1'] })
    socket.send(
      { type: 'call', id: 'before', endpoint: 'GET /own' },
      { type: 'auth', token: await token('ann') },
      { type: 'call', id: 'after', endpoint: 'GET /own' },
    )
    await socket.until(isEnd('after'))
    expect((await socket.until(isError('before'))).error.code).toBe('unauthenticated')
    expect(contentsOf(socket.messages, 'after')).toEqual(['ann'])
    expect(socket.messages.filter(isType('welcome')).map(({ subject }) => subject)).toEqual([null, 'ann'])
  })

  test('that never expires needs no timer, and neither does one that expires in a thousand years', async () => {
    await using never = await connect(bearer(await signed({ sub: 'ann' })))
    await using late = await connect(bearer(await signed({ sub: 'ann', exp: 33_000_000_000 })))
    expect(await never.until(isType('welcome'))).toMatchObject({ expires_in: null })
    const welcome = await late.until(isType('welcome'))
    expect(welcome.expires_in).toBeGreaterThan(31_000_000_000)
    for (const socket of [never, late]) socket.send({ type: 'call', id: 'a', endpoint: 'GET /slow-own' })
    await Promise.all([never, late].map((socket) => socket.until(isType('chunk'))))
    for (const { messages } of [never, late]) expect(messages.some(isType('expiring'))).toBe(false)
  })

  test.each<[string, () => string | Promise<string>, CloseName]>([
    ['that is none', () => 'none', 'unauthenticated'],
    [
      'of another issuer',
      () => signed({ sub: 'eve' }, 'another secret, as long as a key has to be'),
      'unauthenticated',
    ],
    ['that has expired', () => signed({ sub: 'ann', exp: 1_000_000 }), 'token_expired'],
    ['that is not valid yet', () => signed({ sub: 'ann', nbf: 33_000_000_000 }), 'unauthenticated'],
    [
      'without a signature',
      () => `${btoa('{"alg":"none"}')}.${btoa('{"sub":"eve"}').replaceAll('=', '')}.`,
      'unauthenticated',
    ],
  ])('%s closes the connection and says why, whichever way it came', async (_, make, name) => {
    const value = await make()
    const asMessage = await connect()
    asMessage.send({ type: 'auth', token: value }, { type: 'call', id: 'a', endpoint: 'GET /open' })
    const asHeader = await connect(bearer(value))
    for (const socket of [asMessage, asHeader]) {
      expect(await socket.closed).toEqual(closing(name))
      expect(socket.messages.at(-1)).toMatchObject({ type: 'error', id: null, error: { code: 'unauthenticated' } })
      expect(JSON.stringify(socket.messages)).not.toContain(SECRET)
      expect(contentsOf(socket.messages, 'a')).toEqual([])
    }
  })

  test.concurrent('is told of before it expires; then the connection is closed, and all that it reads with it', async () => {
    const { socket, seconds } = await withEnoughTime(async (lasts) => {
      const opened = await connect(bearer(await token('ann', lasts)))
      opened.send(
        { type: 'call', id: 'own', endpoint: 'GET /slow-own' },
        { type: 'call', id: 'open', endpoint: 'GET /slow' },
      )
      for (const id of ['own', 'open']) await opened.until((message) => message.type === 'chunk' && message.id === id)
      return { socket: opened, seconds: lasts }
    }, 3)
    expect((await socket.until(isType('expiring'))).expires_in).toBeLessThanOrEqual(seconds)
    expect(await socket.closed).toEqual(closing('token_expired'))
    // No false end: the stream goes on, for clients that reconnect.
    expect(socket.messages.some(({ type }) => type === 'end')).toBe(false)
    expect(socket.messages.filter(isType('expiring'))).toHaveLength(1)
  })

  test.concurrent('is replaced by a fresh one of the same subject, and everything goes on', async () => {
    const { opened, first } = await withEnoughTime(async (seconds) => {
      const value = bearer(await token('ann', seconds))
      const asks = await connect(value)
      asks.send({ type: 'call', id: 'a', endpoint: 'GET /slow-own' })
      await asks.until(isType('expiring'))
      asks.send({ type: 'auth', token: await token('ann') })
      await asks.until((message) => message.type === 'welcome' && (message.expires_in ?? 0) > 500)
      return { opened: asks, first: value }
    }, 3)
    await using socket = opened
    await expect.poll(async () => (await server.call('/own', first)).status).toBe(401)
    socket.send({ type: 'call', id: 'b', endpoint: 'GET /own' }, { type: 'cancel', id: 'a' })
    await socket.until(isEnd('b'))
    expect(await socket.until(isEnd('a'))).toMatchObject({ outcome: 'cancelled' })
  })

  test.concurrent('is told of once, however often it is sent', async () => {
    await using socket = await withEnoughTime(async (seconds) => {
      const value = await token('ann', seconds)
      const opened = await connect(bearer(value))
      await opened.until(isType('expiring'))
      for (let count = 0; count < 3; count++) opened.send({ type: 'auth', token: value })
      opened.send({ type: 'ping' })
      await opened.until(isType('pong'))
      return opened
    }, 4)
    expect(socket.messages.filter(isType('welcome'))).toHaveLength(4)
    expect(socket.messages.filter(isType('expiring'))).toHaveLength(1)
  })

  test('that is short is not told of at once, nor is the next one', async () => {
    await using socket = await connect(bearer(await token('ann', 20)))
    for (const seconds of [21, 22, 23]) socket.send({ type: 'auth', token: await token('ann', seconds) })
    socket.send({ type: 'ping' })
    await socket.until(isType('pong'))
    expect(socket.messages.map(({ type }) => type)).toEqual(['welcome', 'welcome', 'welcome', 'welcome', 'pong'])
  })

  test.each([
    ['that is none', { type: 'auth', token: 'none' }, null],
    ['that is missing', { type: 'call', id: 'a', endpoint: 'GET /own' }, 'a'],
    ['that is missing for a channel', { type: 'subscribe', id: 'a', channel: 'mine' }, 'a'],
  ] as const)('%s is refused in the words of this protocol', async (_, message, id) => {
    await using socket = await connect()
    socket.send(message)
    const { error } = await socket.until(isError(id))
    expect(error.code).toBe('unauthenticated')
    expect(error.message).toContain('{"type":"auth","token":"…"}')
    expect(error.message).toContain('streamstack.token.<token>')
    expect(error.message).not.toMatch(/header|Authorization/)
  })

  test.each<[string, () => string | null | Promise<string>]>([
    ['another subject', () => token('bob')],
    ['nobody', () => null],
  ])('of %s cannot take over what is open', async (_, next) => {
    const socket = await connect(bearer(await token('ann')))
    await socket.until(isType('welcome'))
    socket.send({ type: 'auth', token: await next() }, { type: 'call', id: 'a', endpoint: 'GET /open' })
    expect(await socket.closed).toEqual(closing('unauthenticated'))
    expect(socket.messages.at(-1)).toMatchObject({ type: 'error', id: null, error: { code: 'forbidden' } })
  })

  test('that cannot be checked is refused, not ignored', async () => {
    await using open = await testServer({ 'endpoints/open.json': endpoint('/open', [send('open')]) })
    const socket = await openWebSocket(open.url, bearer(await token('ann')))
    expect(await socket.closed).toEqual(closing('unauthenticated'))
    expect(socket.messages).toMatchObject([{ type: 'error', error: { code: 'unauthenticated' } }])
  })

  test('whose keys cannot be fetched now says nothing of the token: come back', async () => {
    await using far = await testServer({
      'streamstack.yaml': {
        auth: { jwt: { jwks_url: 'http://127.0.0.1:1/keys' } },
        outbound: { allow: ['127.0.0.1:1'] },
      },
      'endpoints/open.json': endpoint('/open', [send('open')]),
    })
    const value = `${btoa('{"alg":"RS256","kid":"1"}')}.${btoa('{"sub":"ann"}')}.c2ln`.replaceAll('=', '')
    const socket = await openWebSocket(far.url, bearer(value))
    expect(await socket.closed).toEqual(closing('server_error'))
    expect(socket.messages).toMatchObject([{ type: 'error', id: null, error: { code: 'unavailable' } }])
  })
})

describe('without a token', () => {
  const strict = (seconds = 0.3): Promise<TestServer> =>
    testServer({
      'streamstack.yaml': { streams: { access: 'open' }, server: { websocket: { auth_timeout: seconds * 1_000 } } },
      'endpoints/slow.json': endpoint('/slow', [send('begun'), { function: 'Sleep', duration: 60_000 }]),
    })

  test('one may use what needs none, and stay', () =>
    withEnoughTime(async (seconds) => {
      await using own = await strict(seconds)
      await using socket = await openWebSocket(own.url)
      socket.send({ type: 'auth', token: null }, { type: 'call', id: 'a', endpoint: 'GET /slow' })
      await socket.until(isType('chunk'))
      // Its time is over when that of another is, who came later.
      const later = await openWebSocket(own.url)
      expect(await later.closed).toEqual(closing('auth_timeout'))
      socket.send({ type: 'cancel', id: 'a' })
      expect(await socket.until(isEnd('a'))).toMatchObject({ outcome: 'cancelled' })
    }, 0.3))

  test('and without asking for anything one may not stay', async () => {
    await using own = await strict()
    const socket = await openWebSocket(own.url)
    socket.send({ type: 'ping' })
    expect(await socket.closed).toEqual(closing('auth_timeout'))
    expect(socket.messages.map(({ type }) => type)).toEqual(['welcome', 'pong'])
  })
})

describe('the handshake', () => {
  const refusal = async (options: OpenOptions, path?: string): Promise<RefusedHandshake> => {
    try {
      await using socket = await openWebSocket(path ?? server.url, options)
      throw new Error(`it was taken: ${JSON.stringify(socket.messages)}`)
    } catch (error) {
      if (error instanceof RefusedHandshake) return error
      throw error
    }
  }

  test.each(['https://evil.example', 'null', 'https://app.example.evil.example', 'http://app.example'])(
    'refuses pages of %s',
    async (origin) => {
      const { status, text } = await refusal({ headers: { Origin: origin } })
      expect(status).toBe(403)
      expect(JSON.parse(text)).toMatchObject({ code: 'forbidden' })
    },
  )

  test('takes pages of origins that are listed, and its own', async () => {
    for (const origin of ['https://app.example', server.url]) {
      await using socket = await connect({ headers: { Origin: origin } })
      expect(await socket.until(isType('welcome'))).toMatchObject({ subject: null })
    }
  })

  test('refuses a client that offers only other protocols, and repeats no token', async () => {
    const value = await token('ann')
    const { status, text } = await refusal({ protocols: ['graphql-ws', `streamstack.token.${value}`] })
    expect(status).toBe(400)
    expect(text).toContain('streamstack.v1')
    expect(text).not.toContain(value)
  })
})
