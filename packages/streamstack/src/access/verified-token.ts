import type { AuthClaims } from './auth-claims.ts'
import { subjectOf } from './subject.ts'

/** A token or an API key that was accepted. */
export interface VerifiedToken {
  readonly claims: AuthClaims
  /** Runs, keys and presence belong to it. No two callers have the same, even with tokens of different issuers. */
  readonly subject: string
  /** When it expires, milliseconds since 1970; null: never. */
  readonly expiresAtMs: number | null
  /** When the server stops accepting it: clocks may differ a little. Infinity: never. */
  readonly endsAtMs: number
}

/** How long a token is accepted. */
export interface Validity {
  readonly clockToleranceSeconds: number
  /** Greatest age since `iat`; null: any. */
  readonly maxAgeSeconds: number | null
}

/** Describes a token whose signature and times were checked. `issuer`: tells its subjects from those of other issuers; null: they need not be told apart. */
export function verifiedToken(
  claims: AuthClaims,
  { clockToleranceSeconds, maxAgeSeconds }: Validity,
  issuer: string | null = null,
): VerifiedToken {
  const ends: number[] = []
  if (typeof claims['exp'] === 'number') ends.push(claims['exp'])
  if (maxAgeSeconds !== null && typeof claims['iat'] === 'number') ends.push(claims['iat'] + maxAgeSeconds)
  const expiresAtMs = ends.length === 0 ? null : Math.min(...ends) * 1_000
  return {
    claims,
    subject: subjectOf(claims, issuer),
    expiresAtMs,
    endsAtMs: expiresAtMs === null ? Infinity : expiresAtMs + clockToleranceSeconds * 1_000,
  }
}
