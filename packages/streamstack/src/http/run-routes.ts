import { StreamstackError } from '@streamstack/protocol'
import type { RunOwner, RunView } from '../engine/index.ts'
import { chooseFormat, chooseKinds } from '../format/index.ts'
import { ReaderRecord } from '../observe/index.ts'
import { after } from '../storage/index.ts'
import { answerWhole } from './answer/answer-whole.ts'
import { isProtocolRead } from './durable-streams/index.ts'
import { endWithToken } from './reader/end-with-token.ts'
import { idempotencyKey, keyOfCall } from './call/idempotency-key.ts'
import type { Exchange } from './exchange.ts'
import type { Operation } from './route.ts'
import { ownedRun, readableRun, readingOf, unknownRun } from './run-access.ts'
import { readByProtocol } from './reader/read-by-protocol.ts'
import { describeRun, runFilter, runPage } from './run-list.ts'
import { startPosition } from './reader/start-position.ts'
import { answerStream } from './reader/stream-answer.ts'

/** A further reader of a run, after the offset that it names. */
export const readRun: Operation = {
  summary: 'Reads a run: what it has sent, and what comes.',
  answers: 'stream',
  otherMethods: 'Only its endpoint writes the stream of a run. POST /v1/runs/<id>/cancel ends it.',
  handle: (exchange) => after(readableOf(exchange), (run) => read(exchange, run)),
}

/**
 * The id of a run that needs no token is what lets one read it, so those are listed only where `streams.access: open` says that every program on this
 * machine may read everything.
 */
export const listRuns: Operation = {
  summary: 'Lists the runs of the caller, the newest first.',
  answers: 'whole',
  async handle(exchange) {
    const { engine, inputs, caller } = exchange
    const page = await runPage(engine.runs, ownerOf(caller.subject), runFilter(inputs))
    answerWhole(exchange, { body: JSON.stringify(page) })
  },
}

export const showRun: Operation = {
  summary: 'Describes a run: its endpoint, times, outcome and offsets, and none of its content.',
  answers: 'whole',
  handle: (exchange) =>
    after(readableOf(exchange), (run) => answerWhole(exchange, { body: JSON.stringify(describeRun(run)) })),
}

export const cancelRun: Operation = {
  summary: 'Ends a run with the outcome `cancelled`. What it has sent is kept.',
  answers: 'whole',
  handle: (exchange) => after(runOf(exchange), (run) => cancel(exchange, run)),
}

export const cancelKeyedRun: Operation = {
  summary: 'Ends the run of the call that had this Idempotency-Key, for callers whose answer has not begun to arrive.',
  answers: 'whole',
  async handle(exchange) {
    const { engine, request, query, caller } = exchange
    const key = idempotencyKey(request.headers, query)
    if (key === null) {
      throw new StreamstackError(
        'input_invalid',
        'Send the Idempotency-Key of the call, or POST to /v1/runs/<id>/cancel.',
      )
    }
    const owner = ownerOf(caller.subject)
    // A caller with a token may have called an endpoint that asks for none.
    const live =
      (owner === null ? undefined : await engine.runs.withKey(owner, key)) ??
      (await engine.runs.withKey(null, keyOfCall(key, null, caller.place)))
    if (live === undefined) throw unknownRun()
    cancel(exchange, live)
  },
}

function read(exchange: Exchange, run: RunView): void {
  const { engine, request, response, query, caller } = exchange
  const reading = readingOf(engine, run, caller)
  const source = reading ?? run
  const follow = (): void => {
    if (reading !== null) endWithToken({ engine, response, source: reading, caller })
  }
  const record = new ReaderRecord(engine.observation.metrics, run.endpoint, null)
  if (isProtocolRead(request, query)) {
    follow()
    return readByProtocol(exchange, source, record)
  }
  const format = chooseFormat({
    asked: query.get('format'),
    accept: request.headers.accept,
    declaredType: source.contentType,
  })
  const reader = answerStream({
    engine,
    source,
    response,
    format,
    metadata: exchange.inputs['include_metadata'] === true,
    escapesFormulas: exchange.query.get('escape_formulas') === 'true',
    kinds: chooseKinds(query),
    position: startPosition(source, request, query),
    headers: exchange.corsHeaders,
    heartbeat: exchange.heartbeat,
    record,
  })
  follow()
  reader.begin()
}

function cancel(exchange: Exchange, view: RunView): void {
  const isCancelled = exchange.inputs['unread'] !== true || view.isUnread
  if (isCancelled) view.cancel('The run was cancelled by its caller.')
  else view.leave()
  const outcome = view.stream.end?.outcome ?? (isCancelled ? 'cancelled' : null)
  answerWhole(exchange, { status: 202, body: JSON.stringify({ run: view.run, outcome }) })
}

function readableOf({ engine, parameters, caller }: Exchange): RunView | Promise<RunView> {
  return readableRun(engine, parameters['id'] ?? '', caller)
}

function runOf({ engine, parameters, caller }: Exchange): RunView | Promise<RunView> {
  return ownedRun(engine, parameters['id'] ?? '', caller)
}

function ownerOf(subject: string | null): RunOwner {
  return subject === null ? null : { subject }
}
