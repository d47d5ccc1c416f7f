import { StreamstackError, type Value } from '@streamstack/protocol'
import { upstreamText } from '../outbound/index.ts'
import { objectOf, wordsOf } from './json.ts'

/** Errors after which the same request may succeed. */
const PASSING =
  /overload|rate.?limit|too.?many|timeout|timed.?out|deadline|unavailable|internal|server.?error|api_error|resource.?exhausted|try.?again|busy/i
/** Errors that the same request meets again. */
const LASTING =
  /invalid|authentication|permission|not.?found|unsupported|context.?length|token limit|quota|billing|balance|precondition|content.?(filter|policy)/i
const PASSING_STATUSES = new Set([408, 409, 425, 429])

/** A label that names the kind of an error and nothing else: words without digits, which keys have. Messages of providers may quote keys and prompts. */
const LABEL = /^(?=.{1,64}$)[A-Za-z]+(?:[_.-][A-Za-z]+)*$/

/** `error` is what Anthropic and the Responses API call the frame, and says nothing. */
function isLabel(text: string): boolean {
  return LABEL.test(text) && text !== 'error'
}

/** An error that the provider told in its answer, under any status and in any of the shapes in use. Its text stays on the server. */
export function toldFault(host: string, told: Value): StreamstackError {
  const outer = objectOf(Array.isArray(told) ? told[0] : told)
  const inner = objectOf(outer?.['error'])
  const error = inner ?? outer
  const labels = [error?.['code'], error?.['type'], error?.['status']]
  const label = labels.flatMap((text) => (typeof text === 'string' && isLabel(text) ? [text] : [])).at(0)
  const status = labels.find((code) => typeof code === 'number')
  const named = label === undefined ? '' : ` (${label})`
  const words = [...labels, error?.['message'], outer?.['error']].filter((text) => typeof text === 'string').join(' ')
  return new StreamstackError('upstream_failed', `${host} reported an error in its answer${named}.`, {
    recoverable: mayPass(words, typeof status === 'number' ? status : null),
    ...(label === undefined ? {} : { details: { provider_error: label } }),
    cause: upstreamText(wordsOf(error?.['message']) ?? JSON.stringify(told)),
  })
}

const LABEL_MEMBER = /"(code|type|status)"\s*:\s*"([^"]*)"/g

/**
 * An error status with the kind of the provider's error, read from the beginning of its body. A used-up quota is no reason for a
 * retry, whatever its status; a conflict (409) is one for providers, which send it for locks.
 */
export function toldStatus(failure: StreamstackError): StreamstackError {
  const status = failure.details?.['upstream_status']
  if (failure.row !== 'upstream_status' || typeof status !== 'number') return failure
  const body = failure.cause instanceof Error ? failure.cause.message : ''
  const found = Array.from(body.matchAll(LABEL_MEMBER), ([, member = '', label = '']) => ({ member, label }))
  const labels = ['code', 'type', 'status'].flatMap((wanted) =>
    found.flatMap(({ member, label }) => (member === wanted && isLabel(label) ? [label] : [])),
  )
  const [label] = labels
  const named = label === undefined ? '' : ` (${label})`
  const cure = status === 401 || status === 403 ? ' Check the API key and its rights.' : ''
  return new StreamstackError('upstream_status', `${failure.message.replace(/\.$/, '')}${named}.${cure}`, {
    recoverable: (failure.recoverable || status === 409) && !labels.some((text) => LASTING_QUOTA.test(text)),
    ...(failure.retryAfterMs === undefined ? {} : { retryAfterMs: failure.retryAfterMs }),
    details: { ...failure.details, ...(label === undefined ? {} : { provider_error: label }) },
    cause: failure.cause,
  })
}

/** Nothing but money helps. */
const LASTING_QUOTA = /insufficient.?quota|billing|balance/i

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
