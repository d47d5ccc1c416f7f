import { SignJWT } from 'jose'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Engine } from '../engine/index.ts'
import { withEnoughTime } from '@streamstack/test-support/enough-time'
import { closedGate } from '@streamstack/test-support/gate'
import { type Answer, problem } from '@streamstack/test-support/http-client'
import { tempWorkspace } from '@streamstack/test-support/temp-workspace'
import { type TestServer, endpoint, send, testServer } from '@streamstack/test-support/test-server'
import { isEnd, openWebSocket } from '@streamstack/test-support/websocket-client'

const SECRET = 'a-secret-for-tests-that-is-long-enough'

async function tokenOf(claims: Readonly<Record<string, unknown>>, expires: string | number = '5m'): Promise<string> {
  const token = new SignJWT({ ...claims }).setProtectedHeader({ alg: 'HS256' }).setExpirationTime(expires)
  return token.sign(new TextEncoder().encode(SECRET))
}

const bearer = (token: string): { headers: Record<string, string> } => ({
  headers: { Authorization: `Bearer ${token}` },
})

const inputs = { team: { type: 'text', required: true }, count: { type: 'integer', default: 1 } }

const files = {
  'streamstack.yaml': { auth: { jwt: { secret: SECRET, clock_tolerance: '0s' } } },
  'endpoints/team.json': endpoint('/team', [send('of {{team}}')], {
    inputs,
    settings: { allow: '{{auth.teams.includes(team)}}' },
  }),
  'endpoints/both.json': endpoint('/both', [send('both')], {
    inputs,
    settings: { roles: ['editor'], allow: "{{auth.tier}} === 'pro' || {{input.count}} <= 10" },
  }),
  'endpoints/open.json': endpoint('/open', [send('open')], {
    inputs,
    settings: {
      authentication: false,
      allow: '{{count}} <= 10',
      rate_limit: { calls: 3, per: '1h', by: 'input.team' },
    },
  }),
  'endpoints/closed.json': endpoint('/closed', [send('closed')], { settings: { allow: false } }),
}

let server: TestServer
beforeAll(async () => {
  server = await testServer(files)
})
afterAll(async () => server.close())

const answerOf = ({ status, text }: Answer): string => (status === 200 ? text.trim() : String(status))
const get = async (path: string, claims: object | null): Promise<string> =>
  answerOf(await server.call(path, claims === null ? {} : bearer(await tokenOf(claims as Record<string, unknown>))))

