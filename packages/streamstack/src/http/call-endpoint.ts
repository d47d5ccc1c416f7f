import type { IncomingMessage, ServerResponse } from 'node:http'
import { StreamstackError, type Value, parseOffset, toStreamstackError } from '@streamstack/protocol'
import { type AuthClaims, authorize, subjectOf } from '../access/index.ts'
import type { Engine, KeyedCall, LiveRun, RunOwner } from '../engine/index.ts'
import { chooseFormat } from '../format/index.ts'
import { type RequestBody, parseBody, readBody } from '../input/index.ts'
import type { Plan } from '../plan/index.ts'
import { answerProblem } from './answer-problem.ts'
import { callerOptions } from './caller-options.ts'
import type { Heartbeat } from './heartbeat.ts'
import { idempotencyKey } from './idempotency-key.ts'
import { startPosition } from './start-position.ts'
import { answerStream } from './stream-answer.ts'

/** Methods whose requests carry their inputs in the URL. */
const BODYLESS = new Set(['GET', 'HEAD', 'DELETE'])

/** When callers may try again that came while the server stops. */
const STOPPING_RETRY_MS = 5_000

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
  try {
    const claims = await authenticate(engine, plan, request)
    const body = BODYLESS.has(endpoint.method) ? {} : await bodyOf(request, engine.settings.server.bodyLimitBytes)
    const inputs = plan.inputs.check({ path: call.pathParameters, query, body })
    const asked = plan.hasOptions ? callerOptions(inputs['options'] ?? null) : null
    const format = chooseFormat(query.get('format'), request.headers.accept, endpoint.headers['Content-Type'])
    const owner = claims === null ? null : { subject: subjectOf(claims) }
    const keyed = keyedCall(call, owner, inputs)
    // Between this look and `prepare` nothing waits: calls that come together with one key make one run.
    const known = keyed === null ? undefined : engine.runs.startedBy(keyed)
    if (known === undefined) {
      refuseToSkip(request, keyed !== null)
      refuseWhileStopping(engine)
    }
    const started =
      known === undefined
        ? engine.runs.prepare(plan, engine.settings, {
            inputs,
            auth: claims,
            options: asked?.shape ?? null,
            owner,
            keyed,
          })
        : null
    const source = known ?? (started as LiveRun)
    const reader = answerStream({
      source,
      response,
      format,
      metadata: asked?.includeMetadata === true || query.get('include_metadata') === 'true',
      position: started === null ? startPosition(source, request, null) : 0,
      headers: { ...endpoint.headers, ...corsHeaders },
      heartbeat: call.heartbeat,
    })
    started?.execution.start()
    reader.wake()
  } catch (thrown) {
    const error = toStreamstackError(thrown)
    if (error.code === 'internal')
      engine.log.error({ endpoint: endpoint.name, err: error.cause }, 'a call could not be answered')
    // The rest of a body that is too large is not worth reading; HTTP/2 has no such header.
    if (error.code === 'body_too_large' && request.httpVersionMajor === 1) response.setHeader('Connection', 'close')
    if (response.headersSent || response.destroyed) response.destroy()
    else answerProblem(response, error, corsHeaders)
  }
}

function keyedCall(
  { plan, request, query }: EndpointCall,
  owner: RunOwner,
  inputs: Readonly<Record<string, Value>>,
): KeyedCall | null {
  const key = idempotencyKey(request.headers, query)
  return key === null ? null : { key, owner, endpoint: `${plan.endpoint.method} ${plan.endpoint.path}`, inputs }
}

/**
 * A caller that has read a part already must not get the first chunks of another run for the next of its own; and an EventSource, which
 * calls again by itself when a stream is over or was cut, must not run the endpoint again and again.
 */
function refuseToSkip({ headers }: IncomingMessage, hasKey: boolean): void {
  const after = headers['last-event-id']?.toString() ?? ''
  if (after === '' || parseOffset(after) === 0) return
  if (hasKey) {
    throw new StreamstackError(
      'run_unknown',
      'The run of this Idempotency-Key has expired. Start a new one with a fresh key.',
    )
  }
  throw new StreamstackError(
    'offset_invalid',
    'Last-Event-ID belongs to a run, and this would start a new one. Read on at the Stream-Url of the first answer, or call with an Idempotency-Key (?idempotency_key= for EventSource).',
  )
}

function refuseWhileStopping({ isDraining }: Engine): void {
  if (!isDraining) return
  throw new StreamstackError('unavailable', 'The server is stopping. Call again in a moment.', {
    retryAfterMs: STOPPING_RETRY_MS,
  })
}

async function authenticate(engine: Engine, plan: Plan, request: IncomingMessage): Promise<AuthClaims | null> {
  const { access } = plan.endpoint
  if (!access.authentication) return null
  const { verifier } = engine
  if (verifier === null) {
    throw new StreamstackError(
      'unavailable',
      'This endpoint wants a token, and the server has no way to check one: set auth.jwt in streamstack.yaml.',
    )
  }
  const claims = await verifier.verify(request.headers.authorization)
  authorize(access, claims)
  return claims
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
