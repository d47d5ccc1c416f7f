import type { ServerResponse } from 'node:http'
import type { Outcome, StreamstackError } from '@streamstack/protocol'
import type { Caller, RouteRight } from '../../access/index.ts'
import type { AuditedInputs } from '../../audit/index.ts'
import type { ReaderRecord } from '../../observe/index.ts'
import type { StreamSource } from '../../stream/index.ts'

/** What is noted of a row of the server's own table. */
export interface NotedRoute {
  readonly path: string
  readonly right: RouteRight
  readonly operation: { readonly answers: 'whole' | 'stream' | 'upgrade' }
}

/** Facts about a call that are collected while it is answered, for the access log and the audit. */
export interface CallNote {
  /** Null: no caller was determined. */
  caller: Caller | null
  /** As it is declared, with its placeholders; null: there is none at the path. */
  route: string | null
  /** The row of the server's own table; null: an endpoint, or nothing, is at the path. */
  ownRoute: NotedRoute | null
  /** Name of the endpoint. */
  endpoint: string | null
  /** What stands in the places of the route's parameters; null until the caller has the right to use the route. */
  parameters: Readonly<Record<string, string>> | null
  inputs: AuditedInputs | null
  reading: { source: StreamSource; record: ReaderRecord | null } | null
  error: StreamstackError | null
}

/** One request and how it was answered, as an access log tells it: no query, no header, no body. */
export interface CallReport {
  readonly method: string
  /** Without its query, which may hold tokens; printable ASCII. */
  readonly path: string
  /** Of the client, as far as `server.trusted_proxies` tell; else of the peer, which may be a proxy. */
  readonly address: string | null
  /** Null: the connection was gone before there was an answer. */
  readonly status: number | null
  /** Name of the endpoint. */
  readonly endpoint: string | null
  readonly run: string | null
  /** Subject of the token; null: the call had none, or none was looked at. */
  readonly caller: string | null
  /** How the stream ended that was read. `disconnected`: the client left before its end. Null: the answer is no stream. */
  readonly outcome: Outcome | 'disconnected' | null
  /** Why the call was refused, or failed before its first chunk. */
  readonly error: StreamstackError | null
  /** Until the first chunk was written. */
  readonly firstChunkMs: number | null
  readonly durationMs: number
  /** Written to the client; null: they are not counted, as those of the server's own streams. */
  readonly chunks: number | null
  /** Written to the client: with HTTP/1.1 and WebSockets on the connection, with HTTP/2 of the body. */
  readonly bytes: number
  /** An origin that pages may not call from; the setting `server.cors.origins` allows it. */
  readonly refusedOrigin: string | null
}

/** The note of an answer. A property, since a WeakMap of all answers makes each collection of the young take twice as long. */
const noted = Symbol('note')

interface NotedAnswer extends ServerResponse {
  [noted]?: CallNote
}

function noteOf(answer: NotedAnswer): CallNote | undefined {
  return answer[noted]
}

/** Begins to collect. Without this call the functions below do nothing. */
export function openNote(response: ServerResponse): CallNote {
  const note: CallNote = {
    caller: null,
    route: null,
    ownRoute: null,
    endpoint: null,
    parameters: null,
    inputs: null,
    reading: null,
    error: null,
  }
  const answer: NotedAnswer = response
  answer[noted] = note
  return note
}

/** Says which endpoint a call has reached. */
export function noteEndpoint(
  response: ServerResponse,
  endpoint: { readonly name: string; readonly path: string },
): void {
  const note = noteOf(response)
  if (note === undefined) return
  note.endpoint = endpoint.name
  note.route = endpoint.path
}

/** Says which of the server's own routes a call has reached. */
export function noteRoute(response: ServerResponse, route: NotedRoute): void {
  const note = noteOf(response)
  if (note === undefined) return
  note.ownRoute = route
  note.route = route.path
}

/** Says whose call it is. */
export function noteCaller(response: ServerResponse, caller: Caller): void {
  const note = noteOf(response)
  if (note !== undefined) note.caller = caller
}

/** Says what the caller, who may use the route, means by it. */
export function noteParameters(response: ServerResponse, parameters: Readonly<Record<string, string>>): void {
  const note = noteOf(response)
  if (note !== undefined) note.parameters = parameters
}

/** Says which inputs are recorded. */
export function noteInputs(response: ServerResponse, inputs: AuditedInputs | null): void {
  const note = noteOf(response)
  if (note !== undefined) note.inputs = inputs
}

/** Says which stream an answer reads. */
export function noteReading(response: ServerResponse, source: StreamSource, record: ReaderRecord | null): void {
  const note = noteOf(response)
  if (note !== undefined) note.reading = { source, record }
}

/** Says with which error a call was answered. */
export function noteError(response: ServerResponse, error: StreamstackError): void {
  const note = noteOf(response)
  if (note !== undefined) note.error = error
}
