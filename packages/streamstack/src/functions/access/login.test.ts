import { type KeyObject, createHmac, generateKeyPairSync } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hashPassword, verifyPassword } from '../../access/index.ts'
import { type Answer, problem } from '@streamstack/test-support/http-client'
import { type TestServer, endpoint, send, testServer } from '@streamstack/test-support/test-server'

const SECRET = 'a-secret-for-tests-that-is-long-enough'
const PASSWORD = 'correct horse battery staple'

let server: TestServer
beforeAll(async () => {
  const examples = ['endpoints/register.yaml', 'endpoints/login.yaml', 'endpoints/me.yaml', 'tables/users.yaml']
  const files = await Promise.all(
    examples.map(async (name) => [
      name,
      await readFile(new URL(`../../../../../examples/${name}`, import.meta.url), 'utf8'),
    ]),
  )
  server = await testServer({
    'streamstack.yaml': { auth: { jwt: { secret: SECRET, issuer: 'us', audience: 'app', role_claim: 'app.roles' } } },
    ...(Object.fromEntries(files) as Record<string, string>),
    'endpoints/token.json': endpoint(
      '/token',
      [
        {
          function: 'Create Token',
          subject: '{{subject}}',
          roles: '{{roles}}',
          scopes: '{{scopes}}',
          claims: '{{claims}}',
          expires_in: '{{expires}}',
        },
        { function: 'Response', content: '{{token}}' },
      ],
      {
        method: 'POST',
        inputs: {
          subject: { type: 'any', default: 'ann' },
          roles: { type: 'any' },
          scopes: { type: 'any' },
          claims: { type: 'any' },
          expires: { type: 'any', default: '1h' },
        },
      },
    ),
    'endpoints/claims.json': endpoint('/claims', [send('{{auth}}')], { settings: { authentication: true } }),
  })
})
afterAll(async () => server.close())

const post = (path: string, body: object): Promise<Answer> => server.call(path, { body })
const tokenIn = (answer: Answer): string => (JSON.parse(answer.text) as { token: string }).token
const bearer = (token: string): { headers: Record<string, string> } => ({
  headers: { Authorization: `Bearer ${token}` },
})

describe('the login example', () => {
  test('registers, logs in, and knows who calls', async () => {
    const made = await post('/api/register', { email: 'Ada@Example.com', name: 'Ada', password: PASSWORD })
    expect(made.status).toBe(201)
    const login = await post('/api/login', { email: 'ada@example.com', password: PASSWORD })
    expect(login.status).toBe(200)
    for (const token of [tokenIn(made), tokenIn(login)]) {
      const me = await server.call('/api/me', bearer(token))
      expect(JSON.parse(me.text)).toEqual({
        id: 1,
        email: 'ada@example.com',
        name: 'Ada',
        created_at: expect.any(String),
      })
      expect(me.text).not.toContain('argon2')
    }
    expect(made.text + login.text).not.toContain('argon2')
  })

  test('answers a wrong password as an unknown address', async () => {
    const wrong = await post('/api/login', { email: 'ada@example.com', password: 'wrong' })
    const unknown = await post('/api/login', { email: 'eve@example.com', password: PASSWORD })
    expect([wrong.status, problem(wrong)['code']]).toEqual([401, 'login_failed'])
    const { run: _first, ...first } = problem(wrong)
    const { run: _second, ...second } = problem(unknown)
    expect(first).toEqual(second)
  })

  test('takes an address once, and no short password', async () => {
    const twice = await post('/api/register', { email: 'ADA@example.com', name: 'Eve', password: PASSWORD })
    expect([twice.status, problem(twice)['code']]).toEqual([409, 'record_conflict'])
    expect((await post('/api/register', { email: 'b@example.com', name: 'Bob', password: 'short' })).status).toBe(400)
  })

  test('lets one address try a few times only', async () => {
    const statuses: number[] = []
    for (let count = 0; count < 12; count++) {
      statuses.push((await post('/api/login', { email: 'ada@example.com', password: 'guess' })).status)
    }
    expect(statuses.at(-1)).toBe(429)
  })
})

