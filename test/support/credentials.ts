import { createHash, createSecretKey, randomBytes } from 'node:crypto'
import { SignJWT } from 'jose'

/** The parts of a token, as `streamstack token` takes them. */
export interface TokenParts {
  readonly secret: string
  /** Default: HS256. */
  readonly algorithm?: string
  readonly sub: string
  readonly roles?: readonly string[]
  readonly expiresSeconds: number
  readonly issuer?: string
  readonly audience?: string
  /** Further claims. */
  readonly claims?: Readonly<Record<string, unknown>>
}

/** Signs a token as an issuer would that shares a secret with the server. */
export async function makeToken(parts: TokenParts): Promise<string> {
  const { secret, algorithm: alg = 'HS256', sub, roles, expiresSeconds, issuer, audience, claims } = parts
  const iat = Math.floor(Date.now() / 1000)
  const payload = {
    ...claims,
    sub,
    iat,
    exp: iat + Math.ceil(expiresSeconds),
    ...(roles === undefined || roles.length === 0 ? {} : { roles: [...roles] }),
    ...(issuer === undefined ? {} : { iss: issuer }),
    ...(audience === undefined ? {} : { aud: [audience] }),
  }
  return new SignJWT(payload).setProtectedHeader({ alg, typ: 'JWT' }).sign(createSecretKey(Buffer.from(secret)))
}

/** An API key as `streamstack key` makes it, and its hash for `auth.keys`. */
export function makeApiKey(): { readonly key: string; readonly hash: string } {
  const key = `ssk_${randomBytes(32).toString('base64url')}`
  return { key, hash: `sha256:${createHash('sha256').update(key).digest('hex')}` }
}
