import type { IncomingHttpHeaders } from 'node:http'
import { StreamstackError } from '@streamstack/protocol'
import type { CallPlace } from '../../access/index.ts'
import type { RunOwner } from '../../engine/index.ts'

/** Keys are random ids; what is longer is none. */
const KEY_CHARACTERS_MAX = 255

/** The Idempotency-Key of a request, or `?idempotency_key=` for EventSource, which can set no header. In quotes (RFC 8941, as the draft of the header asks) or bare (as most clients send it); null: none. Throws `input_invalid`. */
export function idempotencyKey(headers: IncomingHttpHeaders, query: URLSearchParams): string | null {
  const sent = headers['idempotency-key']?.toString() ?? query.get('idempotency_key')
  if (sent === null) return null
  return checkedKey(/^"(.*)"$/.exec(sent)?.[1] ?? sent)
}

/** Shorter keys can be guessed, or are what many would think of. */
const SECRET_CHARACTERS_MIN = 16

/**
 * The key by which the server knows the run of a call. Keys of callers with a token belong to their subject. Those of all others share one space, so a key
 * that can be guessed counts only together with the address that it came from: else one caller could read or cancel the run of another. A longer key is a
 * secret, and goes on from another address, as when a phone changes its network.
 */
export function keyOfCall(key: string, owner: RunOwner, { address }: CallPlace): string {
  return owner !== null || key.length >= SECRET_CHARACTERS_MIN ? key : `${address} ${key}`
}

/** A key as it may be. Throws `input_invalid`. */
export function checkedKey(key: string): string {
  if (key !== '' && key.length <= KEY_CHARACTERS_MAX) return key
  throw new StreamstackError(
    'input_invalid',
    `An Idempotency-Key has 1 to ${KEY_CHARACTERS_MAX} characters; a UUID is a good one.`,
  )
}
