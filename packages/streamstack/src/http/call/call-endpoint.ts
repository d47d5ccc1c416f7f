import type { IncomingMessage } from 'node:http'
import { type ChunkKinds, type FormatName, parseOffset } from '@streamstack/protocol'
import type { CalledRun } from '../../engine/index.ts'
import { chooseFormat, chooseKinds } from '../../format/index.ts'
import {
  type InputSources,
  type RequestBody,
  checkBodyType,
  parseBody,
  parseBodyInPieces,
  readBody,
} from '../../input/index.ts'
import { HOPS_HEADER, hopsOf } from '../../outbound/index.ts'
import type { Plan } from '../../plan/index.ts'
import { after } from '../../storage/index.ts'
import { positionAfter } from '../../stream/reading.ts'
import { noteInputs } from './call-note.ts'
import { type ChatTurn, chatTurn } from '../chat/chat-turn.ts'
import { onAnswerOver } from '../answer/answer-over.ts'
import { endWithToken } from '../reader/end-with-token.ts'
import type { Exchange } from '../exchange.ts'
import { idempotencyKey } from './idempotency-key.ts'
import { inTurnsOfLargeBody, isLarge, isVeryLarge, turnOfLargeBody } from './large-body.ts'
import { LAST_EVENT_ID_QUERY, lastEventId } from '../reader/last-event-id.ts'
import type { CallPreparation } from './prepare-call.ts'
import { RunReading } from '../reader/run-reading.ts'
import { answerStream } from '../reader/stream-answer.ts'

const NO_BODY: RequestBody = Object.freeze({})

const NO_QUERY = new URLSearchParams()

/** Methods whose requests carry their inputs in the URL. */
const BODYLESS = new Set(['GET', 'HEAD', 'DELETE'])

/** The row of a declared endpoint: as those of `routes.ts`, but that it comes and goes with its file. */
export interface EndpointCall {
  readonly exchange: Exchange
  readonly plan: Plan
  readonly preparation: CallPreparation
}

/**
 * Answers one call of an endpoint: with what, in which format; then the run. Nothing runs before all of that is right. `byPath`: the format that the path of
 * the call stands for, which only `?format=` overrides; null: it stands for none.
 */
export function callEndpoint(call: EndpointCall, byPath: FormatName | null): void | Promise<void> {
  const { exchange, plan } = call
  const { request, query } = exchange
  const { endpoint } = plan
  // What the head of the request decides comes before its body.
  const format = chooseFormat({
    asked: query.get('format') ?? byPath,
    accept: request.headers.accept,
    declaredType: endpoint.headers['Content-Type'],
    declared: endpoint.format,
    otherwise: 'lines',
  })
  const kinds = chooseKinds(query)
  const isPlain = takesPlain(endpoint, query, request.headers.accept)
  const answer = (traced: TracedParts, body: RequestBody, chat: ChatTurn | null): void | Promise<void> =>
    answerCall(call, {
      traced,
      inputs: { path: exchange.parameters, query, body: chat?.body ?? body },
      format,
      isPlain,
      kinds,
      chat: chat?.id ?? null,
    })
  const asked = request.headers['stream-trace']
  return after(asked === undefined ? null : tracing(exchange, asked), (traced) => {
    if (BODYLESS.has(endpoint.method)) return answer(traced, NO_BODY, null)
    const body = bodyOf(exchange)
    return after(body, (sent) => answer(traced, sent, chatTurn(sent, endpoint.inputs)))
  })
}

export interface AnsweredCall {
  readonly inputs: InputSources
  readonly format: FormatName
  /** Whether the answer is the value of the run alone. Default: false. */
  readonly isPlain?: boolean
  readonly kinds: ChunkKinds | undefined
  /** The model that the caller named; undefined: none. */
  readonly model?: string
  /** Id of the client's chat, which resumes the newest run of it; null: none. */
  readonly chat: string | null
  /** What a trace of the run tells. Default: there is none. */
  readonly traced?: TracedParts
}

