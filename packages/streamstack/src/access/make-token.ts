import { createSecretKey } from 'node:crypto'
import { StreamstackError } from '@streamstack/protocol'
import { SignJWT } from 'jose'
import type { JWTPayload } from 'jose'
import { SECRET_BYTES_MIN, type TokenSettings, checkSecret } from './token-settings.ts'

/** The settings by which a workspace signs tokens that it accepts itself. */
export interface OwnSigner {
  readonly secret: string
  /** HS256, HS384 or HS512. */
  readonly algorithm: string
  /** `iss` of the tokens; null: none. */
  readonly issuer: string | null
  /** `aud` of the tokens; null: none. */
  readonly audience: readonly string[] | null
  /** The claim that the workspace reads roles from; null: `roles`. */
  readonly roleClaim: string | null
}

/** Returns the first issuer of `auth.jwt` that has a secret; null: the workspace can sign no tokens. */
export function ownSigner(entries: readonly TokenSettings[]): OwnSigner | null {
  for (const { secret, algorithms, issuers, audience, roleClaim } of entries) {
    if (secret === null) continue
    const algorithm = (algorithms ?? ['HS256']).find((name) => Object.hasOwn(SECRET_BYTES_MIN, name))
    if (algorithm !== undefined) return { secret, algorithm, issuer: issuers?.[0] ?? null, audience, roleClaim }
  }
  return null
}

/** The parts of a token. */
export interface MakeTokenOptions {
  secret: string
  /** Default HS256. */
  algorithm?: string
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
 * Signs a token with the workspace's own secret.
 *
 * @throws StreamstackError when the secret is too short or the time is not a positive number.
 */
export async function makeToken(options: MakeTokenOptions): Promise<string> {
  const { algorithm: alg = 'HS256' } = options
  checkSecret(options.secret, [alg])
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
  return new SignJWT(payload).setProtectedHeader({ alg, typ: 'JWT' }).sign(createSecretKey(Buffer.from(options.secret)))
}