describe('Create Token', () => {
  test('makes what this workspace accepts, with its issuer, audience and role claim', async () => {
    const made = await post('/token', {
      subject: 7,
      roles: ['editor', 'billing admin'],
      scopes: ['notes:read', 'notes:write'],
      claims: { team: 'red', nested: { deep: [1] } },
    })
    const answer = await server.call('/claims?format=lines', bearer(made.text))
    const { iat, exp, ...claims } = JSON.parse(answer.text) as Record<string, number>
    expect(claims).toEqual({
      sub: '7',
      iss: 'us',
      aud: ['app'],
      'app.roles': ['editor', 'billing admin'],
      scope: 'notes:read notes:write',
      roles: ['editor', 'billing admin'],
      scopes: ['notes:read', 'notes:write'],
      team: 'red',
      nested: { deep: [1] },
    })
    expect((exp ?? 0) - (iat ?? 0)).toBe(3600)
  })

  test.each<[string, object]>([
    ['no subject', { subject: '' }],
    ['blanks', { subject: '  ' }],
    ['the subject of an API key', { subject: 'key:n8n' }],
    ['an object as subject', { subject: { a: 1 } }],
    ['roles that are objects', { roles: [{ a: 1 }] }],
    ['claims that are a list', { claims: [1] }],
    ['another subject among the claims', { claims: { sub: 'bob' } }],
    ['another expiry among the claims', { claims: { exp: 9_999_999_999 } }],
    ['roles among the claims', { claims: { roles: ['admin'] } }],
    ['roles by the role claim', { claims: { app: { roles: ['admin'] } } }],
    ['scopes among the claims', { claims: { permissions: ['all'] } }],
    ['claims that fit no header', { claims: { text: 'x'.repeat(5_000) } }],
    ['an expiry in the past', { expires: '-1h' }],
    ['an expiry of centuries', { expires: '100000d' }],
  ])('refuses %s', async (_what, body) => {
    const answer = await post('/token', body)
    expect(answer.status).toBeGreaterThanOrEqual(400)
    expect(answer.text).not.toMatch(/eyJ/)
  })

  test('is refused where the workspace has no secret, and check says so', async () => {
    await using none = await testServer({
      'endpoints/a.json': endpoint('/a', [{ function: 'Create Token', subject: 'ann' }, send('{{token}}')]),
    })
    const answer = await none.call('/a')
    expect([answer.status, problem(answer)['code'], problem(answer)['recoverable']]).toEqual([
      503,
      'unavailable',
      false,
    ])
  })
})

describe('passwords', () => {
  test.each([
    ['no hash', null],
    ['text', 'hunter2'],
    ['the password itself', PASSWORD],
    ['another algorithm', '$argon2i$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$c29tZWhhc2hzb21laGFzaA'],
    ['bcrypt', '$2b$12$abcdefghijklmnopqrstuuWzK1hYyF0b4cJ1mY1m9nV1u8m1m1m1m'],
    ['too much memory', '$argon2id$v=19$m=9999999,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$c29tZWhhc2hzb21laGFzaA'],
    ['too many passes', '$argon2id$v=19$m=64,t=999,p=1$c29tZXNhbHRzb21lc2FsdA$c29tZWhhc2hzb21laGFzaA'],
    ['no memory', '$argon2id$v=19$m=0,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$c29tZWhhc2hzb21laGFzaA'],
    ['no lanes', '$argon2id$v=19$m=64,t=1,p=0$c29tZXNhbHRzb21lc2FsdA$c29tZWhhc2hzb21laGFzaA'],
    ['an empty hash', '$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$'],
  ])('%s fits no password', async (_what, hash) => {
    expect(await verifyPassword(PASSWORD, hash)).toBe(false)
  })

  test('fit their hash however they are composed, and no other', async () => {
    const hash = await hashPassword('Gr\u00fc\u00dfe \u212b')
    expect(hash).not.toBe(await hashPassword('Gr\u00fc\u00dfe \u212b'))
    expect(await verifyPassword('Gru\u0308\u00dfe \u00c5', hash)).toBe(true)
    expect(await verifyPassword('Gr\u00fc\u00dfe \u212b ', hash)).toBe(false)
    const long = 'x'.repeat(1_024)
    const ofLong = await hashPassword(long)
    expect(await verifyPassword(long, ofLong)).toBe(true)
    expect(await verifyPassword(`${long}x`, ofLong)).toBe(false)
    await expect(hashPassword(`${long}x`)).rejects.toMatchObject({ code: 'input_invalid' })
  })

  test('that come all at once wait, up to a bound, and the server answers others meanwhile', async () => {
    const hash = '$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$c29tZWhhc2hzb21laGFzaA'
    const all = Array.from({ length: 150 }, () => verifyPassword('x', hash).catch((error: unknown) => error))
    expect((await server.call('/healthz')).status).toBe(200)
    const answers = await Promise.all(all)
    expect(answers.filter((answer) => answer === false)).toHaveLength(102)
    expect(answers.filter((answer) => answer !== false)[0]).toMatchObject({ code: 'unavailable', status: 503 })
    expect(await verifyPassword('x', hash)).toBe(false)
  })
})

