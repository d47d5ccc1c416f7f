import { createSecretKey } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { StreamstackError, type Value } from '@streamstack/protocol'
import { decodeJwt, decodeProtectedHeader, errors, jwtVerify } from 'jose'
import type { CryptoKey, FlattenedJWSInput, JWTVerifyOptions, ProtectedHeaderParameters } from 'jose'
import { apiKeyIn } from './api-key-in.ts'
import { toAuthClaims } from './auth-claims.ts'
import { createKeySet } from './key-set.ts'
import type { FetchJson, KeySet, KeySetOptions } from './key-set.ts'
import { tokenError } from './token-error.ts'
import type { TokenFault } from './token-error.ts'
import { checkIssuers, checkTokenSettings } from './token-settings.ts'
import type { TokenSettings } from './token-settings.ts'
import type { TokenKey } from './token-key.ts'
import { type VerifiedToken, verifiedToken } from './verified-token.ts'

/** Checks the tokens of requests. */
export interface TokenVerifier {
  /**
   * @param authorizationHeader the value of the `Authorization` header.
   * @throws StreamstackError `unauthenticated` that says what is wrong with the token, `unavailable` when the issuer's
   * keys cannot be fetched.
   */
  verify(authorizationHeader: string | undefined): Promise<VerifiedToken>
}

/**
 * Accepts the tokens of several issuers, each by its own keys. The `iss` of a token chooses the entry; that entry alone verifies it.
 *
 * @throws StreamstackError as `createTokenVerifier`, and when two entries share an issuer or one names none.
 */
export function acceptIssuers(
  entries: readonly TokenSettings[],
  fetchJson?: FetchJson,
  options: KeySetOptions = {},
): TokenVerifier | null {
  checkIssuers(entries)
  const [only, ...more] = entries
  if (only === undefined) return null
  if (more.length === 0) return createTokenVerifier(only, fetchJson, options)
  const verifiers = new Map<string, TokenVerifier>()
  for (const [index, entry] of entries.entries()) {
    // The subjects of the first entry stay as they are, so that a second one takes no run from its owner.
    const verifier = createTokenVerifier(entry, fetchJson, options, index > 0)
    for (const issuer of entry.issuers ?? []) verifiers.set(issuer, verifier)
  }
  return {
    async verify(authorizationHeader) {
      const issuer = unverifiedIssuer(readBearer(authorizationHeader))
      const verifier = issuer === undefined ? undefined : verifiers.get(issuer)
      if (verifier === undefined) throw tokenError('issuer')
      return verifier.verify(authorizationHeader)
    },
  }
}

/** Chooses the keys, and decides nothing else: the signature is still to be checked. */
function unverifiedIssuer(token: string): string | undefined {
  try {
    return decodeJwt(token).iss
  } catch (cause) {
    throw tokenError('malformed', cause)
  }
}

/**
 * Prepares the checking of JWTs (RFC 7519) by a shared secret, by keys of the settings, and by an issuer's published keys. With none of
 * them, every token is refused.
 *
 * @param fetchJson fetches the key set through the outbound door; needed when `jwksUrl` is set.
 * @param options a steady clock for the age of fetched keys, and who hears why they cannot be fetched.
 * @param tellsIssuer whether subjects carry the issuer, because another issuer may use the same names.
 * @throws StreamstackError when a setting cannot be used.
 */
export function createTokenVerifier(
  settings: TokenSettings,
  fetchJson?: FetchJson,
  options: KeySetOptions = {},
  tellsIssuer = false,
): TokenVerifier {
  const algorithms = checkTokenSettings(settings)
  const secret = settings.secret === null ? null : createSecretKey(Buffer.from(settings.secret))
  const { keys } = algorithms
  const keySet = openKeySet(settings, fetchJson, options)
  const claimOptions: JWTVerifyOptions = {
    issuer: settings.issuers === null ? undefined : [...settings.issuers],
    audience: settings.audience === null ? undefined : [...settings.audience],
    clockTolerance: settings.clockToleranceSeconds,
    requiredClaims: settings.requireExp === false ? [] : ['exp'],
    maxTokenAge: settings.maxAgeSeconds ?? undefined,
  }
  const accept = (payload: Readonly<Record<string, Value>>): VerifiedToken => {
    const claims = toAuthClaims(payload, settings.roleClaim)
    const { iss } = claims
    return verifiedToken(claims, settings, tellsIssuer && typeof iss === 'string' ? iss : null)
  }
  const secretOptions = { ...claimOptions, algorithms: [...algorithms.secret] }
  const publicKeyOptions = { ...claimOptions, algorithms: [...algorithms.publicKey] }

  return {
    async verify(authorizationHeader) {
      const token = readBearer(authorizationHeader)
      if (secret === null && keySet === null && keys.length === 0) throw tokenError('not_configured')
      const header = readHeader(token)
      const algorithm = header.alg ?? 'none'
      if (secret !== null && algorithms.secret.includes(algorithm)) {
        return accept(await verifyWith([secret], token, secretOptions))
      }
      if (!algorithms.publicKey.includes(algorithm)) throw tokenError('algorithm')
      const own = keysFor(keys, algorithm, header.kid)
      if (own.length > 0) {
        try {
          const verifying = own.map(({ publicKey }) => publicKey)
          return accept(await verifyWith(verifying, token, { ...publicKeyOptions, algorithms: [algorithm] }))
        } catch (thrown) {
          // A key that the token names decides alone; otherwise the key set may have the right one.
          const mayBePublished = keySet !== null && !own.some(({ id }) => id !== null && id === header.kid)
          if (!mayBePublished || !isSignatureFault(thrown)) throw thrown
        }
      }
      if (keySet !== null) {
        const published = await keySet.find(header, splitToken(token))
        return accept(await verifyWith(published, token, publicKeyOptions))
      }
      throw tokenError('algorithm')
    },
  }
}

