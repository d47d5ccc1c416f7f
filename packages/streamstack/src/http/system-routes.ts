import { StreamstackError } from '@streamstack/protocol'
import { chooseFormat, chooseKinds } from '../format/index.ts'
import type { ServerRight } from '../access/index.ts'
import { answerWhole } from './answer/answer-whole.ts'
import { isProtocolRead } from './durable-streams/index.ts'
import { endWithToken } from './reader/end-with-token.ts'
import { readByProtocol } from './reader/read-by-protocol.ts'
import type { Exchange } from './exchange.ts'
import type { Operation } from './route.ts'
import { startPosition } from './reader/start-position.ts'
import { answerStream } from './reader/stream-answer.ts'
import { type SystemSource, SystemView } from './reader/system-view.ts'

/** Begins with the newest sample. */
export const readMetrics: Operation = {
  summary: 'Reads what the server counts, a sample a second.',
  answers: 'stream',
  handle(exchange) {
    const { samples } = exchange.engine.observation
    readSystemStream(exchange, viewOf(samples, exchange), String(samples.stream.lastOffset - 1))
  },
}

/** Begins an hour ago. */
export const readHistory: Operation = {
  summary: 'Reads the last hour of what the server counts, a short sample each 10 s, and what follows.',
  answers: 'stream',
  handle(exchange) {
    readSystemStream(exchange, viewOf(exchange.engine.observation.history, exchange), '-1')
  },
}

/** Begins with the oldest call that is held. */
export const readActivity: Operation = {
  summary: 'Reads which calls have ended, and how.',
  answers: 'stream',
  handle(exchange) {
    readSystemStream(exchange, viewOf(exchange.engine.observation.activity, exchange), '-1')
  },
}

/** Begins with the oldest entry that is kept. */
export const readAudit: Operation = {
  summary: 'Reads the audit: who called what, from where, and how it ended.',
  answers: 'stream',
  handle(exchange) {
    readSystemStream(exchange, viewOf(exchange.engine.audit.stream, exchange, 'audit:read'), '-1')
  },
}

export const scrapeMetrics: Operation = {
  summary: 'What the server counts, for Prometheus.',
  answers: 'whole',
  async handle(exchange) {
    const { prometheus } = exchange.engine.observation
    answerWhole(exchange, { contentType: prometheus.contentType, body: prometheus.text() })
  },
}

export const answerHealth: Operation = {
  summary: 'Whether the process answers.',
  answers: 'whole',
  fromAnyHost: true,
  handle(exchange) {
    answerWhole(exchange, { body: '{"status":"ok"}' })
  },
}

/** The route is public, so the answer has no details; the log has the cause. */
export const answerReadiness: Operation = {
  summary: 'Whether the server is to get calls now; 503 while it stops and when it can store no more.',
  answers: 'whole',
  fromAnyHost: true,
  handle(exchange) {
    const { engine } = exchange
    try {
      engine.checkReady()
      answerWhole(exchange, { body: '{"status":"ready"}' })
    } catch (thrown) {
      if (!(thrown instanceof StreamstackError)) throw thrown
      const status = engine.isDraining ? 'stopping' : 'storage_failed'
      answerWhole(exchange, { status: 503, body: JSON.stringify({ status }) })
    }
  },
}

function viewOf(source: SystemSource, { engine, caller }: Exchange, right: ServerRight = 'system:read'): SystemView {
  return new SystemView(source, caller, (renewed) => engine.access.permit(renewed, [right]))
}

/** `begin`: the offset for a reader that names none. */
function readSystemStream(call: Exchange, source: SystemView, begin: string): void {
  const { engine, request, response, query, heartbeat, corsHeaders } = call
  endWithToken({ engine, response, source, caller: call.caller })
  if (isProtocolRead(request, query)) return readByProtocol(call, source, null)
  const format = chooseFormat({ asked: query.get('format'), accept: request.headers.accept })
  const position = startPosition(source, request, query, begin)
  const kinds = chooseKinds(query)
  const headers = corsHeaders
  const reader = answerStream({
    engine,
    source,
    response,
    format,
    metadata: false,
    kinds,
    position,
    headers,
    heartbeat,
  })
  reader.begin()
  // Its first chunk may be far off: who reads must not wonder until then whether the server is there.
  reader.open?.()
}
