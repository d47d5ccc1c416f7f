import { type KeyObject, createHmac, createPublicKey, createSecretKey, generateKeyPairSync } from 'node:crypto'
import { StreamstackError } from '@streamstack/protocol'
import * as fc from 'fast-check'
import {
  calculateJwkThumbprint,
  decodeJwt,
  decodeProtectedHeader,
  exportJWK,
  exportSPKI,
  generateKeyPair,
  SignJWT,
} from 'jose'
import type { CryptoKey, JWTPayload } from 'jose'
import { describe, expect, test } from 'vitest'
import { challengeHeader, createTokenVerifier, makeToken, ownSigner, publishedKeys } from './index.ts'
import { acceptIssuers } from './verify-token.ts'
import type { TokenSettings } from './index.ts'

const secret = 'a secret that is long enough for HS256'
const base: TokenSettings = {
  secret: null,
  privateKey: null,
  keyId: null,
  publicKeys: [],
  jwksUrl: null,
  issuers: null,
  audience: null,
  algorithms: null,
  roleClaim: null,
  clockToleranceSeconds: 0,
  requireExp: false,
  maxAgeSeconds: null,
}
const bySecret: TokenSettings = { ...base, secret }
const byKeySet: TokenSettings = { ...base, jwksUrl: 'https://login.example.com/jwks.json' }
const now = Math.floor(Date.now() / 1000)
const inAnHour = Math.floor(Date.now() / 1000) + 3600

async function failure(promise: Promise<unknown>): Promise<StreamstackError> {
  const thrown = await promise.then(
    () => 'nothing was thrown',
    (error: unknown) => error,
  )
  if (!(thrown instanceof StreamstackError)) throw new Error(`expected a StreamstackError, got ${String(thrown)}`)
  return thrown
}

function encode(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url')
}

/** Signs by hand what jose refuses to sign. */
function forge(header: object, payload: object, key: string): string {
  const input = `${encode(header)}.${encode(payload)}`
  return `${input}.${createHmac('sha256', key).update(input).digest('base64url')}`
}

function sign(payload: JWTPayload, header: { alg: string; kid?: string }, key: CryptoKey): Promise<string> {
  return new SignJWT(payload).setProtectedHeader(header).sign(key)
}

async function keyPair(alg: string, kid?: string) {
  const pair = await generateKeyPair(alg, { extractable: true })
  return { ...pair, jwk: { ...(await exportJWK(pair.publicKey)), alg, ...(kid !== undefined && { kid }) } }
}

