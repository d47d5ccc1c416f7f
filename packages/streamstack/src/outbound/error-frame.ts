import { StreamstackError, type Value } from '@streamstack/protocol'
import { upstreamText } from './upstream-text.ts'

/**
 * Whether an item is an error that came under status 200, as gateways and providers send them: `{"error": {…}}`, also beside other members;
 * `{"error": "…"}` alone; `{"type": "error", "message": "…"}`, or `object` for `type`. A record that has a text `error` among others is none.
 */
export function isErrorFrame(item: Value): boolean {
  if (typeof item !== 'object' || item === null || Array.isArray(item)) return false
  const members = item as { readonly [key: string]: Value }
  const error = own(members, 'error')
  if (typeof error === 'object' && error !== null && !Array.isArray(error)) return true
  if (typeof error === 'string' && error !== '') return Object.keys(members).length === 1
  const isNamedError = own(members, 'type') === 'error' || own(members, 'object') === 'error'
  return isNamedError && typeof own(members, 'message') === 'string'
}

/** What the upstream said goes into the cause, for the log of the server only. */
export function reportedError(host: string, text: string): StreamstackError {
  return new StreamstackError('upstream_failed', `${host} reported an error in the middle of its answer.`, {
    cause: upstreamText(text),
  })
}

export function malformedItem(host: string, text: string, cause: unknown): StreamstackError {
  return new StreamstackError(
    'upstream_failed',
    `${host} sent an item that is not valid JSON. Where items may be any text, say so with \`items: sse-text\` or \`bad_items: pass\`.`,
    { cause: Object.assign(upstreamText(text), { cause }) },
  )
}

function own(members: { readonly [key: string]: Value }, name: string): Value {
  return Object.hasOwn(members, name) ? (members[name] ?? null) : null
}
