import { StreamstackError, type Value } from '@streamstack/protocol'
import { objectOf, wordsOf } from './json.ts'

/** Errors after which the same request may succeed. */
const PASSING =
  /overload|rate.?limit|too.?many|timeout|timed.?out|deadline|unavailable|internal|server.?error|api_error|resource.?exhausted|try.?again|busy/i
/** Errors that the same request meets again. */
const LASTING =
  /invalid|authentication|permission|not.?found|unsupported|context.?length|token limit|quota|billing|balance|precondition|content.?(filter|policy)/i
const PASSING_STATUSES = new Set([408, 409, 425, 429])

/** A label that names the kind of an error and nothing else. Messages of providers may quote keys and prompts. */
const LABEL = /^[A-Za-z][\w.-]{0,63}$/

/** An error that the provider told in its answer, under any status and in any of the shapes in use. Its text stays on the server. */
export function toldFault(host: string, told: Value): StreamstackError {
  const outer = objectOf(Array.isArray(told) ? told[0] : told)
  const inner = objectOf(outer?.['error'])
  const error = inner ?? outer
  const labels = [error?.['type'], error?.['code'], error?.['status']]
  const label = labels.flatMap((text) => (typeof text === 'string' && LABEL.test(text) ? [text] : [])).at(0)
  const status = labels.find((code) => typeof code === 'number')
  const named = label === undefined ? '' : ` (${label})`
  const words = [...labels, error?.['message'], outer?.['error']].filter((text) => typeof text === 'string').join(' ')
  return new StreamstackError('upstream_failed', `${host} reported an error in its answer${named}.`, {
    recoverable: mayPass(words, typeof status === 'number' ? status : null),
    ...(label === undefined ? {} : { details: { provider_error: label } }),
    cause: new Error((wordsOf(error?.['message']) ?? JSON.stringify(told)).slice(0, 1024)),
  })
}

function mayPass(words: string, status: number | null): boolean {
  if (status !== null && status >= 400) return PASSING_STATUSES.has(status) || status >= 500
  if (PASSING.test(words) && !/quota|billing/i.test(words)) return true
  return !LASTING.test(words)
}

/** The answer stopped before its provider's mark of completion. */
export function cutFault(host: string, cause?: unknown): StreamstackError {
  return new StreamstackError('upstream_failed', `${host} ended its answer before it was complete.`, { cause })
}

/** The answer holds what is no frame of the provider's. */
export function garbledFault(host: string, what: string, cause: unknown): StreamstackError {
  return new StreamstackError('upstream_failed', `${host} sent ${what} in its answer.`, { cause })
}
