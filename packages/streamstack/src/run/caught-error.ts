import { StreamstackError, publicError, toStreamstackError } from '@streamstack/protocol'
import type { CaughtError } from './frame.ts'

/** An error as frames hold it: its public part and its status. */
export function caughtError(thrown: unknown): CaughtError {
  const error = toStreamstackError(thrown)
  return { ...(error.details as Record<string, never> | undefined), ...publicError(error), status: error.status }
}

/** The error that a frame or a state holds, to be thrown again. */
export function errorFromCaught(caught: CaughtError): StreamstackError {
  const { code, message, recoverable, retry_after, status, ...details } = caught
  return new StreamstackError('thrown', message, {
    publicCode: code,
    status,
    recoverable,
    ...(retry_after === null ? {} : { retryAfterMs: retry_after * 1000 }),
    details,
  })
}
