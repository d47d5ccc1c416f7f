import { StreamstackError, publicError, toStreamstackError } from '@streamstack/protocol'
import type { CaughtError } from './frame.ts'

/** The errors themselves, as long as the frames that hold them are those of this process: their causes are for the log. */
const originals = new WeakMap<CaughtError, StreamstackError>()

/**
 * Returns the error for a catch block: its public part and its status. `told`: the form that
 * callers receive.
 */
export function caughtError(thrown: unknown, told: StreamstackError): CaughtError {
  const error = toStreamstackError(thrown)
  // Endpoints branch on numbers such as `upstream_status`; only texts can contain secrets.
  const details = told === error ? error.details : numbersOf(error.details ?? {})
  const caught = { ...(details as Record<string, never> | undefined), ...publicError(told), status: error.status }
  originals.set(caught, error)
  return caught
}

function numbersOf(details: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(details).filter(([, value]) => typeof value === 'number'))
}

/** The error that a frame or a state holds, to be thrown again. */
export function errorFromCaught(caught: CaughtError): StreamstackError {
  const original = originals.get(caught)
  if (original !== undefined) return original
  const { code, message, recoverable, retry_after, status, ...details } = caught
  return new StreamstackError('thrown', message, {
    publicCode: code,
    status,
    recoverable,
    ...(retry_after === null ? {} : { retryAfterMs: retry_after * 1000 }),
    details,
  })
}
