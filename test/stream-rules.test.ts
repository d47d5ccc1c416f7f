import { SignJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type CallOptions, problem } from '@streamstack/test-support/http-client'
import { type TestServer, endpoint, send, testServer } from '@streamstack/test-support/test-server'
import { isEnd, openWebSocket } from '@streamstack/test-support/websocket-client'

const SECRET = 'a-secret-for-tests-that-is-long-enough'

async function as(sub: string, ...roles: readonly string[]): Promise<Record<string, string>> {
  const token = new SignJWT({ sub, roles, scope: 'streams:read streams:write' })
    .setProtectedHeader({ alg: 'HS256' })
    .setExpirationTime('5m')
  return { Authorization: `Bearer ${await token.sign(new TextEncoder().encode(SECRET))}` }
}

const settings = (allow: string): object => ({
  auth: { jwt: { secret: SECRET } },
  streams: { log: 'memory', allow },
})

const files = {
  'streamstack.yaml': settings("auth.roles.includes('admin') || stream.startsWith('users/' + auth.sub + '/')"),
  'endpoints/helped.json': endpoint('/helped', [send('of {{auth.sub}}'), { function: 'Sleep', duration: 60_000 }], {
    settings: { allow_read: "{{auth.roles.includes('support')}} && {{owner}} !== 'boss'" },
  }),
  'endpoints/private.json': endpoint('/private', [send('private')], { settings: { authentication: true } }),
}

let server: TestServer
beforeAll(async () => {
  server = await testServer(files, { watch: true })
})
afterAll(async () => server.close())

const root = '/v1/stream/'

describe('streams by name with a rule', () => {
  const status = async (path: string, headers: Record<string, string>, more: CallOptions = {}): Promise<number> =>
    (await server.call(root + path, { ...more, headers: { ...more.headers, ...headers } })).status

  test('are read and written by those whom it lets in', async () => {
    const [ann, bob, admin] = [await as('ann'), await as('bob'), await as('eve', 'admin')]
    const make = { method: 'PUT', headers: { 'Content-Type': 'application/json' } }
    const append = { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: { a: 1 } }
    expect(await status('users/ann/notes', ann, make)).toBe(201)
    expect(await status('users/ann/notes', ann, append)).toBe(204)
    for (const [path, headers] of [
      ['users/ann/notes', bob],
      ['users/ann%2Fnotes', bob],
      ['users/anna/notes', ann],
      ['other', ann],
    ] as const) {
      for (const more of [{}, { method: 'HEAD' }, make, append, { method: 'DELETE' }]) {
        expect([path, await status(path, headers, more)]).toEqual([path, 403])
      }
    }
    expect(await status('users/ann/notes?offset=-1', ann)).toBe(200)
    expect(await status('users/ann/notes?offset=-1&live=long-poll', bob)).toBe(403)
    expect(await status('users/ann/notes?offset=-1', admin)).toBe(200)
    expect(await status('other', admin)).toBe(404)
  })

  test('are forked from by those who may read them', async () => {
    const [ann, bob] = [await as('ann'), await as('bob')]
    const make = { method: 'PUT', headers: { 'Content-Type': 'application/json' } }
    await status('users/ann/origin', ann, make)
    const fork = { method: 'PUT', headers: { 'Stream-Forked-From': '/v1/stream/users/ann/origin' } }
    expect(await status('users/bob/copy', bob, fork)).toBe(403)
    expect(await status('users/ann/copy', ann, fork)).toBe(201)
  })

  test('are subscribed to by those who may do everything', async () => {
    const body = { type: 'pull-wake', pattern: 'users/**', wake_stream: 'users/bob/wake' }
    const path = '__ds/subscriptions/all'
    for (const more of [{ method: 'PUT', body }, { method: 'GET' }, { method: 'DELETE' }] as const) {
      expect(await status(path, await as('bob'), more)).toBe(403)
    }
    expect(await status(`${path}/claim`, await as('bob'), { method: 'POST', body: { worker: 'w' } })).toBe(403)
    expect(await status(path, await as('eve', 'admin'))).toBe(404)
  })

  test('are read over the WebSocket by the same rule', async () => {
    await using socket = await openWebSocket(server.url, { headers: await as('bob') })
    socket.send({ type: 'read', id: 'a', stream: '/v1/stream/users/ann/notes' })
    expect(await socket.until(({ type }) => type === 'error')).toMatchObject({ id: 'a', error: { code: 'forbidden' } })
  })

  test('end for readers whom another rule shuts out', async () => {
    const ann = await as('ann')
    await using one = await testServer({ ...files }, { watch: true })
    await one.call(`${root}users/ann/live`, { method: 'PUT', headers: { ...ann, 'Content-Type': 'text/plain' } })
    const reader = await one.open(`${root}users/ann/live?offset=-1&live=sse`, { headers: ann })
    await reader.until('control')
    await one.write('streamstack.yaml', { log: { level: 'silent' }, ...settings("act === 'write'") })
    const read = async (): Promise<number> =>
      (await one.call(`${root}users/ann/live?offset=-1`, { headers: ann })).status
    await expect.poll(read).toBe(403)
    await one.call(`${root}users/ann/live`, {
      method: 'POST',
      headers: { ...ann, 'Content-Type': 'text/plain' },
      body: 'late',
    })
    expect(reader.text).not.toContain('late')
    reader.leave()
  })
})

