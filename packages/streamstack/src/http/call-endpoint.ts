import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { parseOffset } from '@streamstack/protocol'
import { chooseFormat, chooseKinds } from '../format/index.ts'
import { type RequestBody, parseBody, readBody } from '../input/index.ts'
import { HOPS_HEADER, hopsOf } from '../outbound/index.ts'
import type { Plan } from '../plan/index.ts'
import { endWithToken } from './end-with-token.ts'
import type { Exchange } from './exchange.ts'
import { idempotencyKey } from './idempotency-key.ts'
import type { CallPreparation } from './prepare-call.ts'
import { RunReading } from './run-reading.ts'
import { startPosition } from './start-position.ts'
import { answerStream } from './stream-answer.ts'

/** Methods whose requests carry their inputs in the URL. */
const BODYLESS = new Set(['GET', 'HEAD', 'DELETE'])

/** The row of a declared endpoint: as those of `routes.ts`, but that it comes and goes with its file. */
export interface EndpointCall {
  readonly exchange: Exchange
  readonly plan: Plan
  readonly preparation: CallPreparation
}

/** Answers one call of an endpoint: with what, in which format; then the run. Nothing runs before all of that is right. */
export async function callEndpoint({ exchange, plan, preparation }: EndpointCall): Promise<void> {
  const { engine, request, response, query, corsHeaders, caller } = exchange
  const { endpoint } = plan
  const { headers } = request
  const body = BODYLESS.has(endpoint.method) ? {} : await bodyOf(request, engine.settings.server.bodyLimitBytes)
  preparation.take({ path: exchange.parameters, query, body })
  const format = chooseFormat(query.get('format'), headers.accept, endpoint.headers['Content-Type'])
  const kinds = chooseKinds(query)
  const { source, started } = preparation.begin({
    key: idempotencyKey(headers, query),
    hasRead: hasRead(headers),
    hops: hopsOf(headers[HOPS_HEADER]),
  })
  const reading = preparation.asksForCaller ? new RunReading(source) : null
  const reader = answerStream({
    source: reading ?? source,
    response,
    format,
    metadata: preparation.includesMetadata || query.get('include_metadata') === 'true',
    kinds,
    position: started === null ? startPosition(source, request, null) : 0,
    headers: { ...endpoint.headers, ...corsHeaders },
    heartbeat: exchange.heartbeat,
    // Who comes back has had its first chunk, and who takes the whole waits for the last.
    record: preparation.readerRecord(started !== null && format !== 'json'),
  })
  if (reading !== null) endWithToken({ engine, response, source: reading, caller })
  started?.execution.start()
  reader.begin()
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
