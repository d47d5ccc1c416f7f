import { createHash } from 'node:crypto'
import type { AuthClaims } from './auth-claims.ts'

/** Claims that differ between two tokens of one caller (RFC 7519 §4.1). */
const PER_TOKEN: ReadonlySet<string> = new Set(['iat', 'exp', 'nbf', 'jti', 'auth_time', 'nonce', 'at_hash'])

/** A `sub` of this form is escaped, so that no caller can take a generated subject. */
const MADE = /^(?:sha256|sub|iss):/

/**
 * The subject of a token: its `sub` when that is text, as the standard asks. For any other token all that it says of its caller, so that two callers are never one.
 * `issuer`: the `sub` is one of this issuer, which may name its subjects as another does; null: it needs no issuer.
 */
export function subjectOf(claims: AuthClaims, issuer: string | null = null): string {
  const subject = claims['sub']
  // The empty text stands for callers without a token: a token that says it must not be one of them.
  if (typeof subject === 'string' && subject !== '') {
    if (issuer !== null) return `iss:${encodeURIComponent(issuer)}:${subject}`
    return MADE.test(subject) ? `sub:${subject}` : subject
  }
  const said = Object.entries(claims).filter(([name]) => !PER_TOKEN.has(name))
  const sorted = said.toSorted(([first], [second]) => (first < second ? -1 : 1))
  return `sha256:${createHash('sha256').update(JSON.stringify(sorted)).digest('base64url')}`
}
