import type { IncomingHttpHeaders } from 'node:http'
import { ArgumentError } from '../expression/index.ts'
import { shortened } from '../text/cut-text.ts'

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
/** RFC 9110 field values: visible characters, spaces, tabs and the upper half of Latin-1. */
const FIELD_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/

/** They belong to one connection or to the framing of one message, which is this client's work (RFC 9110, 7.6.1). */
const HOP_BY_HOP = new Set([
  'connection',
  'content-length',
  'expect',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/**
 * What may follow a redirect to another origin. Fetch strips three names and lets the rest go; API keys travel under a
 * hundred names (`x-api-key`, `api-key`, `x-goog-api-key` …), so here only what describes the content goes along.
 */
const CROSS_ORIGIN = new Set([
  'accept',
  'accept-encoding',
  'accept-language',
  'cache-control',
  'content-encoding',
  'content-language',
  'content-type',
  'streamstack-hops',
  'user-agent',
])

const CONTENT_HEADERS = ['content-encoding', 'content-language', 'content-location', 'content-type']

/** Whether a text is an RFC 9110 token: a method or a header name. */
export function isToken(text: string): boolean {
  return TOKEN.test(text)
}

/** Whether a text can be the value of a header. */
export function isFieldValue(text: string): boolean {
  return FIELD_VALUE.test(text)
}

/**
 * The headers of a step, names in lower case, without those that are this client's own to set.
 * Throws `step_failed` for a name or value that would break out of its line.
 */
export function checkedHeaders(headers: Readonly<Record<string, string>>): Record<string, string> {
  const checked: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers)) {
    if (!isToken(name)) {
      throw new ArgumentError('step_failed', `A header name of the outbound request is not one: ${quoted(name)}.`, {
        argument: 'headers',
      })
    }
    const lower = name.toLowerCase()
    if (lower === 'host') {
      throw new ArgumentError('step_failed', 'The outbound request sets the header Host. The URL decides the host.', {
        argument: 'headers',
      })
    }
    if (HOP_BY_HOP.has(lower)) continue
    if (typeof value !== 'string' || !isFieldValue(value)) {
      throw new ArgumentError(
        'step_failed',
        `The outbound header ${name} holds a line break or a character that headers cannot carry. Trim or encode its value.`,
        { argument: `headers.${name}` },
      )
    }
    checked[lower] = value
  }
  return checked
}

/** The headers for the next hop of a redirect. */
export function redirectedHeaders(
  headers: Readonly<Record<string, string>>,
  { sameOrigin, keepBody }: { sameOrigin: boolean; keepBody: boolean },
): Record<string, string> {
  const kept = { ...headers }
  if (!keepBody) for (const name of CONTENT_HEADERS) delete kept[name]
  if (!sameOrigin) for (const name of Object.keys(kept)) if (!CROSS_ORIGIN.has(name)) delete kept[name]
  return kept
}

/** Headers of an answer as one text each. */
export function answerHeaders(headers: IncomingHttpHeaders): Record<string, string> {
  const entries: [string, string][] = []
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) entries.push([name, Array.isArray(value) ? value.join(', ') : value])
  }
  // `fromEntries` defines instead of assigning, so a header named `__proto__` stays a plain entry.
  return Object.fromEntries(entries)
}

/** The media type and charset of a Content-Type, in lower case; empty texts when there is none. */
export function contentTypeOf(headers: Readonly<Record<string, string>>): { mediaType: string; charset: string } {
  const [mediaType = '', ...parameters] = (headers['content-type'] ?? '').split(';')
  const charset = parameters.map((part) => /^\s*charset\s*=\s*"?([^"\s]+)"?/i.exec(part)?.[1]).find((name) => name)
  return { mediaType: mediaType.trim().toLowerCase(), charset: (charset ?? '').toLowerCase() }
}

/** Whether a media type is JSON as one document (RFC 8259, and the +json suffix of RFC 6839). */
export function isJson(mediaType: string): boolean {
  return mediaType === 'application/json' || mediaType === 'text/json' || mediaType.endsWith('+json')
}

/** Longer waits count as this one, a year. */
const RETRY_AFTER_MS_MAX = 365 * 24 * 3_600_000

/** The three forms of a date in HTTP (RFC 9110, 5.6.7), all in UTC. */
const HTTP_DATE = /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? [\w -]+ \d\d:\d\d:\d\d(?: GMT| \d{4})$/

/**
 * `Retry-After` in milliseconds: seconds, some servers send fractions of them, or a date (RFC 9110, 10.2.3). `retry-after-ms` of OpenAI
 * and Azure is the same, more exactly. Undefined when absent or unreadable.
 */
export function retryAfterMsOf(headers: Readonly<Record<string, string>>): number | undefined {
  const exact = headers['retry-after-ms']?.trim() ?? ''
  if (NUMBER.test(exact)) return Math.min(Math.ceil(Number(exact)), RETRY_AFTER_MS_MAX)
  const text = headers['retry-after']?.trim() ?? ''
  if (NUMBER.test(text)) return Math.min(Math.ceil(Number(text) * 1000), RETRY_AFTER_MS_MAX)
  // V8 takes much for a date that is none.
  const date = HTTP_DATE.test(text) ? Date.parse(/\d{4}$/.test(text) ? `${text} GMT` : text) : Number.NaN
  return Number.isNaN(date) ? undefined : Math.min(Math.max(0, date - Date.now()), RETRY_AFTER_MS_MAX)
}

const NUMBER = /^\d+(?:\.\d+)?$/

function quoted(name: string): string {
  return JSON.stringify(shortened(name, 41))
}