describe('a workspace that signs with a private key', () => {
  const files = (jwt: object): Record<string, unknown> => ({
    'streamstack.yaml': { env: ['JWT_KEY'], auth: { jwt }, outbound: { allow: ['127.0.0.1'] } },
    'endpoints/token.json': endpoint('/token', [
      { function: 'Create Token', subject: 'ann', roles: ['editor'] },
      { function: 'Response', content: '{{token}}' },
    ]),
    'endpoints/me.json': endpoint('/me', [send('{{auth.sub}}')], { settings: { authentication: true } }),
  })

  test.each([
    ['RSA', () => generateKeyPairSync('rsa', { modulusLength: 2048 })],
    ['P-256', () => generateKeyPairSync('ec', { namedCurve: 'P-256' })],
    ['Ed25519', () => generateKeyPairSync('ed25519')],
  ] as const)(
    '%s: accepts its tokens, as do servers that read its key set; altered and confused ones are refused',
    async (_, make) => {
      const pair: { privateKey: KeyObject; publicKey: KeyObject } = make()
      await using signing = await testServer({
        ...files({ private_key: '{{env.JWT_KEY}}', issuer: 'us' }),
        '.env': 'JWT_KEY_FILE=jwt.pem\n',
        'jwt.pem': pair.privateKey.export({ format: 'pem', type: 'pkcs8' }),
      })
      await using other = await testServer({ ...files({ jwks_url: `${signing.url}/v1/jwks.json`, issuer: 'us' }) })
      const token = (await signing.call('/token')).text
      for (const server of [signing, other]) {
        const answer = await server.call('/me?format=text', bearer(token))
        expect([answer.status, answer.text]).toEqual([200, 'ann'])
      }
      const [header = '', payload = '', signature = ''] = token.split('.')
      const eve = Buffer.from(Buffer.from(payload, 'base64url').toString().replace('ann', 'eve')).toString('base64url')
      const input = `${Buffer.from('{"alg":"HS256","typ":"JWT"}').toString('base64url')}.${eve}`
      const pem = pair.publicKey.export({ format: 'pem', type: 'spki' })
      const confused = `${input}.${createHmac('sha256', pem).update(input).digest('base64url')}`
      for (const server of [signing, other]) {
        for (const [forged, reason] of [
          [`${header}.${eve}.${signature}`, 'signature'],
          [confused, 'algorithm'],
        ] as const) {
          const answer = await server.call('/me', bearer(forged))
          expect([answer.status, problem(answer)['reason']]).toEqual([401, reason])
        }
      }
      // The set has the public half alone.
      const keySet = await signing.call('/v1/jwks.json')
      expect(keySet.text).not.toMatch(/"(?:d|p|q)":/)
      expect((await other.call('/v1/jwks.json')).text).toBe('{"keys":[]}')
    },
  )
})