describe('runs with allow_read', () => {
  test('are read by those whom it lets in, and cancelled by their owner alone', async () => {
    const run = await server.open('/helped?format=sse', { headers: await as('ann') })
    await run.until('of ann')
    const url = String(run.headers['stream-url'])
    const id = String(run.headers['stream-run'])
    const [support, other] = [await as('sue', 'support'), await as('bob')]
    const helper = await server.open(`${url}?format=sse`, { headers: support })
    await helper.until('of ann')
    expect((await server.call(`/v1/runs/${id}`, { headers: support })).status).toBe(200)
    for (const [path, method, headers] of [
      [url, 'GET', other],
      [url, 'GET', {}],
      [`/v1/runs/${id}`, 'GET', other],
      [`/v1/runs/${id}/cancel`, 'POST', support],
    ] as const) {
      const answer = await server.call(path, { method, headers })
      expect([path, answer.status, problem(answer)['code']]).toEqual([path, 404, 'run_unknown'])
    }
    await using socket = await openWebSocket(server.url, { headers: support })
    socket.send({ type: 'read', id: 'a', stream: url }, { type: 'cancel', id: 'a' })
    expect(await socket.until(({ type }) => type === 'error')).toMatchObject({ error: { code: 'message_invalid' } })
    expect((await server.call(`/v1/runs/${id}/cancel`, { method: 'POST', headers: await as('ann') })).status).toBe(202)
    await helper.ended
    run.leave()
  })

  test('stay closed where the rule does not hold, and where there is none', async () => {
    const support = await as('sue', 'support')
    const boss = await server.open('/helped?format=sse', { headers: await as('boss') })
    await boss.until('of boss')
    const own = await server.call('/private', { headers: await as('ann') })
    for (const url of [boss.headers['stream-url'], own.headers['stream-url']]) {
      expect((await server.call(String(url), { headers: support })).status).toBe(404)
    }
    boss.leave()
  })

  test('are read over the WebSocket without a right to end them', async () => {
    const own = await server.open('/helped?format=sse', { headers: await as('ann') })
    await own.until('of ann')
    await using socket = await openWebSocket(server.url, { headers: await as('sue', 'support') })
    socket.send({ type: 'read', id: 'r', stream: String(own.headers['stream-url']) })
    await socket.until((message) => message.type === 'chunk' && message.id === 'r')
    await server.call(`/v1/runs/${String(own.headers['stream-run'])}/cancel`, {
      method: 'POST',
      headers: await as('ann'),
    })
    await socket.until(isEnd('r'))
    own.leave()
  })
})