describe('tokens signed with a secret', () => {
  test('a made token gives frozen claims with roles and scopes', async () => {
    const token = await makeToken({
      secret,
      sub: 'ann',
      roles: ['editor', 'admin'],
      expiresSeconds: 60,
      claims: { scope: 'read write', sub: 'mallory', team: { id: 7 } },
    })
    const { claims } = await createTokenVerifier(bySecret).verify(`Bearer ${token}`)
    expect(claims).toMatchObject({ sub: 'ann', roles: ['editor', 'admin'], scopes: ['read', 'write'], team: { id: 7 } })
    expect(Object.isFrozen(claims)).toBe(true)
    expect(Object.isFrozen(claims['team'])).toBe(true)
    expect(() => structuredClone(claims)).not.toThrow()
  })

  test.each([
    ['one text', { role: 'editor' }, null, ['editor']],
    ['both spellings', { role: 'a', roles: ['b', 'a'] }, null, ['b', 'a']],
    ['a way inwards', { realm_access: { roles: ['x'] }, roles: ['not this'] }, 'realm_access.roles', ['x']],
    ['a name with dots', { 'https://e.com/roles': ['x', 'y z'] }, 'https://e.com/roles', ['x', 'y z']],
    ['a text with blanks, which is one', { role: 'billing admin' }, null, ['billing admin']],
    ['a text with commas, which is one', { app: { role: 'a,admin' } }, 'app.role', ['a,admin']],
    ['nothing', { sub: 'ann' }, null, []],
    ['what is no role', { roles: [1, null, { a: 1 }, ''] }, null, []],
    ['an inherited name', { sub: 'ann' }, 'toString', []],
  ])('roles are read from %s', async (_name, payload, roleClaim, roles) => {
    const token = forge({ alg: 'HS256' }, payload, secret)
    const { claims } = await createTokenVerifier({ ...bySecret, roleClaim }).verify(`bearer  ${token}`)
    expect(claims.roles).toEqual(roles)
  })

  const faults: [string, string | undefined, string, Partial<TokenSettings>?][] = [
    ['no header', undefined, 'missing'],
    ['an empty header', ' ', 'missing'],
    ['another scheme', 'Basic YTpi', 'malformed'],
    ['an API key as Basic', `Basic ${btoa(`n8n:ssk_${'a'.repeat(43)}`)}`, 'api_key'],
    ['no token after the scheme', 'Bearer', 'malformed'],
    ['no JWT', 'Bearer abc', 'malformed'],
    ['rubbish in three parts', 'Bearer a.b.c', 'malformed'],
    ['two tokens', 'Bearer a.b.c, Bearer d.e.f', 'malformed'],
    ['five parts', 'Bearer a.b.c.d.e', 'malformed'],
    ['another secret', `Bearer ${forge({ alg: 'HS256' }, {}, 'x'.repeat(40))}`, 'signature'],
    ['alg none', `Bearer ${forge({ alg: 'none' }, { sub: 'ann' }, secret).replace(/[^.]*$/, '')}`, 'algorithm'],
    ['alg None', `Bearer ${forge({ alg: 'None' }, { sub: 'ann' }, secret)}`, 'algorithm'],
    ['no alg', `Bearer ${forge({}, {}, secret)}`, 'algorithm'],
    ['an alg that is not listed', `Bearer ${forge({ alg: 'HS512' }, {}, secret)}`, 'algorithm'],
    ['an expired token', `Bearer ${forge({ alg: 'HS256' }, { exp: 1 }, secret)}`, 'expired'],
    [
      'an expired token with a wrong signature',
      `Bearer ${forge({ alg: 'HS256' }, { exp: 1 }, 'y'.repeat(40))}`,
      'signature',
    ],
    ['a token of the future', `Bearer ${forge({ alg: 'HS256' }, { nbf: inAnHour }, secret)}`, 'not_yet_valid'],
    ['exp as text', `Bearer ${forge({ alg: 'HS256' }, { exp: '9999999999' }, secret)}`, 'claims'],
    ['nbf as text', `Bearer ${forge({ alg: 'HS256' }, { nbf: '1' }, secret)}`, 'claims'],
    ['another issuer', `Bearer ${forge({ alg: 'HS256' }, { iss: 'evil' }, secret)}`, 'issuer', { issuers: ['good'] }],
    ['no issuer', `Bearer ${forge({ alg: 'HS256' }, {}, secret)}`, 'issuer', { issuers: ['good'] }],
    [
      'another audience',
      `Bearer ${forge({ alg: 'HS256' }, { aud: ['x'] }, secret)}`,
      'audience',
      { audience: ['a', 'b'] },
    ],
    [
      'no exp where one is required',
      `Bearer ${forge({ alg: 'HS256' }, {}, secret)}`,
      'no_expiry',
      { requireExp: true },
    ],
    [
      'no exp where nothing is said',
      `Bearer ${forge({ alg: 'HS256' }, {}, secret)}`,
      'no_expiry',
      { requireExp: null },
    ],
    [
      'no exp, and a forged signature',
      `Bearer ${forge({ alg: 'HS256' }, {}, 'z'.repeat(40))}`,
      'signature',
      { requireExp: true },
    ],
    [
      'an old token',
      `Bearer ${forge({ alg: 'HS256' }, { iat: now - 700, exp: inAnHour }, secret)}`,
      'too_old',
      { maxAgeSeconds: 600 },
    ],
    [
      'no iat under a greatest age',
      `Bearer ${forge({ alg: 'HS256' }, { exp: inAnHour }, secret)}`,
      'too_old',
      { maxAgeSeconds: 600 },
    ],
    [
      'an iat in the future',
      `Bearer ${forge({ alg: 'HS256' }, { iat: inAnHour }, secret)}`,
      'not_yet_valid',
      { maxAgeSeconds: 600 },
    ],
    ['iat as text', `Bearer ${forge({ alg: 'HS256' }, { iat: '1' }, secret)}`, 'claims', { maxAgeSeconds: 600 }],
    [
      'none of several issuers',
      `Bearer ${forge({ alg: 'HS256' }, { iss: 'c' }, secret)}`,
      'issuer',
      { issuers: ['a', 'b'] },
    ],
    [
      'a list of issuers',
      `Bearer ${forge({ alg: 'HS256' }, { iss: ['a'] }, secret)}`,
      'issuer',
      { issuers: ['a', 'b'] },
    ],
    ['an embedded key', `Bearer ${forge({ alg: 'HS256', jwk: { kty: 'oct', k: 'eHg' } }, {}, 'xx')}`, 'signature'],
    ['a kid that is a path', `Bearer ${forge({ alg: 'HS256', kid: '../../dev/null' }, {}, '')}`, 'signature'],
    ['an unknown critical header', `Bearer ${forge({ alg: 'HS256', crit: ['x'], x: 1 }, {}, secret)}`, 'malformed'],
    ['a payload that is a list', `Bearer ${forge({ alg: 'HS256' }, [1], secret)}`, 'malformed'],
    ['a claim named constructor', `Bearer ${forge({ alg: 'HS256' }, { a: { constructor: 1 } }, secret)}`, 'claims'],
    ['a server without keys', `Bearer ${forge({ alg: 'HS256' }, {}, secret)}`, 'not_configured', { secret: null }],
  ]
  test.each(faults)('%s is refused, and the answer says why', async (_name, header, reason, settings) => {
    const error = await failure(createTokenVerifier({ ...bySecret, ...settings }).verify(header))
    expect(error).toMatchObject({ code: 'unauthenticated', status: 401, details: { reason } })
    const token = header?.split(/\s+/)[1] ?? ''
    if (token !== '') expect(error.message).not.toContain(token)
    expect(error.message).not.toContain(secret)
    expect(challengeHeader(error)).toBe(reason === 'missing' ? 'Bearer' : 'Bearer error="invalid_token"')
  })

  test('a payload named __proto__ changes nothing and is refused', async () => {
    const token = await new SignJWT({ a: 1 })
      .setProtectedHeader({ alg: 'HS256' })
      .sign(createSecretKey(Buffer.from(secret)))
    const [header] = token.split('.')
    const payload = Buffer.from('{"__proto__":{"roles":["admin"]}}').toString('base64url')
    const signature = createHmac('sha256', secret).update(`${header}.${payload}`).digest('base64url')
    const error = await failure(createTokenVerifier(bySecret).verify(`Bearer ${header}.${payload}.${signature}`))
    expect(error.details).toEqual({ reason: 'claims' })
  })

  test('clocks may differ by the tolerance', async () => {
    const token = forge({ alg: 'HS256' }, { exp: Math.floor(Date.now() / 1000) - 30 }, secret)
    const tolerant = createTokenVerifier({ ...bySecret, clockToleranceSeconds: 600 })
    await expect(tolerant.verify(`Bearer ${token}`)).resolves.toMatchObject({ claims: { roles: [] } })
    expect((await failure(createTokenVerifier(bySecret).verify(`Bearer ${token}`))).details).toEqual({
      reason: 'expired',
    })
  })

  test('one of several audiences and the issuer suffice', async () => {
    const token = await makeToken({ secret, sub: 'a', expiresSeconds: 60, issuer: 'me', audience: ['x', 'b'] })
    const verifier = createTokenVerifier({ ...bySecret, issuers: ['me'], audience: ['a', 'b'] })
    await expect(verifier.verify(`Bearer ${token}`)).resolves.toMatchObject({ claims: { sub: 'a', iss: 'me' } })
  })

  test('whatever is sent, only a 401 comes of it', async () => {
    const verifier = createTokenVerifier(bySecret)
    const text = fc.oneof(
      fc.string(),
      fc.string().map((part) => `Bearer ${part}`),
      fc.base64String().map((part) => `Bearer ${part}.${part}.`),
    )
    await fc.assert(
      fc.asyncProperty(text, async (header) => {
        expect((await failure(verifier.verify(header))).status).toBe(401)
      }),
    )
  })
})