function isSignatureFault(thrown: unknown): boolean {
  return thrown instanceof StreamstackError && thrown.details?.['reason'] === 'signature'
}

/** The keys of the settings that may have signed a token: the one that it names, else all that fit. */
function keysFor(keys: readonly TokenKey[], algorithm: string, id: unknown): readonly TokenKey[] {
  const fitting = keys.filter(({ algorithms }) => algorithms.includes(algorithm))
  const named = fitting.filter((key) => key.id !== null && key.id === id)
  return named.length > 0 ? named : fitting
}

function openKeySet(settings: TokenSettings, fetchJson: FetchJson | undefined, options: KeySetOptions): KeySet | null {
  if (settings.jwksUrl === null) return null
  if (fetchJson === undefined) throw new TypeError('createTokenVerifier needs fetchJson when jwksUrl is set')
  return createKeySet(settings.jwksUrl, fetchJson, options)
}

function readBearer(header: string | undefined): string {
  if (header === undefined || header.trim() === '') throw tokenError('missing')
  // A key where none is accepted any more.
  if (/^Bearer +ssk_/i.test(header.trim()) || apiKeyIn(header) !== null) throw tokenError('api_key')
  const match = /^Bearer +([\w-]+\.[\w-]+\.[\w-]*)$/i.exec(header.trim())
  if (match?.[1] === undefined) throw tokenError('malformed')
  return match[1]
}

function readHeader(token: string): ProtectedHeaderParameters {
  try {
    return decodeProtectedHeader(token)
  } catch (cause) {
    throw tokenError('malformed', cause)
  }
}

function splitToken(token: string): FlattenedJWSInput {
  const [encodedHeader, payload = '', signature = ''] = token.split('.')
  return { protected: encodedHeader, payload, signature }
}

/** Tries the keys in turn: a token without a key id may fit several. Only a wrong signature moves on to the next. */
async function verifyWith(
  keys: readonly (CryptoKey | KeyObject)[],
  token: string,
  options: JWTVerifyOptions,
): Promise<Readonly<Record<string, Value>>> {
  let refusal: unknown = null
  for (const key of keys) {
    try {
      return (await jwtVerify<Record<string, Value>>(token, key, options)).payload
    } catch (thrown) {
      refusal = thrown
      if (!(thrown instanceof errors.JWSSignatureVerificationFailed)) break
    }
  }
  throw tokenError(faultOf(refusal), refusal)
}

const claimFaults: Readonly<Record<string, TokenFault>> = { iss: 'issuer', aud: 'audience' }

function faultOf(thrown: unknown): TokenFault {
  if (thrown instanceof errors.JWTExpired) return thrown.claim === 'iat' ? 'too_old' : 'expired'
  if (thrown instanceof errors.JWTClaimValidationFailed) {
    if (thrown.reason === 'check_failed' && ['nbf', 'iat'].includes(thrown.claim)) return 'not_yet_valid'
    if (thrown.reason === 'missing' && thrown.claim === 'exp') return 'no_expiry'
    if (thrown.reason === 'missing' && thrown.claim === 'iat') return 'too_old'
    return claimFaults[thrown.claim] ?? 'claims'
  }
  if (thrown instanceof errors.JWSSignatureVerificationFailed) return 'signature'
  if (thrown instanceof errors.JOSEAlgNotAllowed) return 'algorithm'
  // jose refuses weak published keys (RSA under 2048 bits) with a TypeError.
  if (thrown instanceof TypeError) return 'key'
  return 'malformed'
}
