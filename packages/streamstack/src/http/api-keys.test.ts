import { createHash } from 'node:crypto'
import { WEBSOCKET_PROTOCOL, WEBSOCKET_TOKEN_PREFIX } from '@streamstack/protocol'
import { SignJWT } from 'jose'
import { pino } from 'pino'
import { describe, expect, test } from 'vitest'
import { makeApiKey } from '../access/index.ts'
import { Engine } from '../engine/index.ts'
import { problem } from '@streamstack/test-support/http-client'
import { tempWorkspace } from '@streamstack/test-support/temp-workspace'
import { contentsOf, isEnd, openWebSocket } from '@streamstack/test-support/websocket-client'
import { type TestServer, endpoint, send, testServer } from '@streamstack/test-support/test-server'

const SECRET = 'a-secret-for-tests-that-is-long-enough'

const bearer = (key: string): Record<string, string> => ({ Authorization: `Bearer ${key}` })
const basic = (name: string, password: string): Record<string, string> => ({
  Authorization: `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`,
})

const writer = makeApiKey()
const reader = makeApiKey()
const old = makeApiKey()

const settings = (keys: object, jwt: object | null = null): object => ({
  auth: { ...(jwt === null ? {} : { jwt }), keys },
})

const keys = {
  writer: { hash: writer.hash, roles: ['writer'], scopes: ['streams:write'] },
  reader: { hash: reader.hash },
  old: { hash: old.hash, roles: ['writer'], expires: '2020-01-31' },
}

const server = (workspace: object = settings(keys)): Promise<TestServer> =>
  testServer(
    {
      'streamstack.yaml': workspace,
      'endpoints/mine.json': endpoint('/mine', [send('{{auth.sub}} {{auth.roles.join()}}')], {
        settings: { authentication: true },
      }),
      'endpoints/write.json': endpoint('/write', [send('written')], {
        settings: { authentication: { type: 'jwt', roles: ['writer'] } },
      }),
      'endpoints/slow.json': endpoint('/slow', [send('begun'), { function: 'Sleep', duration: '60s' }, send('late')], {
        settings: { authentication: true },
      }),
    },
    { watch: true },
  )