describe('tokens signed with a published key', () => {
  test.each(['RS256', 'PS256', 'ES256', 'EdDSA'])('%s is accepted', async (alg) => {
    const { privateKey, jwk } = await keyPair(alg, 'one')
    const verifier = createTokenVerifier(byKeySet, () => Promise.resolve({ keys: [jwk] }))
    const token = await sign({ sub: 'ann', exp: inAnHour }, { alg, kid: 'one' }, privateKey)
    await expect(verifier.verify(`Bearer ${token}`)).resolves.toMatchObject({ claims: { sub: 'ann' } })
  })

  test('a token signed with the public key as if it were a secret is refused', async () => {
    const { publicKey, jwk } = await keyPair('RS256', 'one')
    const pem = await exportSPKI(publicKey)
    for (const settings of [byKeySet, { ...byKeySet, secret }]) {
      const verifier = createTokenVerifier(settings, () => Promise.resolve({ keys: [jwk] }))
      for (const key of [pem, pem.trim(), JSON.stringify(jwk)]) {
        const error = await failure(verifier.verify(`Bearer ${forge({ alg: 'HS256', kid: 'one' }, { sub: 'x' }, key)}`))
        expect(['algorithm', 'signature']).toContain(error.details?.['reason'])
      }
    }
  })

  test('a symmetric key in the published set checks nothing', async () => {
    const k = Buffer.from(secret).toString('base64url')
    const verifier = createTokenVerifier(byKeySet, () => Promise.resolve({ keys: [{ kty: 'oct', k, kid: 'one' }] }))
    const error = await failure(verifier.verify(`Bearer ${forge({ alg: 'HS256', kid: 'one' }, {}, secret)}`))
    expect(error.details).toEqual({ reason: 'algorithm' })
  })

  test('secret and published keys serve side by side', async () => {
    const { privateKey, jwk } = await keyPair('ES256', 'one')
    const verifier = createTokenVerifier({ ...byKeySet, secret }, () => Promise.resolve({ keys: [jwk] }))
    const published = await sign({ sub: 'a' }, { alg: 'ES256', kid: 'one' }, privateKey)
    await expect(verifier.verify(`Bearer ${published}`)).resolves.toMatchObject({ claims: { sub: 'a' } })
    const shared = await makeToken({ secret, sub: 'b', expiresSeconds: 60 })
    await expect(verifier.verify(`Bearer ${shared}`)).resolves.toMatchObject({ claims: { sub: 'b' } })
  })

  test('a token without key id is tried with each key that fits', async () => {
    const [first, second, stranger] = await Promise.all([keyPair('ES256'), keyPair('ES256'), keyPair('ES256')])
    const verifier = createTokenVerifier(byKeySet, () => Promise.resolve({ keys: [first.jwk, second.jwk] }))
    const token = await sign({ sub: 'a' }, { alg: 'ES256' }, second.privateKey)
    await expect(verifier.verify(`Bearer ${token}`)).resolves.toMatchObject({ claims: { sub: 'a' } })
    const foreign = await sign({ sub: 'a' }, { alg: 'ES256' }, stranger.privateKey)
    expect((await failure(verifier.verify(`Bearer ${foreign}`))).details).toEqual({ reason: 'signature' })
  })

  test('keys are fetched once, and again when an unknown key appears, but not for each of them', async () => {
    const [old, fresh] = await Promise.all([keyPair('ES256', 'old'), keyPair('ES256', 'fresh')])
    let published = [old.jwk]
    let fetches = 0
    let nowMs = 0
    const fetchJson = (): Promise<unknown> => {
      fetches += 1
      return Promise.resolve({ keys: published })
    }
    const verifier = createTokenVerifier(byKeySet, fetchJson, { now: () => nowMs })
    const byOld = `Bearer ${await sign({ sub: 'a' }, { alg: 'ES256', kid: 'old' }, old.privateKey)}`
    const byFresh = `Bearer ${await sign({ sub: 'b' }, { alg: 'ES256', kid: 'fresh' }, fresh.privateKey)}`
    await Promise.all([verifier.verify(byOld), verifier.verify(byOld), verifier.verify(byOld)])
    expect(fetches).toBe(1)

    published = [fresh.jwk]
    for (let index = 0; index < 5; index += 1)
      expect((await failure(verifier.verify(byFresh))).details).toEqual({ reason: 'key' })
    expect(fetches).toBe(1)

    nowMs = 31_000
    await expect(verifier.verify(byFresh)).resolves.toMatchObject({ claims: { sub: 'b' } })
    expect(fetches).toBe(2)
    expect((await failure(verifier.verify(byOld))).details).toEqual({ reason: 'key' })
    expect(fetches).toBe(2)
  })

  test('without the keys every token is refused with 503, and the issuer is not asked again at once', async () => {
    const { privateKey, jwk } = await keyPair('ES256', 'one')
    const token = `Bearer ${await sign({ sub: 'a' }, { alg: 'ES256', kid: 'one' }, privateKey)}`
    let fetches = 0
    let nowMs = 0
    let document: unknown = null
    const fetchJson = (): Promise<unknown> => {
      fetches += 1
      return document === null ? Promise.reject(new Error('connect ECONNREFUSED 10.0.0.7')) : Promise.resolve(document)
    }
    const verifier = createTokenVerifier(byKeySet, fetchJson, { now: () => nowMs })
    const error = await failure(verifier.verify(token))
    expect(error).toMatchObject({ code: 'unavailable', status: 503, recoverable: true, retryAfterMs: 5000 })
    expect(error.message).not.toContain('10.0.0.7')
    expect((await failure(verifier.verify(token))).status).toBe(503)
    expect(fetches).toBe(1)

    nowMs = 6_000
    document = { keys: [jwk] }
    await expect(verifier.verify(token)).resolves.toMatchObject({ claims: { sub: 'a' } })

    // Half-way through their time the keys are fetched anew beside the call; a failure there harms no call yet.
    document = null
    nowMs += 301_000
    await expect(verifier.verify(token)).resolves.toMatchObject({ claims: { sub: 'a' } })
    expect(fetches).toBe(3)
    nowMs += 301_000
    expect((await failure(verifier.verify(token))).status).toBe(503)
  })

  test('keys that come as text, under whatever type, are taken', async () => {
    const { privateKey, jwk } = await keyPair('ES256', 'one')
    const token = `Bearer ${await sign({ sub: 'a' }, { alg: 'ES256', kid: 'one' }, privateKey)}`
    const verifier = createTokenVerifier(byKeySet, () => Promise.resolve(JSON.stringify({ keys: [jwk] })))
    await expect(verifier.verify(token)).resolves.toMatchObject({ claims: { sub: 'a' } })
  })

  test('what is no key, or of a kind that is not known, is passed over', async () => {
    const { privateKey, jwk } = await keyPair('ES256', 'one')
    const token = `Bearer ${await sign({ sub: 'a' }, { alg: 'ES256', kid: 'one' }, privateKey)}`
    const keys = [null, 7, 'key', { kty: 'odd', kid: 'one' }, { kid: 'one' }, jwk]
    const verifier = createTokenVerifier(byKeySet, () => Promise.resolve({ keys }))
    await expect(verifier.verify(token)).resolves.toMatchObject({ claims: { sub: 'a' } })
  })

  test('why keys cannot be fetched is told once a minute', async () => {
    const { privateKey } = await keyPair('ES256', 'one')
    const token = `Bearer ${await sign({ sub: 'a' }, { alg: 'ES256', kid: 'one' }, privateKey)}`
    const causes: unknown[] = []
    let nowMs = 0
    const cause = new Error('the issuer answered 500')
    const verifier = createTokenVerifier(byKeySet, () => Promise.reject(cause), {
      now: () => nowMs,
      onFailure: (told) => causes.push(told),
    })
    for (; nowMs < 120_000; nowMs += 6_000) expect((await failure(verifier.verify(token))).status).toBe(503)
    expect(causes).toEqual([cause, cause])
  })

  test.each([
    ['no key set', { hello: 1 }],
    ['null', null],
    ['text', 'keys'],
    ['a wrong list', { keys: 'x' }],
  ])('a document that is %s is refused with 503', async (_name, document) => {
    const { privateKey } = await keyPair('ES256')
    const token = await sign({}, { alg: 'ES256', kid: 'one' }, privateKey)
    const verifier = createTokenVerifier(byKeySet, () => Promise.resolve(document))
    expect((await failure(verifier.verify(`Bearer ${token}`))).code).toBe('unavailable')
  })
})

