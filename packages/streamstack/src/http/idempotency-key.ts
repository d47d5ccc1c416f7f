import type { IncomingHttpHeaders } from 'node:http'
import { StreamstackError } from '@streamstack/protocol'

/** Keys are random ids; what is longer is none. */
const KEY_CHARACTERS_MAX = 255

/** The Idempotency-Key of a request, or `?idempotency_key=` for EventSource, which can set no header. In quotes (RFC 8941, as the draft of the header asks) or bare (as everybody sends it); null: none. Throws `input_invalid`. */
export function idempotencyKey(headers: IncomingHttpHeaders, query: URLSearchParams): string | null {
  const sent = headers['idempotency-key']?.toString() ?? query.get('idempotency_key')
  if (sent === null) return null
  return checkedKey(/^"(.*)"$/.exec(sent)?.[1] ?? sent)
}

/** A key as it may be. Throws `input_invalid`. */
export function checkedKey(key: string): string {
  if (key !== '' && key.length <= KEY_CHARACTERS_MAX) return key
  throw new StreamstackError(
    'input_invalid',
    `An Idempotency-Key has 1 to ${KEY_CHARACTERS_MAX} characters; a UUID is a good one.`,
  )
}
