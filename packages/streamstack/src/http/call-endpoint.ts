import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import { parseOffset } from '@streamstack/protocol'
import { PresentedToken } from '../access/index.ts'
import type { Engine } from '../engine/index.ts'
import { chooseFormat, chooseKinds } from '../format/index.ts'
import { type RequestBody, parseBody, readBody } from '../input/index.ts'
import type { Plan } from '../plan/index.ts'
import { answerProblem } from './answer-problem.ts'
import { answerStopping } from './answer-stopping.ts'
import { noteEndpoint } from './call-report.ts'
import { endWithToken } from './end-with-token.ts'
import type { Heartbeat } from './heartbeat.ts'
import { idempotencyKey } from './idempotency-key.ts'
import { CallPreparation } from './prepare-call.ts'
import { RunReading } from './run-reading.ts'
import { startPosition } from './start-position.ts'
import { answerStream } from './stream-answer.ts'

/** Methods whose requests carry their inputs in the URL. */
const BODYLESS = new Set(['GET', 'HEAD', 'DELETE'])

export interface EndpointCall {
  engine: Engine
  heartbeat: Heartbeat
  plan: Plan
  request: IncomingMessage
  response: ServerResponse
  pathParameters: Readonly<Record<string, string>>
  query: URLSearchParams
  corsHeaders: Readonly<Record<string, string>>
}

/** Answers one call of an endpoint: who calls, with what, in which format; then the run. Nothing runs before all of that is right. */
export async function callEndpoint(call: EndpointCall): Promise<void> {
  const { engine, plan, request, response, query, corsHeaders } = call
  const { endpoint } = plan
  const { headers } = request
  noteEndpoint(response, endpoint.name)
  const preparation = new CallPreparation(engine, plan)
  try {
    const { verifier } = preparation
    const token = verifier === null ? null : await PresentedToken.check(verifier, headers.authorization)
    preparation.admit(token?.claims ?? null)
    const body = BODYLESS.has(endpoint.method) ? {} : await bodyOf(request, engine.settings.server.bodyLimitBytes)
    preparation.take({ path: call.pathParameters, query, body })
    const format = chooseFormat(query.get('format'), headers.accept, endpoint.headers['Content-Type'])
    const kinds = chooseKinds(query)
    const { source, started } = preparation.begin({ key: idempotencyKey(headers, query), hasRead: hasRead(headers) })
    const reading = token === null ? null : new RunReading(source)
    const reader = answerStream({
      source: reading ?? source,
      response,
      format,
      metadata: preparation.includesMetadata || query.get('include_metadata') === 'true',
      kinds,
      position: started === null ? startPosition(source, request, null) : 0,
      headers: { ...endpoint.headers, ...corsHeaders },
      heartbeat: call.heartbeat,
      // Who comes back has had its first chunk, and who takes the whole waits for the last.
      record: preparation.readerRecord(started !== null && format !== 'json'),
    })
    if (reading !== null) endWithToken({ engine, response, source: reading, token })
    started?.execution.start()
    reader.wake()
  } catch (thrown) {
    const error = preparation.refused(thrown)
    // The rest of a body that is too large is not worth reading; HTTP/2 has no such header.
    if (error.code === 'body_too_large' && request.httpVersionMajor === 1) response.setHeader('Connection', 'close')
    if (response.headersSent || response.destroyed) response.destroy()
    else if (error.code === 'unavailable' && engine.isDraining) answerStopping(request, response, corsHeaders)
    else answerProblem(response, error, corsHeaders)
  }
}

/** Whether a caller has chunks of a run already: it says so by the last offset that it got. */
function hasRead(headers: IncomingHttpHeaders): boolean {
  const after = headers['last-event-id']?.toString() ?? ''
  return after !== '' && parseOffset(after) !== 0
}

async function bodyOf(request: IncomingMessage, limitBytes: number): Promise<RequestBody> {
  const { headers } = request
  if (headers['content-length'] === '0') return {}
  if (
    headers['content-length'] === undefined &&
    headers['transfer-encoding'] === undefined &&
    request.httpVersionMajor === 1
  )
    return {}
  return parseBody(await readBody(request, limitBytes), headers['content-type'])
}
