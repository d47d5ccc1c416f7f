import type { ServerResponse } from 'node:http'
import type { StreamstackError } from '@streamstack/protocol'
import type { Caller } from '../access/index.ts'
import type { AuditedInputs } from '../audit/index.ts'
import type { ReaderRecord } from '../observe/index.ts'
import type { StreamSource } from '../stream/index.ts'
import type { Route } from './route.ts'

/** Facts about a call that are collected while it is answered, for the access log and the audit. */
export interface CallNote {
  /** Null: no caller was determined. */
  caller: Caller | null
  /** As it is declared, with its placeholders; null: there is none at the path. */
  route: string | null
  /** The row of the server's own table; null: an endpoint, or nothing, is at the path. */
  ownRoute: Route | null
  /** Name of the endpoint. */
  endpoint: string | null
  /** What stands in the places of the route's parameters; null until the caller has the right to use the route. */
  parameters: Readonly<Record<string, string>> | null
  inputs: AuditedInputs | null
  reading: { source: StreamSource; record: ReaderRecord | null } | null
  error: StreamstackError | null
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
export function noteRoute(response: ServerResponse, route: Route): void {
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
