import { StreamstackError } from '@streamstack/protocol'
import { type AuthClaims, subjectOf } from '../../access/index.ts'
import type { Engine } from '../../engine/index.ts'

/** Whom the token of a connection names, and for how long. */
export interface Caller {
  readonly claims: AuthClaims
  readonly subject: string
  /** When the token expires, milliseconds since 1970; null: never. */
  readonly expiresAtMs: number | null
  /** When it is no longer taken: clocks may differ a little. Infinity: never. */
  readonly endsAtMs: number
}

/** Checks a token. Throws `unauthenticated`; `unavailable` when the issuer's keys cannot be fetched. */
export async function callerOf({ verifier, settings }: Engine, token: string): Promise<Caller> {
  if (verifier === null) {
    throw new StreamstackError(
      'unauthenticated',
      'This server has no way to check a token: its operator sets auth.jwt in streamstack.yaml. Connect without one.',
    )
  }
  const claims = await verifier.verify(`Bearer ${token}`)
  const expires = claims['exp']
  const expiresAtMs = typeof expires === 'number' ? expires * 1_000 : null
  const toleranceMs = (settings.auth.jwt?.clockToleranceSeconds ?? 0) * 1_000
  return {
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
