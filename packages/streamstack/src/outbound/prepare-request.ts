import { StreamstackError } from '@streamstack/protocol'
import type { Value } from '@streamstack/protocol'
import { ArgumentError, HOST_ARGUMENT, jsonText } from '../expression/index.ts'
import { checkedHeaders, isToken } from './headers.ts'
import type { TimeLimits } from './time-limits.ts'

/** What a step asks of the outside. Limits that are not given are those of the settings. */
export interface OutboundRequest extends Partial<TimeLimits> {
  /** Absolute http or https URL. */
  url: string
  /** Default GET, or POST when there is a body. */
  method?: string
  headers?: Readonly<Record<string, string>>
  /**
   * A text goes out as it is; anything else as JSON, or as a form when Content-Type says
   * application/x-www-form-urlencoded. Undefined and null: no body.
   */
  body?: Value
  /** Added to the URL's own query: a list repeats its name, an object is written as JSON, null is left out. */
  query?: Readonly<Record<string, Value>>
  /** Limits of this kind of request, where neither it nor the settings have one. */
  patience?: Partial<TimeLimits>
  /** Most bytes of the body, after decompression. For streams: no bound unless given. */
  maxBytes?: number
  /** Leaves at once when it fires; the call then rejects with the signal's reason. */
  signal: AbortSignal
  /** Redirects to follow, at most 5 (the default). With 0 a redirect is an answer like any other. */
  redirects?: number
  /** How many calls of this server, each made by a run of the one before, led to this request; 0: a caller from outside. Default: 0. */
  hops?: number
  /** Takes an answer outside 200-299 as an answer instead of throwing `upstream_status`. */
  acceptAnyStatus?: boolean
}

/** A request that is checked and ready for the wire. */
export interface PreparedRequest {
  url: URL
  method: string
  /** Names in lower case. */
  headers: Record<string, string>
  body: string | undefined
}

const USER_AGENT = 'streamstack'

/** Counts calls that lead to calls, so that an endpoint that calls itself, by whatever way, comes to an end. */
export const HOPS_HEADER = 'streamstack-hops'

const HOPS_MAX = 8

/** Longest value in a query or a form that is no text; servers take URLs of some 8,000. */
const QUERY_CHARACTERS_MAX = 65_536

const URL_CHARACTERS_MAX = 65_536
const FORBIDDEN_METHODS = new Set(['CONNECT', 'TRACE', 'TRACK'])

/** Checks and completes a request. Throws `step_failed` for one that cannot be sent. */
export function prepareRequest(request: OutboundRequest, defaults: Record<string, string>): PreparedRequest {
  const url = requestUrl(request)
  const headers = {
    'user-agent': USER_AGENT,
    ...defaults,
    ...checkedHeaders(request.headers ?? {}),
    [HOPS_HEADER]: String(nextHop(request.hops ?? 0)),
  }
  const body = requestBody(request.body, headers)
  return { url, method: requestMethod(request.method, body !== undefined), headers, body }
}

function nextHop(hops: number): number {
  if (hops < HOPS_MAX) return hops + 1
  throw new StreamstackError(
    'limit_exceeded',
    `This request would be the ${HOPS_MAX + 1}th in a chain of endpoints that call each other. Look for one that calls itself.`,
    { status: 508, details: { limit: HOPS_HEADER } },
  )
}

/** The count that a request came with; 0 for none, and for what is no count. */
export function hopsOf(header: string | readonly string[] | undefined): number {
  const text = header?.toString() ?? ''
  return /^\d{1,3}$/.test(text) ? Number(text) : 0
}

function requestUrl({ url: text, query = {} }: OutboundRequest): URL {
  if (typeof text !== 'string' || !URL.canParse(text)) {
    throw new ArgumentError('step_failed', 'The URL of the outbound request is not an absolute URL (https://…).', {
      argument: HOST_ARGUMENT,
    })
  }
  const url = new URL(text)
  for (const [name, value] of Object.entries(query)) {
    for (const one of listed(value)) if (one !== null && one !== undefined) url.searchParams.append(name, asText(one))
  }
  url.hash = ''
  if (url.href.length <= URL_CHARACTERS_MAX) return url
  throw new StreamstackError(
    'limit_exceeded',
    `The URL of the outbound request is longer than ${URL_CHARACTERS_MAX} characters. Send the values in the body.`,
  )
}

function requestMethod(method: string | undefined, hasBody: boolean): string {
  if (method === undefined) return hasBody ? 'POST' : 'GET'
  const problem = methodProblem(method)
  if (problem === null) return method.toUpperCase()
  throw new ArgumentError('step_failed', `The method of the outbound request ${problem}.`, { argument: 'method' })
}

/** Why a method cannot be sent; null: it can. */
export function methodProblem(method: string): string | null {
  if (!isToken(method)) return 'is not one that can be sent: it must be one word, such as POST'
  const upper = method.toUpperCase()
  return FORBIDDEN_METHODS.has(upper) ? `is not one that can be sent: ${upper} is refused` : null
}

/** The body as text; sets Content-Type where the step left it open. */
function requestBody(body: Value | undefined, headers: Record<string, string>): string | undefined {
  if (body === undefined || body === null) return undefined
  if (typeof body === 'string') {
    headers['content-type'] ??= 'text/plain; charset=utf-8'
    return body
  }
  headers['content-type'] ??= 'application/json'
  if (
    /^application\/x-www-form-urlencoded\b/i.test(headers['content-type']) &&
    typeof body === 'object' &&
    !isList(body)
  ) {
    return formBody(body)
  }
  return jsonText(body)
}

function formBody(body: { readonly [key: string]: Value }): string {
  const form = new URLSearchParams()
  for (const [name, value] of Object.entries(body)) {
    for (const one of listed(value)) if (one !== null) form.append(name, asText(one))
  }
  return form.toString()
}

function listed(value: Value): readonly Value[] {
  return isList(value) ? value : [value]
}

/** `Array.isArray` alone does not see read-only lists in a union. */
function isList(value: Value): value is readonly Value[] {
  return Array.isArray(value)
}

function asText(value: Value): string {
  return typeof value === 'string' ? value : jsonText(value, QUERY_CHARACTERS_MAX)
}
