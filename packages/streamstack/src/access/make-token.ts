import { type KeyObject, createSecretKey } from 'node:crypto'
import { StreamstackError } from '@streamstack/protocol'
import { SignJWT } from 'jose'
import type { JWTPayload } from 'jose'
import { SECRET_BYTES_MIN, type TokenSettings, checkSecret, checkTokenSettings } from './token-settings.ts'

/** What signs tokens. */
export interface SigningKey {
  /** Shared secret, or private key. */
  readonly secret: string | KeyObject
  /** HS256, HS384 or HS512 with a secret; else one that fits the key. */
  readonly algorithm: string
  /** `kid` of the tokens, by which those that verify them find the key; null: they have none. */
  readonly keyId: string | null
}

/** The settings by which a workspace signs tokens that it accepts itself. */
export interface OwnSigner extends SigningKey {
  /** `iss` of the tokens; null: none. */
  readonly issuer: string | null
  /** `aud` of the tokens; null: none. */
  readonly audience: readonly string[] | null
  /** The claim that the workspace reads roles from; null: `roles`. */
  readonly roleClaim: string | null
}

/** Returns the first issuer of `auth.jwt` that has a private key or a secret; null: the workspace can sign no tokens. */
export function ownSigner(entries: readonly TokenSettings[]): OwnSigner | null {
  for (const entry of entries) {
    const key = signingKey(entry)
    const { issuers, audience, roleClaim } = entry
    if (key !== null) return { ...key, issuer: issuers?.[0] ?? null, audience, roleClaim }
  }
  return null
}

function signingKey(entry: TokenSettings): SigningKey | null {
  const { secret, privateKey, algorithms } = entry
  if (privateKey !== null) {
    const key = checkTokenSettings(entry).keys.find((one) => one.privateKey !== null)
    // The order of the settings decides between algorithms that fit.
    const algorithm = algorithms?.find((name) => key?.algorithms.includes(name)) ?? key?.algorithms[0]
    if (key?.privateKey == null || algorithm === undefined) return null
    return { secret: key.privateKey, algorithm, keyId: key.id }
  }
  if (secret === null) return null
  const algorithm = (algorithms ?? ['HS256']).find((name) => Object.hasOwn(SECRET_BYTES_MIN, name))
  return algorithm === undefined ? null : { secret, algorithm, keyId: null }
}

/** The parts of a token. */
export interface MakeTokenOptions {
  secret: string | KeyObject
  /** Default HS256. */
  algorithm?: string
  keyId?: string | null
  /** `sub`: whom the token stands for. */
  sub: string
  roles?: readonly string[]
  expiresSeconds: number
  issuer?: string | null
  audience?: string | readonly string[] | null
  /** Further claims; those that the other options set win. */
  claims?: Readonly<Record<string, unknown>>
  /** The claim that the workspace reads roles from; default `roles`. */
  roleClaim?: string | null
}

/**
 * Signs a token with the workspace's own secret or private key.
 *
 * @throws StreamstackError when the secret is too short or the time is not a positive number.
 */
export async function makeToken(options: MakeTokenOptions): Promise<string> {
  const { secret, algorithm: alg = 'HS256', keyId = null } = options
  if (typeof secret === 'string') checkSecret(secret, [alg])
  if (!(Number.isFinite(options.expiresSeconds) && options.expiresSeconds > 0)) {
    throw new StreamstackError('setting_invalid', 'A token must expire after now. Use a time such as 1h.')
  }
  const issuedAt = Math.floor(Date.now() / 1000)
  const payload: JWTPayload = { ...options.claims, sub: options.sub, iat: issuedAt }
  payload.exp = issuedAt + Math.ceil(options.expiresSeconds)
  if (options.roles !== undefined && options.roles.length > 0) {
    payload[options.roleClaim ?? 'roles'] = [...options.roles]
  }
  if (options.issuer != null) payload.iss = options.issuer
  if (options.audience != null) payload.aud = [options.audience].flat()
  const key = typeof secret === 'string' ? createSecretKey(Buffer.from(secret)) : secret
  return new SignJWT(payload)
    .setProtectedHeader({ alg, typ: 'JWT', ...(keyId === null ? {} : { kid: keyId }) })
    .sign(key)
}
