import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type CryptoKey, type JWK, SignJWT, exportJWK, exportSPKI, generateKeyPair } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type TestServer, endpoint, send, testServer } from '@streamstack/test-support/test-server'
import { openWebSocket } from '@streamstack/test-support/websocket-client'
import { OWNER, SECRET, bearer, encoded, tokenOf } from './support/callers.ts'

interface Keys {
  readonly privateKey: CryptoKey
  readonly jwk: JWK
  readonly pem: string
}

/** An issuer that publishes keys, or an attacker that does the same elsewhere. Counts the requests. */
interface Issuer extends AsyncDisposable {
  readonly url: string
  readonly asked: number
}

async function issuer(keys: readonly JWK[]): Promise<Issuer> {
  let asked = 0
  const listening = createServer((_, response) => {
    asked++
    response.end(JSON.stringify({ keys }))
  })
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(listening.address() as AddressInfo).port}/keys.json`,
    get asked() {
      return asked
    },
    async [Symbol.asyncDispose]() {
      await new Promise((resolve) => listening.close(resolve))
    },
  }
}

async function keysOf(alg: string, kid?: string): Promise<Keys> {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true })
  const jwk = { ...(await exportJWK(publicKey)), alg, use: 'sig', ...(kid === undefined ? {} : { kid }) }
  return { privateKey, jwk, pem: await exportSPKI(publicKey) }
}

const CLAIMS = { sub: OWNER, roles: ['member'], scope: 'streams:read streams:write system:read' }

const signed = (header: object, { privateKey }: Keys, claims: object = CLAIMS): Promise<string> =>
  new SignJWT({ ...claims })
    .setProtectedHeader({ alg: 'RS256', ...header })
    .setExpirationTime('1h')
    .sign(privateKey)

let rsa: Keys
let ec: Keys
let foreign: Keys
let home: Issuer
let attacker: Issuer
let server: TestServer

beforeAll(async () => {
  ;[rsa, ec, foreign] = await Promise.all([keysOf('RS256', 'rsa-1'), keysOf('ES256', 'ec-1'), keysOf('RS256', 'rsa-1')])
  home = await issuer([rsa.jwk, ec.jwk])
  attacker = await issuer([foreign.jwk])
  server = await testServer({
    'streamstack.yaml': {
      auth: { jwt: { secret: SECRET, jwks_url: home.url } },
      outbound: { allow: [new URL(home.url).host] },
      channels: { token_in_url: true },
    },
    'endpoints/mine.json': endpoint('/mine', [send('secret of {{auth.sub}}')], { settings: { authentication: true } }),
    'channels/vault.yaml': { subscribe: { when: `{{auth?.sub}} === '${OWNER}'` }, history: { count: 1 } },
  })
})

afterAll(async () => {
  await server?.[Symbol.asyncDispose]()
  await home?.[Symbol.asyncDispose]()
  await attacker?.[Symbol.asyncDispose]()
})

/** Statuses of every door that a token opens; of the WebSocket its close code, or 101. */
async function doors(token: string): Promise<readonly number[]> {
  const headers = bearer(token)
  const paths = [
    '/mine',
    '/v1/runs',
    '/v1/channels/vault?format=json',
    '/metrics',
    '/v1/stream/system/metrics?offset=-1',
  ]
  const answers = await Promise.all(paths.map((path) => server.call(path, { headers })))
  const inUrl = await server.call(`/v1/channels/vault?format=json&access_token=${encodeURIComponent(token)}`)
  for (const { status, text } of [...answers, inUrl]) {
    if (status >= 400 && text.includes(OWNER)) throw new Error(`a refusal names the owner: ${text}`)
  }
  await using socket = await openWebSocket(server.url)
  socket.send({ type: 'auth', token })
  socket.send({ type: 'call', id: 'a', endpoint: 'GET /mine' })
  const outcome = await Promise.race([
    socket
      .until((message) => message.type === 'chunk')
      .then(
        () => 101,
        () => 0,
      ),
    socket.closed.then(({ code }) => code),
  ])
  const code = outcome === 0 ? (await socket.closed).code : outcome
  return [...answers.map(({ status }) => status), inUrl.status, code]
}

const OPEN = [200, 200, 200, 200, 200, 200, 101]
const CLOSED = [401, 401, 401, 401, 401, 401, 4401]

/** `{alg: HS256}` over what an attacker knows: a published key in each spelling. */
const hs = (secret: string, header: object = {}): string =>
  tokenOf({ header: { alg: 'HS256', ...header }, claims: CLAIMS, secret })

const unsigned = (alg: string): string => tokenOf({ header: { alg }, claims: CLAIMS }).replace(/[^.]*$/, '')

const withPayload = (token: string, payload: object): string => {
  const [header = '', , signature = ''] = token.split('.')
  return [header, encoded(payload), signature].join('.')
}

describe('a token', () => {
  test.each<[string, () => string | Promise<string>]>([
    ['of the secret', () => hs(SECRET)],
    ['of a published RSA key', () => signed({ kid: 'rsa-1' }, rsa)],
    ['of a published EC key', () => signed({ alg: 'ES256', kid: 'ec-1' }, ec)],
    ['without a key id', () => signed({}, rsa)],
    // What a header says of keys is not followed: a good signature stays good, and nothing is fetched.
    ['of a published key, that names another key set', () => signed({ kid: 'rsa-1', jku: attacker.url }, rsa)],
    ['of a published key, that names a certificate', () => signed({ kid: 'rsa-1', x5u: attacker.url }, rsa)],
    ['of the secret, whose key id is a path', () => hs(SECRET, { kid: '../../../../dev/null' })],
    ['with a large claim', () => tokenOf({ claims: { ...CLAIMS, note: 'x'.repeat(2_000) } })],
  ])('%s opens every door', async (_, make) => {
    expect(await doors(await make())).toEqual(OPEN)
    expect(attacker.asked).toBe(0)
  })

  test.each<[string, () => string | Promise<string>]>([
    ['without a signature', () => unsigned('none')],
    ['without a signature, in other letters', () => unsigned('nOnE')],
    ['whose algorithm is empty', () => unsigned('')],
    ['of HS256 without a signature', () => unsigned('HS256')],
    ['of RS256 without a signature', () => unsigned('RS256')],
    ['signed by the public key as PEM', () => hs(rsa.pem)],
    ['signed by the public key as PEM, trimmed', () => hs(rsa.pem.trim())],
    ['signed by the public key as JSON', () => hs(JSON.stringify(rsa.jwk))],
    ['signed by the modulus of the public key', () => hs(String(rsa.jwk.n))],
    ['signed by the public key of EC', () => hs(ec.pem, { kid: 'ec-1' })],
    ['signed by nothing', () => hs(' ', { kid: '/dev/null' })],
    ['of the secret that calls itself RS256', () => hs(SECRET, { alg: 'RS256', kid: 'rsa-1' })],
    ['of the secret that calls itself HS512', () => hs(SECRET, { alg: 'HS512' })],
    ['of a foreign key under the id of a published one', () => signed({ kid: 'rsa-1' }, foreign)],
    ['of a foreign key that it carries', () => signed({ kid: 'rsa-1', jwk: foreign.jwk }, foreign)],
    ['of a foreign key that it carries as a certificate', () => signed({ kid: 'rsa-1', x5c: ['MIIB'] }, foreign)],
    ['of a foreign key set', () => signed({ kid: 'rsa-1', jku: attacker.url }, foreign)],
    ['of a foreign certificate', () => signed({ kid: 'rsa-1', x5u: attacker.url }, foreign)],
    ['of a published key under the id of another', () => signed({ kid: 'ec-1' }, rsa)],
    ['whose key id is the prototype', () => signed({ kid: '__proto__' }, rsa)],
    ['whose key id is a path', () => signed({ kid: '../keys.json#rsa-1' }, rsa)],
    ['whose key id is a query', () => signed({ kid: "' OR 1=1 --" }, rsa)],
    ['of RSA that calls itself ES256', async () => swapped(await signed({ kid: 'rsa-1' }, rsa), { alg: 'ES256' })],
    ['with another payload', async () => withPayload(await signed({ kid: 'rsa-1' }, rsa), CLAIMS)],
    ['with a signature of zeros', () => hs(SECRET).replace(/[^.]*$/, 'A'.repeat(43))],
    ['with a signature cut by one', () => hs(SECRET).slice(0, -1)],
    ['with a critical header', () => hs(SECRET, { crit: ['exp'], exp: 1 })],
    ['with a payload that is not encoded', () => hs(SECRET, { b64: false, crit: ['b64'] })],
    ['that has expired', () => tokenOf({ claims: CLAIMS, expiresInSeconds: -60 })],
    ['that never expires by a text', () => tokenOf({ claims: { ...CLAIMS, exp: '9999999999' } })],
    ['that expires at infinity', () => tokenOf({ claims: CLAIMS }).replace(/\..*\./, `.${overflowing()}.`)],
    ['of the future', () => tokenOf({ claims: { ...CLAIMS, nbf: Date.now() } })],
    ['with five parts', () => `${hs(SECRET)}.a.b`],
    ['with a blank in it', () => hs(SECRET).replace('.', ' .')],
    ['twice', () => `${hs(SECRET)}, Bearer ${hs(SECRET)}`],
    ['in a JSON form', () => JSON.stringify({ token: hs(SECRET) })],
  ])('%s opens none', async (_, make) => {
    const statuses = await doors(await make())
    // An expired one may come back with a fresh one (4402).
    expect(statuses.map((status) => (status === 4402 ? 4401 : status))).toEqual(CLOSED)
    expect(attacker.asked).toBe(0)
  })

  test('larger than any header is refused, and others are served meanwhile', async () => {
    const large = tokenOf({ claims: { ...CLAIMS, note: 'x'.repeat(700_000) }, secret: 'another' })
    const [refused, twin] = await Promise.all([
      server.call('/mine', { headers: bearer(large) }),
      server.call('/mine?format=text', { headers: bearer(hs(SECRET)) }),
    ])
    expect([refused.status, twin.text]).toEqual([431, `secret of ${OWNER}`])
    await using socket = await openWebSocket(server.url)
    socket.send({ type: 'auth', token: large })
    expect(await socket.closed).toMatchObject({ code: 4401 })
  })
})

describe('an Authorization header', () => {
  const good = (): string => `Bearer ${hs(SECRET)}`

  test.each<[string, () => string, number]>([
    ['of a token', good, 200],
    ['in small letters', () => good().replace('Bearer', 'bearer'), 200],
    ['with a good token behind a bad one', () => `Bearer x.y.z, ${good()}`, 401],
    ['with a bad token behind a good one', () => `${good()}, Bearer x.y.z`, 401],
    ['with the token as Basic', () => good().replace('Bearer', 'Basic'), 401],
    ['with the token as a name of Basic', () => `Basic ${Buffer.from(`${hs(SECRET)}:`).toString('base64')}`, 401],
    ['without a scheme', () => hs(SECRET), 401],
    ['with the scheme twice', () => `Bearer ${good()}`, 401],
    ['with parameters', () => `${good()}; charset=utf-8`, 401],
  ])('%s', async (_, make, status) => {
    expect((await server.call('/mine', { headers: { Authorization: make() } })).status).toBe(status)
  })

  test.each<[string, Record<string, string>]>([
    ['a cookie', { Cookie: `token=TOKEN; access_token=TOKEN` }],
    ['X-Authorization', { 'X-Authorization': 'Bearer TOKEN' }],
    ['Proxy-Authorization', { 'Proxy-Authorization': 'Bearer TOKEN' }],
    ['X-Forwarded-User', { 'X-Forwarded-User': OWNER, 'X-Remote-User': OWNER }],
  ])('is not stood in for by %s', async (_, headers) => {
    const filled = Object.entries(headers).map(([name, value]) => [name, value.replaceAll('TOKEN', hs(SECRET))])
    const answer = await server.call('/mine', { headers: Object.fromEntries(filled) as Record<string, string> })
    expect(answer.status).toBe(401)
  })
})

/** The same token under another header. */
function swapped(token: string, header: object): string {
  return token.replace(/^[^.]*/, encoded(header))
}

function overflowing(): string {
  return Buffer.from(`{"sub":"${OWNER}","exp":1e999}`).toString('base64url')
}
