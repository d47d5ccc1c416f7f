import type { StreamstackError } from '@streamstack/protocol'
import type { Caller } from '../../access/index.ts'

/** Whole seconds until the token of a caller expires; null: never, or there is none. */
export function expiresInSeconds({ expiresAtMs }: Caller): number | null {
  if (expiresAtMs === null) return null
  return Math.max(0, Math.floor((expiresAtMs - Date.now()) / 1_000))
}

/** Whether a token was refused only because its time is over. */
export function isExpired(error: StreamstackError): boolean {
  return error.code === 'unauthenticated' && error.details?.['reason'] === 'expired'
}
