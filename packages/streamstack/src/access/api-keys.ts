import { createHash, randomBytes } from 'node:crypto'
import { apiKeyIn } from './api-key-in.ts'
import { toAuthClaims } from './auth-claims.ts'
import type { Caller } from './caller.ts'
import { tokenError } from './token-error.ts'
import { verifiedToken } from './verified-token.ts'
import type { TokenVerifier } from './verify-token.ts'

/** An API key as `auth.keys` in `streamstack.yaml` declares it. The key itself is nowhere: only its hash is. */
export interface ApiKey {
  /** Names it in `auth.sub` as `key:<name>`, and in the log. */
  readonly name: string
  /** SHA-256 of the key, in hexadecimal. It has 256 random bits, so no slow hash is needed. */
  readonly hash: string
  readonly roles: readonly string[]
  readonly scopes: readonly string[]
  /** Seconds since 1970; null: never. */
  readonly expiresAt: number | null
}

/** How a hash is written in the settings. */
export const API_KEY_HASH = /^sha256:([0-9a-f]{64})$/

/** No issuer of tokens may speak for a key. */
const SUBJECT_PREFIX = 'key:'

/** Whether a subject is that of an API key. Tokens must not have it. */
export function isKeySubject(subject: string): boolean {
  return subject.startsWith(SUBJECT_PREFIX)
}

/** Whether a caller has presented the API key of this name. */
export function presentsKey({ subject }: Caller, name: string): boolean {
  return subject === `${SUBJECT_PREFIX}${name}`
}

/** A new key, which is shown once, and its hash for the settings. */
export function makeApiKey(): { readonly key: string; readonly hash: string } {
  const key = `ssk_${randomBytes(32).toString('base64url')}`
  return { key, hash: `sha256:${hashOf(key)}` }
}

/**
 * Verifies API keys, sent as `Authorization: Bearer ssk_…` or as the password of `Authorization: Basic …` (RFC 7617), and all else by `tokens`; null: nothing
 * else is accepted. `onUse`: called with the hash of a key that is accepted.
 */
export function acceptApiKeys(
  keys: readonly ApiKey[],
  tokens: TokenVerifier | null,
  onUse: (hash: string) => void = () => undefined,
): TokenVerifier {
  // The lookup by hash leaks no information about a key through its timing.
  const byHash = new Map(keys.map((key) => [key.hash, key]))
  return {
    async verify(authorization) {
      const presented = apiKeyIn(authorization)
      if (presented === null) {
        if (tokens === null) throw tokenError(authorization?.trim() ? 'api_key' : 'missing')
        const token = await tokens.verify(authorization)
        const subject = token.claims['sub']
        if (typeof subject === 'string' && isKeySubject(subject)) throw tokenError('reserved_subject')
        return token
      }
      const key = byHash.get(hashOf(presented))
      if (key === undefined) throw tokenError('api_key')
      if (key.expiresAt !== null && key.expiresAt * 1_000 <= Date.now()) throw tokenError('expired')
      onUse(key.hash)
      const claims = { sub: `${SUBJECT_PREFIX}${key.name}`, roles: [...key.roles], scopes: [...key.scopes] }
      const all = toAuthClaims(key.expiresAt === null ? claims : { ...claims, exp: key.expiresAt }, null)
      return verifiedToken(all, { clockToleranceSeconds: 0, maxAgeSeconds: null })
    },
  }
}

function hashOf(key: string): string {
  return createHash('sha256').update(key).digest('hex')
}
