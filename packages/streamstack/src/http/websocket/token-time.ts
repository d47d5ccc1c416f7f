import type { StreamstackError } from '@streamstack/protocol'
import type { Caller } from '../../access/index.ts'

/** How long before a token expires the server notifies its client; later where the token lives less than twice that, so that clients do not replace short ones all the time. */
const EXPIRING_MS = 30_000

/** How long a client has nothing to do about its token at the least. */
const RENEWAL_MS_MIN = 1_000

/** Whole seconds until the token of a caller expires; null: never, or there is none. */
export function expiresInSeconds({ expiresAtMs }: Caller): number | null {
  if (expiresAtMs === null) return null
  return Math.max(0, Math.floor((expiresAtMs - Date.now()) / 1_000))
}

/** Whether a token was refused only because its time is over. */
export function isExpired(error: StreamstackError): boolean {
  return error.code === 'unauthenticated' && error.details?.['reason'] === 'expired'
}

/** When to tell a client that its token expires, milliseconds since 1970; Infinity: it does not. */
export function warnAtMs({ expiresAtMs }: Caller): number {
  if (expiresAtMs === null) return Infinity
  const nowMs = Date.now()
  return Math.max(expiresAtMs - EXPIRING_MS, nowMs + Math.max((expiresAtMs - nowMs) / 2, RENEWAL_MS_MIN))
}