describe('several issuers', () => {
  const other = 'another secret that is long enough for HS256'
  const entries: readonly TokenSettings[] = [
    { ...bySecret, issuers: ['first', 'also first'], audience: ['api'] },
    {
      ...base,
      secret: other,
      issuers: ['second'],
      roleClaim: 'app.roles',
      maxAgeSeconds: 60,
      clockToleranceSeconds: 2,
    },
  ]
  const verify = (payload: object, key: string) =>
    acceptIssuers(entries)!.verify(`Bearer ${forge({ alg: 'HS256' }, payload, key)}`)

  test('each is verified by its own keys, audience and role claim', async () => {
    expect(await verify({ iss: 'also first', aud: 'api', sub: 'ann', roles: ['a'] }, secret)).toMatchObject({
      subject: 'ann',
      claims: { roles: ['a'] },
      expiresAtMs: null,
    })
    expect(
      await verify({ iss: 'second', sub: 'ann', app: { roles: ['b'] }, iat: now, exp: inAnHour }, other),
    ).toMatchObject({
      claims: { roles: ['b'] },
      expiresAtMs: (now + 60) * 1000,
      endsAtMs: (now + 62) * 1000,
    })
  })

  test('a name that two issuers use is two callers, whatever the name is', async () => {
    const second = await verify({ iss: 'second', sub: 'ann', iat: now }, other)
    for (const sub of ['ann', second.subject, `sub:${second.subject}`]) {
      expect((await verify({ iss: 'first', aud: 'api', sub }, secret)).subject).not.toBe(second.subject)
    }
  })

  test.each([
    ['the secret of another issuer', { iss: 'second', sub: 'ann', iat: now }, secret, 'signature'],
    ['an issuer that is not listed', { iss: 'third', sub: 'ann' }, secret, 'issuer'],
    ['no issuer', { sub: 'ann' }, secret, 'issuer'],
    ['an issuer that is a list', { iss: ['first', 'second'], aud: 'api' }, secret, 'issuer'],
    ['a name of every object', { iss: '__proto__', sub: 'ann' }, secret, 'issuer'],
    ['an audience of another entry', { iss: 'first', aud: 'web' }, secret, 'audience'],
  ])('%s is refused', async (_name, payload, key, reason) => {
    expect((await failure(verify(payload, key))).details).toEqual({ reason })
  })

  test('an entry without an issuer, or with that of another, is refused at load', () => {
    expect(() => acceptIssuers([bySecret, { ...bySecret, issuers: ['a'] }])).toThrow(
      /auth\.jwt\[0\]\.issuer must be set/,
    )
    const twice = [
      { ...bySecret, issuers: ['a'] },
      { ...bySecret, issuers: ['b', 'a'] },
    ]
    expect(() => acceptIssuers(twice)).toThrow(/auth\.jwt\[1\]\.issuer names "a", as auth\.jwt\[0\] does/)
  })
})

