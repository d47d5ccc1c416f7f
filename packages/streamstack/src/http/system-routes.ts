import { StreamstackError } from '@streamstack/protocol'
import type { FastifyReply } from 'fastify'
import type { AuthClaims, PresentedToken } from '../access/index.ts'
import type { Engine } from '../engine/index.ts'
import { JsonResult, chooseFormat, chooseKinds } from '../format/index.ts'
import type { SystemStream } from '../observe/index.ts'
import { answerWhole } from './answer-whole.ts'
import { allowCall, allowClaims, isProtocolRead } from './durable-streams/index.ts'
import { endWithToken } from './end-with-token.ts'
import { readByProtocol } from './read-by-protocol.ts'
import { ResponseReader } from './response-reader.ts'
import type { OwnCall } from './own-call.ts'
import { startPosition } from './start-position.ts'
import { answerStream } from './stream-answer.ts'
import { SystemView } from './system-view.ts'

/** More than a system stream holds. */
const RESULT_BYTES_MAX = 16 * 1024 * 1024

/** What the server tells of itself, by what is asked for. */
export interface SystemRoutes {
  /** `GET /v1/stream/system/metrics`: begins with the newest sample. */
  readonly metrics: (call: OwnCall) => Promise<void>
  /** `GET /v1/stream/system/activity`: begins with the oldest call that is held. */
  readonly activity: (call: OwnCall) => Promise<void>
  /** `GET /metrics`, for Prometheus. */
  readonly scrape: (call: OwnCall) => Promise<void>
}

/**
 * Who may: tokens with the scope or role `system:read`, and with `streams.access: open` every program on this machine. Settings that are read again may
 * close what was open at the start, never the other way round.
 */
export function systemRoutes(engine: Engine): SystemRoutes {
  const { samples, activity, prometheus } = engine.observation
  const startedOpen = engine.settings.streams.access === 'open'
  const allow = async ({ request }: OwnCall): Promise<PresentedToken | null> =>
    (await allowCall(engine, request, 'system:read', startedOpen)) ?? null
  const view = (source: SystemStream, { request }: OwnCall, claims: AuthClaims | null): SystemView =>
    new SystemView(source, claims, (renewed) => allowClaims(engine, request, renewed, 'system:read', startedOpen))
  return {
    async metrics(call) {
      const token = await allow(call)
      const newest = view(samples, call, token?.claims ?? null)
      readSystemStream(call, newest, token, String(samples.stream.lastOffset - 1))
    },
    async activity(call) {
      const token = await allow(call)
      readSystemStream(call, view(activity, call, token?.claims ?? null), token, '-1')
    },
    async scrape(call) {
      await allow(call)
      answerWhole(call, { contentType: prometheus.contentType, body: await prometheus.text() })
    },
  }
}

/** `begin`: the offset for a reader that names none. */
function readSystemStream(call: OwnCall, source: SystemView, token: PresentedToken | null, begin: string): void {
  const { engine, request, response, query, heartbeat, corsHeaders } = call
  endWithToken({ engine, response, source, token })
  if (isProtocolRead(request, query)) return readByProtocol(call, source, null)
  const format = chooseFormat(query.get('format'), request.headers.accept, source.contentType)
  const position = startPosition(source, request, query.get('offset') ?? begin)
  if (format === 'json') {
    answerWhole(call, { body: heldJson(source, position) })
    return
  }
  const kinds = chooseKinds(query)
  const headers = corsHeaders
  const reader = answerStream({ source, response, format, metadata: false, kinds, position, headers, heartbeat })
  reader.wake()
  // Its first chunk may be far off: who reads must not wonder until then whether the server is there.
  if (reader instanceof ResponseReader && !response.headersSent) reader.beat()
}

/** A whole result does not come from a stream without an end: this is what there is of it now, in the same shape. */
function heldJson({ stream }: SystemView, position: number): string {
  const result = new JsonResult(RESULT_BYTES_MAX)
  let after = position
  for (
    let batch = stream.log.read(after);
    batch !== null && !(batch instanceof Promise);
    batch = stream.log.read(after)
  ) {
    result.add(batch)
    after = batch.offset + batch.to - batch.from - 1
  }
  return `{"run":null,"outcome":null,"chunks":${result.chunksJson()},"error":null}`
}

/** `GET /readyz`: whether the server is to get calls now. Anybody may ask, so it says no more than that; the log has the cause. */
export async function answerReadiness(engine: Engine, reply: FastifyReply): Promise<object> {
  reply.header('Cache-Control', 'no-store')
  try {
    engine.checkReady()
    return { status: 'ready' }
  } catch (thrown) {
    if (!(thrown instanceof StreamstackError)) throw thrown
    return reply.code(503).send({ status: engine.isDraining ? 'stopping' : 'storage_failed' })
  }
}