/** Checks the inputs, starts the run and answers with its stream. Throws, or rejects with, what it refuses. */
export function answerCall(call: EndpointCall, answered: AnsweredCall): void | Promise<void> {
  const { exchange, plan, preparation } = call
  const { request, query } = exchange
  const received = receivedOf(request, query, plan.endpoint)
  return after(preparation.take(answered.inputs), () => {
    noteInputs(exchange.response, preparation.auditedInputs)
    const begun = preparation.begin({
      key: idempotencyKey(request.headers, query),
      hasRead: received !== null && parseOffset(received) !== 0,
      hops: hopsOf(request.headers[HOPS_HEADER]),
      traced: answered.traced ?? null,
      onGone: (listener) => onAnswerOver(exchange.response, listener),
    })
    return after(begun, (run) => answerRun(call, answered, run, received))
  })
}

/** `received`: the offset that the caller has; null: none. */
function answerRun(
  { exchange, plan, preparation }: EndpointCall,
  { format, isPlain = false, kinds, model, chat }: AnsweredCall,
  { source, started }: CalledRun,
  received: string | null,
): void {
  const { engine, response, query, corsHeaders, caller } = exchange
  const { endpoint } = plan
  if (chat !== null) engine.runs.continueChat(preparation.owner, endpoint.name, chat, source.run)
  const reading = preparation.asksForCaller
    ? new RunReading(source, caller, engine.settings.auth.onExpiry === 'end')
    : null
  const reader = answerStream({
    engine,
    source: reading ?? source,
    response,
    format,
    isPlain,
    metadata: preparation.includesMetadata || query.get('include_metadata') === 'true',
    kinds,
    model,
    escapesFormulas: query.get('escape_formulas') === 'true',
    position: started === null ? positionAfter(source, received ?? '-1') : 0,
    headers: { ...endpoint.headers, ...corsHeaders },
    heartbeat: exchange.heartbeat,
    // A resumed reader already has its first chunk, and a reader of the whole result waits for the
    // last.
    record: preparation.readerRecord(started !== null && format !== 'json' && !isPlain),
  })
  if (reading !== null) endWithToken({ engine, response, source: reading, caller })
  started?.execution.start()
  reader.begin()
}

/** Whether a caller gets the plain answer of an endpoint: unless it names a format, or accepts one that streams. */
function takesPlain({ responseType }: Plan['endpoint'], query: URLSearchParams, accept: string | undefined): boolean {
  if (responseType === 'streaming' || query.has('format')) return false
  const accepted = chooseFormat({ asked: null, accept, otherwise: 'json' })
  return accepted === 'json' || accepted === 'lines'
}

/** What a trace tells: the steps, or also the variables that they find and leave; null: there is none. */
type TracedParts = 'steps' | 'variables' | null

const TRACED = { true: 'steps', variables: 'variables' } as const

/** What the caller asks of a trace by `Stream-Trace: true` or `Stream-Trace: variables`. Throws if it may not read one. */
async function tracing({ engine, request, place }: Exchange, asked: string | readonly string[]): Promise<TracedParts> {
  if (typeof asked !== 'string' || !Object.hasOwn(TRACED, asked)) return null
  await engine.access.admit({ authorization: request.headers.authorization, place, urlToken: null }, 'console')
  return TRACED[asked as keyof typeof TRACED]
}

/** Returns the offset that the caller has received. An input of the same name does not count. */
function receivedOf({ headers }: IncomingMessage, query: URLSearchParams, { inputs }: Plan['endpoint']): string | null {
  const isInput = query.has(LAST_EVENT_ID_QUERY) && inputs.some(({ name }) => name === LAST_EVENT_ID_QUERY)
  return lastEventId(headers, isInput ? NO_QUERY : query)
}

/** Reads and parses the body of a call. Rejects with `body_too_large`, `body_unreadable`, `media_type_unsupported` and `unavailable`. */
export async function bodyOf(exchange: Exchange): Promise<RequestBody> {
  const { request } = exchange
  const { headers } = request
  if (headers['content-length'] === '0') return {}
  const isAnnounced = headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined
  if (isAnnounced) checkBodyType(headers['content-type'])
  else if (request.httpVersionMajor === 1) return {}
  const bytes = await readBody(request, exchange.engine.settings.server.bodyLimitBytes)
  if (!isLarge(bytes)) return parseBody(bytes, headers['content-type'])
  const body = await inTurnsOfLargeBody(bytes, parseBodyInPieces(bytes, headers['content-type']), exchange)
  if (isVeryLarge(bytes)) await turnOfLargeBody(bytes, exchange)
  return body
}