describe('tokens signed with a private key of the settings', () => {
  const kinds = [
    ['RSA', 'RS256', () => generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey],
    ['P-256', 'ES256', () => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey],
    ['P-384', 'ES384', () => generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey],
    ['P-521', 'ES512', () => generateKeyPairSync('ec', { namedCurve: 'P-521' }).privateKey],
    ['Ed25519', 'EdDSA', () => generateKeyPairSync('ed25519').privateKey],
  ] as const
  const pemOf = (key: KeyObject): string => key.export({ format: 'pem', type: 'pkcs8' }) as string
  const publicPem = (key: KeyObject): string => createPublicKey(key).export({ format: 'pem', type: 'spki' }) as string
  const jwkOf = (key: KeyObject, more: object = {}): string =>
    JSON.stringify({ ...key.export({ format: 'jwk' }), ...more })
  const withKey = (privateKey: string, more: Partial<TokenSettings> = {}): TokenSettings => ({
    ...base,
    privateKey,
    ...more,
  })
  const signed = async (settings: TokenSettings, sub = 'ann'): Promise<string> => {
    const signer = ownSigner([settings])
    if (signer === null) throw new Error('the settings sign nothing')
    return makeToken({ ...signer, sub, expiresSeconds: 60 })
  }
  const reasonOf = async (settings: TokenSettings, token: string): Promise<unknown> =>
    (await failure(createTokenVerifier(settings).verify(`Bearer ${token}`))).details?.['reason']

  test.each(kinds)(
    '%s: the token names algorithm and key, and is accepted here and by servers that have the public key',
    async (_, alg, make) => {
      const key = make()
      const forms = [pemOf(key), `  ${pemOf(key)}  `, pemOf(key).replaceAll('\n', String.raw`\n`), jwkOf(key)]
      for (const form of forms) {
        const settings = withKey(form)
        const token = await signed(settings)
        const id = await calculateJwkThumbprint(createPublicKey(key).export({ format: 'jwk' }))
        expect(decodeProtectedHeader(token)).toEqual({ alg, typ: 'JWT', kid: id })
        const [published] = publishedKeys([settings]).keys
        expect(published).not.toHaveProperty('d')
        for (const verifier of [
          createTokenVerifier(settings),
          createTokenVerifier({ ...base, publicKeys: [publicPem(key)] }),
          createTokenVerifier({ ...base, publicKeys: [JSON.stringify(published)] }),
          createTokenVerifier(byKeySet, () => Promise.resolve(publishedKeys([settings]))),
        ]) {
          await expect(verifier.verify(`Bearer ${token}`)).resolves.toMatchObject({ claims: { sub: 'ann' } })
        }
      }
    },
  )

  test.each(kinds)(
    '%s: an altered token, one of another key and confused algorithms are refused',
    async (_, alg, make) => {
      const [key, other] = [make(), make()]
      const settings = withKey(pemOf(key))
      const token = await signed(settings)
      const [header = '', payload = '', signature = ''] = token.split('.')
      const flipped = Buffer.from(signature, 'base64url')
      flipped[3] = flipped.readUInt8(3) ^ 1
      const claims = { ...decodeJwt(token), sub: 'eve' }
      expect(await reasonOf(settings, `${header}.${encode(claims)}.${signature}`)).toBe('signature')
      expect(await reasonOf(settings, `${header}.${payload}.${flipped.toString('base64url')}`)).toBe('signature')
      expect(await reasonOf(settings, `${header}.${payload}.`)).toBe('signature')
      expect(await reasonOf(settings, await signed(withKey(pemOf(other))))).toBe('signature')
      // The name of the key is a hint and opens nothing.
      const { kid } = decodeProtectedHeader(token)
      expect(await reasonOf(settings, await signed(withKey(pemOf(other), { keyId: String(kid) })))).toBe('signature')

      const publicKeys = [publicPem(key), publicPem(key).trim(), jwkOf(createPublicKey(key)), String(kid), '']
      for (const shared of publicKeys) {
        for (const algorithm of ['HS256', 'HS512', 'none', 'None', alg.toLowerCase()]) {
          const forged = forge({ alg: algorithm, kid }, claims, shared)
          expect(await reasonOf(settings, forged), algorithm).toBe('algorithm')
          // Beside a secret, the secret alone verifies what is signed with one.
          const both = await reasonOf({ ...settings, secret }, forged)
          expect(both).toBe(algorithm === 'HS256' ? 'signature' : 'algorithm')
        }
        expect(await reasonOf(settings, forge({ alg, kid }, claims, shared))).toBe('signature')
      }
      // A key that the token brings along is not looked at.
      const jwk = createPublicKey(other).export({ format: 'jwk' })
      const brought = new SignJWT({ sub: 'eve' }).setProtectedHeader({ alg, jwk, jku: 'https://evil.example/jwks' })
      expect(await reasonOf(settings, await brought.sign(other))).toBe('signature')
      for (const [, foreign, makeForeign] of kinds) {
        if (foreign === alg) continue
        expect(await reasonOf(settings, await signed(withKey(pemOf(makeForeign()))))).toBe('algorithm')
      }
    },
  )

  test('a JSON Web Key names its tokens and its algorithm; the settings go first', async () => {
    const key = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
    const named = await signed(withKey(jwkOf(key, { kid: 'spring', alg: 'PS384' })))
    expect(decodeProtectedHeader(named)).toEqual({ alg: 'PS384', typ: 'JWT', kid: 'spring' })
    const settings = withKey(jwkOf(key, { kid: 'spring' }), { keyId: 'autumn', algorithms: ['PS256', 'RS512'] })
    const token = await signed(settings)
    expect(decodeProtectedHeader(token)).toEqual({ alg: 'PS256', typ: 'JWT', kid: 'autumn' })
    await expect(createTokenVerifier(settings).verify(`Bearer ${token}`)).resolves.toMatchObject({
      claims: { sub: 'ann' },
    })
    expect(await reasonOf(settings, named)).toBe('algorithm')
  })

  test('after a change of keys, tokens of the key before are accepted while its public half is listed', async () => {
    const [before, now] = [kinds[1][2](), kinds[4][2]()]
    const token = await signed(withKey(pemOf(before)))
    const changed = withKey(pemOf(now), { publicKeys: [publicPem(before)] })
    await expect(createTokenVerifier(changed).verify(`Bearer ${token}`)).resolves.toMatchObject({
      claims: { sub: 'ann' },
    })
    expect(decodeProtectedHeader(await signed(changed)).alg).toBe('EdDSA')
    expect(publishedKeys([changed]).keys).toHaveLength(2)
    expect(publishedKeys([{ ...base, publicKeys: [publicPem(before)] }, bySecret])).toEqual({ keys: [] })
    expect(await reasonOf(withKey(pemOf(now)), token)).toBe('algorithm')
  })

  test('keys of the settings and a key set serve side by side, also while the set cannot be fetched', async () => {
    const own = kinds[1][2]()
    const { privateKey, jwk } = await keyPair('ES256', 'theirs')
    const settings = withKey(pemOf(own), { jwksUrl: byKeySet.jwksUrl })
    const verifier = createTokenVerifier(settings, () => Promise.resolve({ keys: [jwk] }))
    for (const header of [{ alg: 'ES256', kid: 'theirs' }, { alg: 'ES256' }]) {
      const published = await sign({ sub: 'bo' }, header, privateKey)
      await expect(verifier.verify(`Bearer ${published}`)).resolves.toMatchObject({ claims: { sub: 'bo' } })
    }
    const offline = createTokenVerifier(settings, () => Promise.reject(new Error('offline')))
    await expect(offline.verify(`Bearer ${await signed(settings)}`)).resolves.toMatchObject({ claims: { sub: 'ann' } })
    const stranger = await signed(withKey(pemOf(kinds[1][2]())))
    expect((await failure(verifier.verify(`Bearer ${stranger}`))).details).toEqual({ reason: 'key' })
  })

  const rsa = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey
  const ed = generateKeyPairSync('ed25519').privateKey
  test.each<[string, Partial<TokenSettings>, RegExp]>([
    ['a placeholder', { privateKey: '{{env.KEY}}' }, /private_key still holds/],
    ['text', { privateKey: 'hunter2' }, /private_key is neither PEM .* nor a JSON Web Key/],
    ['a secret', { privateKey: '{"kty":"oct","k":"hunter2"}' }, /Put it under `secret`/],
    ['a set', { privateKey: '{"keys":[]}' }, /set of keys/],
    ['broken JSON', { privateKey: '{"kty":' }, /not valid JSON/],
    ['broken PEM', { privateKey: '-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----' }, /cannot be read/],
    [
      'an encrypted key',
      { privateKey: ed.export({ format: 'pem', type: 'pkcs8', cipher: 'aes-256-cbc', passphrase: 'x' }) as string },
      /is encrypted/,
    ],
    ['a public key', { privateKey: publicPem(ed) }, /no private key/],
    ['a private key as a public one', { publicKeys: [pemOf(ed)] }, /public_key is a private key/],
    ['a private JSON Web Key as a public one', { publicKeys: [jwkOf(ed)] }, /public_key is a private key/],
    ['a small RSA key', { privateKey: pemOf(rsa) }, /has 1024 bits/],
    [
      'another curve',
      { privateKey: pemOf(generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).privateKey) },
      /curve secp256k1/,
    ],
    [
      'a key that signs nothing',
      { privateKey: pemOf(generateKeyPairSync('x25519').privateKey) },
      /no key for signatures/,
    ],
    ['another algorithm', { privateKey: pemOf(ed), algorithms: ['RS256'] }, /fits EdDSA, Ed25519, of which/],
    [
      'a wrong algorithm of its own',
      { privateKey: jwkOf(ed, { alg: 'RS256' }) },
      /is for "RS256", which its key does not fit/,
    ],
    ['only HS256', { secret, privateKey: pemOf(ed), algorithms: ['HS256'] }, /private_key is set, but/],
    ['a name without a key', { secret, keyId: 'a' }, /key_id names the key/],
  ])('settings that cannot be used: %s', (_name, settings, message) => {
    const create = (): unknown => createTokenVerifier({ ...base, ...settings })
    expect(create).toThrow(message)
    expect(create).not.toThrow(/hunter2|MC4C/)
  })
})

