import type { IncomingMessage, ServerResponse } from 'node:http'
import { StreamstackError } from '@streamstack/protocol'
import type { CallPlace, Caller } from '../../access/index.ts'
import type { StreamStore } from '../../stream-store/index.ts'
import { answerError } from '../answer/answer-error.ts'
import type { Heartbeat } from '../reader/heartbeat.ts'

/** What all calls of one server share. */
export interface StreamService {
  readonly store: StreamStore
  readonly heartbeat: Heartbeat
  readonly bodyLimitBytes: number
  readonly longPollTimeoutMs: number
  readonly hidesDetails: boolean
  readonly onError: (error: unknown) => void
  /** By name of a stream: bodies for it that wait for a turn of the event loop, or behind such; settled when the last of them is taken. */
  readonly waitingBodies: Map<string, Promise<void>>
}

/** What readers of a stream need of that. */
export type ReadService = Pick<StreamService, 'heartbeat' | 'longPollTimeoutMs' | 'hidesDetails' | 'onError'>

/** One request that reads a stream. */
export interface ReadCall {
  readonly service: ReadService
  readonly request: IncomingMessage
  readonly response: ServerResponse
  /** As it was sent, without the query. */
  readonly path: string
  /** With its question mark; empty without a query. */
  readonly search: string
  readonly corsHeaders: Readonly<Record<string, string>>
}

/** One request for one stream. */
export interface StreamCall extends ReadCall {
  readonly service: StreamService
  /** Name of the stream. */
  readonly name: string
  readonly caller: Caller
  readonly place: CallPlace
}

export type Headers = Record<string, string | number>

/** On every answer (Durable Streams, "Browser Security Headers"): bytes that another client wrote must not become a page or a script. */
const SECURITY_HEADERS = { 'X-Content-Type-Options': 'nosniff', 'Cross-Origin-Resource-Policy': 'cross-origin' }

export function writeHead(
  { response, corsHeaders }: Pick<StreamCall, 'response' | 'corsHeaders'>,
  status: number,
  headers: Headers,
): void {
  response.writeHead(status, { ...SECURITY_HEADERS, ...corsHeaders, ...headers })
}

/** An answer that is whole, and never kept by caches unless the headers say so. */
export function answer(call: ReadCall, status: number, headers: Headers, body: Buffer | string = ''): void {
  const length = typeof body === 'string' ? Buffer.byteLength(body) : body.length
  const own: Headers = { 'Cache-Control': 'no-store', ...headers }
  if (status !== 204 && status !== 304) own['Content-Length'] = length
  writeHead(call, status, own)
  call.response.end(length === 0 || call.request.method === 'HEAD' ? undefined : body)
}

/** Answers why not. */
export function refuse({ request, response, corsHeaders, service }: ReadCall, thrown: unknown): void {
  const { hidesDetails, onError } = service
  answerError({ request, response, corsHeaders, hidesDetails, onError }, thrown)
}

/** Does what may be done at once or later, and refuses when it cannot be done. */
export function settle<T>(call: ReadCall, act: () => T | Promise<T>, then: (result: T) => void): void {
  try {
    const result = act()
    if (result instanceof Promise) {
      result.then(then).catch((error: unknown) => refuse(call, error))
    } else then(result)
  } catch (error) {
    refuse(call, error)
  }
}

/** A header that may be given once. Node joins repeated ones by a comma. */
export function headerOf(request: IncomingMessage, name: string): string | null {
  const value = request.headers[name]
  return value === undefined ? null : Array.isArray(value) ? value.join(', ') : value
}

/** The absolute URL of a path of this server, as the sender of the request sees it. */
export function absoluteUrl({ place }: StreamCall, path: string): string {
  return `${place.scheme}://${place.host || 'localhost'}${path}`
}

export function headerInvalid(message: string): StreamstackError {
  return new StreamstackError('header_invalid', message)
}
