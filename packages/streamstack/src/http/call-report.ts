import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Outcome, StreamstackError } from '@streamstack/protocol'
import { admitsOrigin } from '../access/index.ts'
import type { Caller } from '../access/index.ts'
import type { Engine } from '../engine/index.ts'
import type { ReaderRecord } from '../observe/index.ts'
import type { StreamSource } from '../stream/index.ts'
import { onAnswerOver } from './answer-over.ts'

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
  /** An origin that pages may not call from; the setting `server.cors.origins` allows it. */
  readonly refusedOrigin: string | null
}

/** Longer paths are cut. */
const PATH_LENGTH_MAX = 500

const SUBJECT_LENGTH_MAX = 200

/** Facts about a call that are collected while it is answered. */
interface CallNote {
  endpoint: string | null
  caller: string | null
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

/** Follows a call and reports it when its answer is over. */
export function reportCall(
  engine: Engine,
  request: IncomingMessage,
  response: ServerResponse,
  onCall: (call: CallReport) => void,
): void {
  const startedAtMs = performance.now()
  const note: CallNote = { endpoint: null, caller: null, reading: null, error: null }
  const answer: NotedAnswer = response
  answer[noted] = note
  // The address is gone with the connection.
  const described = describeRequest(engine, request)
  onAnswerOver(response, () => {
    const nowMs = performance.now()
    const record = note.reading?.record ?? null
    onCall({
      ...described,
      status: response.headersSent ? response.statusCode : null,
      endpoint: note.endpoint,
      caller: note.caller,
      run: note.reading?.source.run ?? null,
      outcome: outcomeOf(note, response),
      error: note.error,
      firstChunkMs: record === null || record.firstChunkAtMs === null ? null : record.firstChunkAtMs - startedAtMs,
      durationMs: nowMs - startedAtMs,
      chunks: record?.chunks ?? null,
    })
  })
}

/** Reports a request to open a WebSocket when it was refused or its connection is over. */
export function reportSocket(
  engine: Engine,
  request: IncomingMessage,
  answer: { status: number; durationMs: number; error: StreamstackError | null },
): CallReport {
  return {
    ...describeRequest(engine, request),
    endpoint: null,
    caller: null,
    run: null,
    outcome: null,
    firstChunkMs: null,
    chunks: null,
    ...answer,
  }
}

/** Says which endpoint a call has reached. */
export function noteEndpoint(response: ServerResponse, name: string): void {
  const note = noteOf(response)
  if (note !== undefined) note.endpoint = name
}

/** Returns the name of the caller for the log. Issuers choose the subject, so a long one is cut. */
export function noteCaller(response: ServerResponse, { subject }: Caller): void {
  const note = noteOf(response)
  if (note !== undefined && subject !== null) note.caller = subject.slice(0, SUBJECT_LENGTH_MAX).toWellFormed()
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

function describeRequest(
  engine: Engine,
  request: IncomingMessage,
): Pick<CallReport, 'method' | 'path' | 'address' | 'refusedOrigin'> {
  const { method = 'GET', url = '/', headers } = request
  const place = engine.gate.placeOf(request)
  const isAdmitted = admitsOrigin(engine.settings.server.cors, place)
  return {
    method,
    path: printable(url.split('?', 1)[0] ?? ''),
    address: place.address,
    refusedOrigin: isAdmitted ? null : printable(headers.origin ?? ''),
  }
}

function outcomeOf({ reading, error }: CallNote, response: ServerResponse): CallReport['outcome'] {
  if (reading === null) return null
  const { end } = reading.source.stream
  // An answer that was broken off on purpose, after a failure, is not finished either.
  if (end !== null && (response.writableEnded || error !== null)) return end.outcome
  return end !== null && end.outcome !== 'completed' ? end.outcome : 'disconnected'
}

/** A terminal must not act on what a caller sends, and no log keeps an API key or a ticket that came where none belongs. */
function printable(text: string): string {
  const shown = text
    .replaceAll(/(ss[kt]_)[\w-]{8,}/g, '$1***')
    .slice(0, PATH_LENGTH_MAX)
    .replaceAll(/[^\x21-\x7e]/g, (character) => encodeURIComponent(character.toWellFormed()))
  return text.length > PATH_LENGTH_MAX ? `${shown}…` : shown
}