describe('settings that cannot be used', () => {
  test.each<[string, Partial<TokenSettings>, RegExp]>([
    ['a short secret', { secret: 'hunter2' }, /auth\.jwt\.secret has 7 bytes; HS256 needs at least 32/],
    ['a secret too short for its algorithm', { secret, algorithms: ['HS512'] }, /at least 64/],
    ['a placeholder', { secret: '{{env.JWT_SECRET}} and more characters' }, /still holds/],
    ['a public key as secret', { secret: `-----BEGIN PUBLIC KEY-----${'x'.repeat(50)}` }, /auth\.jwt\.public_key/],
    ['alg none', { secret, algorithms: ['none'] }, /names "none"/],
    ['a public key algorithm without keys', { secret, algorithms: ['HS256', 'RS256'] }, /need auth\.jwt\.jwks_url/],
    ['HS256 without a secret', { jwksUrl: 'https://a.example', algorithms: ['HS256'] }, /need auth\.jwt\.secret/],
    ['a secret without use', { secret, jwksUrl: 'https://a.example', algorithms: ['RS256'] }, /drop the secret/],
    ['keys without use', { secret, jwksUrl: 'https://a.example', algorithms: ['HS256'] }, /Add RS256/],
    ['keys over plain http', { jwksUrl: 'http://login.example.com/jwks' }, /Use https/],
    ['no address', { jwksUrl: 'login' }, /not a web address/],
    ['a file', { jwksUrl: 'file:///etc/passwd' }, /not a web address/],
    ['a password in the address', { jwksUrl: 'https://a:b@example.com/' }, /leave them out/],
    ['a wrong tolerance', { secret, clockToleranceSeconds: Number.NaN }, /clock_tolerance/],
  ])('%s', (_name, settings, message) => {
    const create = (): unknown => createTokenVerifier({ ...base, ...settings }, () => Promise.resolve({}))
    expect(create).toThrow(message)
    expect(create).not.toThrow(/hunter2/)
  })

  test('plain http is fine on this machine and its neighbours', () => {
    for (const jwksUrl of ['http://127.0.0.1:8080/jwks', 'http://[::1]/jwks', 'http://keycloak:8080/jwks']) {
      expect(() => createTokenVerifier({ ...base, jwksUrl }, () => Promise.resolve({}))).not.toThrow()
    }
  })

  test('a token needs a long secret and a time to live', async () => {
    await expect(makeToken({ secret: 'short', sub: 'a', expiresSeconds: 60 })).rejects.toThrow(/5 bytes/)
    await expect(makeToken({ secret, sub: 'a', expiresSeconds: 0 })).rejects.toThrow(/expire after now/)
  })
})
