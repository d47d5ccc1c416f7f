import { StreamstackError } from '@streamstack/protocol'
import { type AuthClaims, PresentedToken, subjectOf } from '../../access/index.ts'
import type { Engine } from '../../engine/index.ts'

/** Whom the token of a connection names, and for how long. */
export interface Caller {
  readonly token: PresentedToken
  readonly claims: AuthClaims
  readonly subject: string
  /** When the token expires, milliseconds since 1970; null: never. */
  readonly expiresAtMs: number | null
  /** When it is no longer taken: clocks may differ a little. Infinity: never. */
  readonly endsAtMs: number
}

/** Checks a token. Throws `unauthenticated`; `unavailable` when the issuer's keys cannot be fetched. */
export async function callerOf(engine: Engine, token: string): Promise<Caller> {
  const { verifier } = engine
  if (verifier === null) {
    throw new StreamstackError(
      'unauthenticated',
      'This server has no way to check a token: its operator sets auth.jwt in streamstack.yaml. Connect without one.',
    )
  }
  return callerBy(engine, await PresentedToken.check(verifier, `Bearer ${token}`))
}

/** Whom a token names that was checked. */
export function callerBy({ settings }: Engine, token: PresentedToken): Caller {
  const { claims } = token
  const expires = claims['exp']
  const expiresAtMs = typeof expires === 'number' ? expires * 1_000 : null
  const toleranceMs = (settings.auth.jwt?.clockToleranceSeconds ?? 0) * 1_000
  return {
    token,
    claims,
    subject: subjectOf(claims),
    expiresAtMs,
    endsAtMs: expiresAtMs === null ? Infinity : expiresAtMs + toleranceMs,
  }
}

/** Whole seconds until the token of a caller expires; null: never, or there is none. */
export function expiresInSeconds(caller: Caller | null): number | null {
  if (caller === null || caller.expiresAtMs === null) return null
  return Math.max(0, Math.floor((caller.expiresAtMs - Date.now()) / 1_000))
}

/** Whether a token was refused only because its time is over. */
export function isExpired(error: StreamstackError): boolean {
  return error.code === 'unauthenticated' && error.details?.['reason'] === 'expired'
}
