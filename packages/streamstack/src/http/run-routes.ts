import type { IncomingMessage, ServerResponse } from 'node:http'
import { StreamstackError, parseOffset } from '@streamstack/protocol'
import type { Engine, LiveRun } from '../engine/index.ts'
import { chooseFormat } from '../format/index.ts'
import type { Heartbeat } from './heartbeat.ts'
import { answerStream } from './stream-answer.ts'

export interface RunRequest {
  engine: Engine
  heartbeat: Heartbeat
  id: string
  request: IncomingMessage
  response: ServerResponse
  query: URLSearchParams
  corsHeaders: Readonly<Record<string, string>>
}

/** `GET /v1/stream/runs/<id>`: a further reader of a run, after the offset that it names. */
export async function readRun(call: RunRequest): Promise<void> {
  const live = await allowedRun(call)
  const { request, query } = call
  const format = chooseFormat(query.get('format'), request.headers.accept, live.plan.endpoint.headers['Content-Type'])
  const position = startOf(live, request, query)
  answerStream({
    live,
    response: call.response,
    format,
    metadata: query.get('include_metadata') === 'true',
    position,
    headers: call.corsHeaders,
    heartbeat: call.heartbeat,
  }).wake()
}

/** `POST /v1/runs/<id>/cancel`: ends a run; what was sent is kept. */
export async function cancelRun(call: RunRequest): Promise<void> {
  const { run } = await allowedRun(call)
  if (!run.isOver) run.cancel('The run was cancelled by its caller.')
  const body = JSON.stringify({ run: run.id, outcome: run.stream.end?.outcome ?? 'cancelled' })
  call.response.writeHead(202, {
    ...call.corsHeaders,
    'Content-Type': 'application/json; charset=utf-8',
    'Content-Length': Buffer.byteLength(body),
  })
  call.response.end(body)
}

/** The run, for whoever started it: an id that is not theirs looks like one that does not exist. */
async function allowedRun({ engine, id, request }: RunRequest): Promise<LiveRun> {
  const live = engine.runs.get(id)
  const unknown = (): StreamstackError =>
    new StreamstackError('run_unknown', 'There is no such run, or it has expired. Start a new one.')
  if (live === undefined) throw unknown()
  if (live.owner === null) return live
  if (engine.verifier === null) throw unknown()
  const claims = await engine.verifier.verify(request.headers.authorization)
  if ((typeof claims['sub'] === 'string' ? claims['sub'] : null) !== live.owner.subject) throw unknown()
  return live
}

/** A browser's EventSource repeats its URL and adds Last-Event-ID, so the header goes first. */
function startOf(live: LiveRun, request: IncomingMessage, query: URLSearchParams): number {
  const { log } = live.run.stream
  const text = request.headers['last-event-id']?.toString() || query.get('offset') || '-1'
  const offset = parseOffset(text)
  if (offset === null || offset > log.lastOffset) {
    throw new StreamstackError(
      'offset_invalid',
      'This is no offset of this stream. Send one that it gave out, or -1 for its start.',
    )
  }
  if (offset < log.droppedOffset) {
    throw new StreamstackError('offset_expired', 'The stream no longer holds the chunks after this offset.', {
      details: { first_offset: log.droppedOffset },
    })
  }
  return offset
}