describe('API keys', () => {
  test.each([
    ['as a token', bearer(writer.key)],
    ['as the password of Basic', basic('anything', writer.key)],
    ['as the name of Basic', basic(writer.key, '')],
  ])('are accepted %s, with the roles that stand in the settings', async (_how, headers) => {
    await using one = await server()
    expect((await one.call('/mine?format=text', { headers })).text).toBe('key:writer writer')
    expect((await one.call('/write?format=text', { headers })).text).toBe('written')
    expect((await one.call('/write', { headers: bearer(reader.key) })).status).toBe(403)
  })

  test.each([
    ['no key', {}, 'missing'],
    ['an expired one', bearer(old.key), 'expired'],
    ['one that was never made', bearer(makeApiKey().key), 'api_key'],
    ['one that was cut', bearer(writer.key.slice(0, -1)), 'api_key'],
    ['what begins as one', bearer('ssk_nope'), 'api_key'],
    ['one in capitals', bearer(writer.key.toUpperCase()), 'api_key'],
    ['the hash of one', bearer(writer.hash), 'api_key'],
    ['the hash in Basic', basic('writer', writer.hash.slice(7)), 'api_key'],
    ['a JWT where none is accepted', bearer('eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.'), 'api_key'],
  ])('%s is refused, and is not told again', async (_what, headers, reason) => {
    await using one = await server()
    const answer = await one.call('/mine', { headers })
    expect(answer.status).toBe(401)
    expect(problem(answer)).toMatchObject({ code: 'unauthenticated', reason })
    expect(answer.text).not.toContain(writer.key.slice(4, -1))
  })

  test('a key that is removed is no longer accepted, and what is read by it ends', async () => {
    await using one = await server()
    const run = await one.open('/slow?format=sse', { headers: bearer(writer.key) })
    await run.until('begun')
    await one.write('streamstack.yaml', { log: { level: 'silent' }, ...settings({ reader: keys.reader }) })
    await run.until('unauthenticated')
    expect(run.text).not.toContain('late')
    expect((await one.call('/mine', { headers: bearer(writer.key) })).status).toBe(401)
    expect((await one.call('/mine?format=text', { headers: bearer(reader.key) })).text).toContain('key:reader')
  })

  test('beside tokens, and no token speaks for a key', async () => {
    await using one = await server(settings(keys, { secret: SECRET }))
    const token = (sub: string): Promise<string> =>
      new SignJWT({ sub })
        .setProtectedHeader({ alg: 'HS256' })
        .setExpirationTime('5m')
        .sign(new TextEncoder().encode(SECRET))
    expect((await one.call('/mine?format=text', { headers: bearer(await token('ann')) })).text).toContain('ann')
    expect(problem(await one.call('/mine', { headers: bearer('ssk_nope') }))['reason']).toBe('api_key')
    const posing = await one.call('/mine', { headers: bearer(await token('key:writer')) })
    expect([posing.status, problem(posing)['reason']]).toEqual([401, 'reserved_subject'])
    expect((await one.call('/mine?format=text', { headers: bearer(writer.key) })).text).toContain('key:writer')
  })

  test.each(['header', 'subprotocol', 'message'])(
    'open a WebSocket by %s, and one that is removed closes it',
    async (how) => {
      await using one = await server()
      const headers = how === 'header' ? bearer(writer.key) : {}
      const protocols = how === 'subprotocol' ? [WEBSOCKET_PROTOCOL, `${WEBSOCKET_TOKEN_PREFIX}${writer.key}`] : []
      await using socket = await openWebSocket(one.url, { headers, protocols })
      if (how === 'message') socket.send({ type: 'auth', token: writer.key })
      socket.send({ type: 'call', id: 'a', endpoint: 'GET /mine' })
      await socket.until(isEnd('a'))
      expect(contentsOf(socket.messages, 'a')).toEqual(['key:writer writer'])
      await one.write('streamstack.yaml', { log: { level: 'silent' }, ...settings({ reader: keys.reader }) })
      expect(await socket.closed).toMatchObject({ code: 4402 })
      expect(JSON.stringify(socket.messages)).not.toContain(writer.key)
    },
  )

  test('without a token or a key that could be checked, an endpoint says so for good; with keys, `check` warns of nothing', async () => {
    const files = {
      'endpoints/a.json': endpoint('/a', [send('a')], { settings: { authentication: true } }),
      'channels/c.json': { publish: 'token', subscribe: 'token' },
    }
    for (const [workspace, count] of [
      [{}, 2],
      [settings({ reader: keys.reader }), 0],
    ] as const) {
      await using dir = await tempWorkspace({ 'streamstack.yaml': workspace, ...files })
      const engine = await Engine.open({ dir: dir.dir, log: pino({ level: 'silent' }) })
      const warnings = engine.workspace.issues.map(({ message }) => message)
      await engine.close()
      expect(warnings.filter((message) => message.includes('wants a token'))).toHaveLength(count)
    }
    await using one = await testServer(files)
    for (const path of ['/a', '/v1/channels/c', '/v1/stream/system/metrics']) {
      const answer = await one.call(path)
      expect([answer.status, problem(answer)['recoverable'], answer.headers['retry-after']]).toEqual([
        503,
        false,
        undefined,
      ])
      expect(problem(answer)['detail']).toContain('`auth.keys`')
    }
  })

  test('the settings take hashes alone', async () => {
    const hash = createHash('sha256').update('x').digest('hex')
    const refused = [
      { a: { hash: writer.key } },
      { a: { hash } },
      { a: { hash: writer.hash, expires: '2027-02-31' } },
      { 'a b': { hash: writer.hash } },
    ]
    for (const wrong of refused) {
      await expect(server(settings(wrong))).rejects.toThrow(/auth\.keys/)
    }
  })
})
