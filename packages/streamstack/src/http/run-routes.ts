import { StreamstackError } from '@streamstack/protocol'
import { PresentedToken, subjectOf } from '../access/index.ts'
import type { RunOwner, RunView } from '../engine/index.ts'
import { chooseFormat, chooseKinds } from '../format/index.ts'
import { ReaderRecord } from '../observe/index.ts'
import { answerWhole } from './answer-whole.ts'
import { allowCall, isProtocolRead } from './durable-streams/index.ts'
import { endWithToken } from './end-with-token.ts'
import { idempotencyKey } from './idempotency-key.ts'
import type { OwnCall } from './own-call.ts'
import { checkOwner, knownRun, unknownRun } from './run-access.ts'
import { readByProtocol } from './read-by-protocol.ts'
import { RunReading } from './run-reading.ts'
import { describeRun, runFilter, runPage } from './run-list.ts'
import { startPosition } from './start-position.ts'
import { answerStream } from './stream-answer.ts'

/** `GET /v1/stream/runs/<id>`: a further reader of a run, after the offset that it names. */
export async function readRun(call: OwnCall): Promise<void> {
  const { run, token } = await allowedRun(call)
  const { engine, request, response, query } = call
  const reading = token === null ? null : new RunReading(run)
  const source = reading ?? run
  const follow = (): void => {
    if (reading !== null) endWithToken({ engine, response, source: reading, token })
  }
  const record = new ReaderRecord(engine.observation.metrics, run.endpoint, null)
  if (isProtocolRead(request, query)) {
    follow()
    return readByProtocol(call, source, record)
  }
  const format = chooseFormat(query.get('format'), request.headers.accept, source.contentType)
  const position = startPosition(source, request, query.get('offset'))
  const reader = answerStream({
    source,
    response,
    format,
    metadata: query.get('include_metadata') === 'true',
    kinds: chooseKinds(query),
    position,
    headers: call.corsHeaders,
    heartbeat: call.heartbeat,
    record,
  })
  follow()
  reader.wake()
}

/**
 * `GET /v1/runs`: the runs of the token's subject, the newest first; `?endpoint=`, `?outcome=`, `?limit=`, `?cursor=`. The id of a run that needs no token is what
 * lets one read it, so those are listed only where `streams.access: open` says that every program on this machine may read everything; `startedOpen`: it said
 * so when the host was checked.
 */
export async function listRuns(call: OwnCall, startedOpen: boolean): Promise<void> {
  const owner = await listedOwner(call, startedOpen)
  answerWhole(call, { body: JSON.stringify(await runPage(call.engine.runs, owner, runFilter(call.query))) })
}

/** Whose runs are listed. Throws `forbidden`, `unauthenticated`. */
async function listedOwner(call: OwnCall, startedOpen: boolean): Promise<RunOwner> {
  const { verifier, settings } = call.engine
  if (verifier === null && startedOpen && settings.streams.access === 'open') {
    // A page whose name was made to lead to this machine must not find what it could then read.
    await allowCall(call.engine, call.request, 'streams:read', startedOpen)
    return null
  }
  if (verifier === null) {
    throw new StreamstackError(
      'forbidden',
      'Runs are listed to the subject of a token, and this server checks none: set auth.jwt in streamstack.yaml, or streams.access: open while you try things on your own machine.',
    )
  }
  const { subject } = await callerOf(call)
  if (subject !== null) return { subject }
  throw new StreamstackError(
    'forbidden',
    'The token names no subject. Use one with `sub` to list the runs of that subject.',
  )
}

/** `GET /v1/runs/<id>`: what is known of a run. */
export async function showRun(call: OwnCall): Promise<void> {
  answerWhole(call, { body: JSON.stringify(describeRun((await allowedRun(call)).run)) })
}

/** `POST /v1/runs/<id>/cancel`: ends a run; what was sent is kept. */
export async function cancelRun(call: OwnCall): Promise<void> {
  cancel(call, (await allowedRun(call)).run)
}

/** `POST /v1/runs/cancel` with an Idempotency-Key: ends the run of that call, for callers whose answer has not begun to arrive. */
export async function cancelKeyedRun(call: OwnCall): Promise<void> {
  const { engine, request, query } = call
  const key = idempotencyKey(request.headers, query)
  if (key === null) {
    throw new StreamstackError(
      'input_invalid',
      'Send the Idempotency-Key of the call, or POST to /v1/runs/<id>/cancel.',
    )
  }
  const { authorization } = request.headers
  const caller = engine.verifier === null || authorization === undefined ? null : await callerOf(call)
  // A caller with a token may have called an endpoint that asks for none.
  const live = (caller === null ? undefined : engine.runs.withKey(caller, key)) ?? engine.runs.withKey(null, key)
  if (live === undefined) throw unknownRun()
  cancel(call, live)
}

function cancel(call: OwnCall, view: RunView): void {
  view.cancel('The run was cancelled by its caller.')
  answerWhole(call, {
    status: 202,
    body: JSON.stringify({ run: view.run, outcome: view.stream.end?.outcome ?? 'cancelled' }),
  })
}

/** The run, for whoever started it: an id that is not theirs looks like one that does not exist. */
async function allowedRun({ engine, request, id }: OwnCall): Promise<{ run: RunView; token: PresentedToken | null }> {
  const run = knownRun(engine, id)
  if (run.owner === null) return { run, token: null }
  const { verifier } = engine
  const token = verifier === null ? null : await PresentedToken.check(verifier, request.headers.authorization)
  checkOwner(run, token === null ? null : { subject: subjectOf(token.claims) })
  return { run, token }
}

/** Whom the token names. Throws `unauthenticated`. */
async function callerOf({ engine, request }: OwnCall): Promise<{ subject: string | null }> {
  const claims = await engine.verifier?.verify(request.headers.authorization)
  return { subject: claims === undefined ? null : subjectOf(claims) }
}
