import { createSecretKey } from 'node:crypto'
import { StreamstackError } from '@streamstack/protocol'
import { SignJWT } from 'jose'
import type { JWTPayload } from 'jose'
import { checkSecret } from './token-settings.ts'

/** What goes into a token made for trying. */
export interface MakeTokenOptions {
  secret: string
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
 * Signs a token with the workspace's own secret (HS256), for `streamstack token` and for tests.
 *
 * @throws StreamstackError when the secret is too short or the time is not a positive number.
 */
export async function makeToken(options: MakeTokenOptions): Promise<string> {
  checkSecret(options.secret, ['HS256'])
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
  return new SignJWT(payload)
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .sign(createSecretKey(Buffer.from(options.secret)))
}
