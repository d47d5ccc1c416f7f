import { StreamstackError, publicFace, toStreamstackError } from '@streamstack/protocol'
import type { Services } from './services.ts'

/** `limit_exceeded`, for a run that is ended at the limit of this name. */
export function limitError(name: string, bound: string): StreamstackError {
  return new StreamstackError('limit_exceeded', `The run was ended at ${bound} (${name}).`, {
    details: { limit: name },
  })
}

/** Returns an error of a run in the form that callers receive: without secrets and, with `hidesDetails`, without details for the operator. */
export function toldError(
  thrown: unknown,
  { hidesDetails, hideSecrets }: Pick<Services, 'hidesDetails' | 'hideSecrets'>,
  run: string,
): StreamstackError {
  const error = withoutSecrets(toStreamstackError(thrown), hideSecrets)
  return hidesDetails === true ? publicFace(error, run) : error
}

/** The same error where its message holds no secret. */
function withoutSecrets(error: StreamstackError, hide: ((text: string) => string) | undefined): StreamstackError {
  const message = hide === undefined ? error.message : hide(error.message)
  if (message === error.message) return error
  const { row, code: publicCode, status, recoverable, retryAfterMs } = error
  return new StreamstackError(row, message, {
    publicCode,
    status,
    recoverable,
    cause: error,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  })
}