describe('a rule over the caller and the inputs', () => {
  test.each<[string, string, object | null, string]>([
    ['a team of the caller', '/team?team=red', { teams: ['red', 'blue'] }, 'of red'],
    ['another team', '/team?team=green', { teams: ['red', 'blue'] }, '403'],
    ['a text that only contains the team', '/team?team=re', { teams: ['red'] }, '403'],
    ['a token without the claim, where the expression fails', '/team?team=red', { sub: 'ann' }, '403'],
    ['a claim of another type', '/team?team=red', { teams: { includes: true } }, '403'],
    ['no token', '/team?team=red', null, '401'],
    ['an input that is not valid, which is told first', '/team', { teams: ['red'] }, '400'],
    ['a role and a small number', '/both?team=a&count=10', { roles: ['editor'] }, 'both'],
    ['a role and a number that only some may ask for', '/both?team=a&count=11', { roles: ['editor'] }, '403'],
    ['the same as one of those', '/both?team=a&count=11', { roles: ['editor'], tier: 'pro' }, 'both'],
    ['one of those without the role', '/both?team=a', { tier: 'pro' }, '403'],
    ['nobody', '/closed', { roles: ['admin'] }, '403'],
    ['anyone, by the inputs alone', '/open?team=a&count=10', null, 'open'],
    ['anyone, with inputs that are not allowed', '/open?team=a&count=11', null, '403'],
  ])('%s', async (_what, path, claims, expected) => {
    expect(await get(path, claims)).toBe(expected)
  })

  test('says nothing about itself', async () => {
    const refused = await server.call('/team?team=green', bearer(await tokenOf({ teams: ['red'] })))
    expect(problem(refused)['code']).toBe('forbidden')
    expect(refused.text).not.toMatch(/includes|teams|red/)
  })

  test('is asked over the WebSocket, too', async () => {
    await using socket = await openWebSocket(server.url, bearer(await tokenOf({ teams: ['red'] })))
    socket.send({ type: 'call', id: 'a', endpoint: 'GET /team', inputs: { team: 'green' } })
    expect(await socket.until(({ type }) => type === 'error')).toMatchObject({ id: 'a', error: { code: 'forbidden' } })
    socket.send({ type: 'call', id: 'b', endpoint: 'GET /team', inputs: { team: 'red' } })
    await socket.until(isEnd('b'))
  })

  test('a refused call counts against no limit', async () => {
    for (let count = 0; count < 5; count++) expect(await get('/open?team=limited&count=11', null)).toBe('403')
    expect(await get('/open?team=limited&count=1', null)).toBe('open')
  })

  test.each<[string, object, RegExp]>([
    ['an unknown name', { allow: '{{user.id}} === 1' }, /^endpoints\/a\.json:\d+:\d+ .*'user'/],
    ['an unknown input', { allow: '{{tema}} === 1' }, /'tema'/],
    ['a list', { allow: ['auth'] }, /A condition is true, false, or text/],
    [
      'auth where no token is read',
      { authentication: false, allow: "{{auth.sub}} === 'a'" },
      /`authentication: false`/,
    ],
    ['a misspelt key', { alow: 'true' }, /Did you mean `allow`\?/],
  ])('%s is a fault with its place', async (_what, settings, message) => {
    await using workspace = await tempWorkspace({
      'endpoints/a.json': endpoint('/a', [send('a')], { inputs, settings }),
      'endpoints/b.json': endpoint('/b', [send('b')]),
    })
    const engine = await Engine.open({ dir: workspace.dir, log: pino({ level: 'silent' }) })
    const errors = engine.workspace.issues.filter(({ severity }) => severity === 'error')
    await engine.close()
    expect(
      errors.map(({ message: text, position }) => `${position.file}:${position.line}:${position.column} ${text}`),
    ).toEqual([expect.stringMatching(message)])
  })
})

describe('a token that expires while a run is read', () => {
  test.each(['finish', 'end'])('auth.on_expiry: %s', async (policy) => {
    await using gate = await closedGate()
    await using one = await testServer({
      'streamstack.yaml': {
        auth: { jwt: { secret: SECRET, clock_tolerance: '0s' }, on_expiry: policy },
        outbound: { allow: [gate.host] },
      },
      'endpoints/slow.json': endpoint('/slow', [send('begun'), gate.step, send('late')], {
        settings: { authentication: true, on_disconnect: 'continue' },
      }),
    })
    const { stream, short } = await withEnoughTime(async (seconds) => {
      const soon = bearer(await tokenOf({ sub: 'ann' }, Math.floor(Date.now() / 1_000) + seconds))
      const open = await one.open('/slow?format=sse', soon)
      expect(open.status).toBe(200)
      return { stream: open, short: soon }
    })
    const url = String(stream.headers['stream-url'])
    await expect.poll(async () => (await one.call(url, { ...short, method: 'HEAD' })).status).toBe(401)
    if (policy === 'end') await stream.ended
    gate.open()
    const { text } = await stream.ended
    expect(text.includes('late')).toBe(policy === 'finish')
    expect(text.includes('"code":"unauthenticated"')).toBe(policy === 'end')
    const fresh = bearer(await tokenOf({ sub: 'ann' }))
    expect((await one.call(`${url}?format=text`, fresh)).text).toBe('begunlate')
  })
})
