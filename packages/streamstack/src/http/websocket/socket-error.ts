import { StreamstackError, WEBSOCKET_TOKEN_PREFIX, publicFace, toStreamstackError } from '@streamstack/protocol'

/** Where a token goes. */
const PLACES = `send {"type":"auth","token":"…"}, or offer the subprotocol ${WEBSOCKET_TOKEN_PREFIX}<token> with the handshake`

/** What the same faults are called where a token comes in a header. */
const messages: ReadonlyMap<unknown, string> = new Map([
  ['missing', `This wants a token: ${PLACES}.`],
  ['malformed', `The token is no JWT. Take it as it was issued, without "Bearer", and ${PLACES}.`],
])

/**
 * Returns an error in its WebSocket form, where no header can carry a token. `hidesDetails`:
 * without details meant for the operator.
 */
export function socketError(thrown: unknown, hidesDetails = false): StreamstackError {
  const known = toStreamstackError(thrown)
  const error = hidesDetails ? publicFace(known, null) : known
  const message = error.code === 'unauthenticated' ? messages.get(error.details?.['reason']) : undefined
  if (message === undefined) return error
  return new StreamstackError('unauthenticated', message, { details: error.details ?? {}, cause: error })
}
