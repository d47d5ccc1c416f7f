import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import { StreamstackError, toStreamstackError } from '@streamstack/protocol'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { isOriginAllowed } from '../access/index.ts'
import type { Engine } from '../engine/index.ts'
import { onAnswerOver } from './answer-over.ts'
import { answerProblem } from './answer-problem.ts'
import type { Heartbeat } from './heartbeat.ts'
import { type ProbePlan, probePlan } from './probe-plan.ts'
import { Probe } from './probe.ts'

/** What the server saw of a probe's request: the first event of its answer. No value of a secret, no address. */
export interface ProbeSeen {
  /** Version of the probe itself. */
  protocol: 1
  /** The id that the caller gave; another one comes from a cache. */
  id: string | null
  http_version: string
  /** `streams.heartbeat`. */
  heartbeat_ms: number
  accept: string | null
  accept_encoding: string | null
  last_event_id: string | null
  idempotency_key: string | null
  /** Whether there was one. */
  authorization: boolean
  origin: string | null
  /** Whether `server.cors` lets that origin in. */
  origin_allowed: boolean
  /** Names of headers that proxies add. */
  forwarding: readonly string[]
  forwarded_proto: string | null
  /** Names of headers that concern one connection alone (RFC 9110 §7.6.1). */
  hop_by_hop: readonly string[]
}

/** What the server knows of a probe: answered to whoever knows its id. */
export interface ProbeState {
  /** `left`: its reader closed before the end. `unknown`: another server, or long ago. */
  state: 'reading' | 'left' | 'ended' | 'unknown'
  /** Ticks that were written. */
  ticks: number
  /** When its reader left or it ended, milliseconds from its start. */
  after_ms: number | null
}

/** Bounds that keep the probe, which anybody may ask for, cheaper than any endpoint. */
const OPEN_MAX = 16
/** Of these, so many may be silent for longer than a few seconds. */
const LONG_OPEN_MAX = 4
const REMEMBERED_MAX = 256
const VALUE_CHARACTERS_MAX = 200
const NAMES_MAX = 32

const unknown: Readonly<ProbeState> = { state: 'unknown', ticks: 0, after_ms: null }

/**
 * `GET /v1/probe`: small events at known times and what the server saw of the request, for `streamstack doctor`, which finds out what stands
 * between. `GET /v1/probe/<id>` tells whether the reader of a probe has left. Starts no run and reads nothing of the workspace.
 */
export function addProbeRoutes(app: FastifyInstance, engine: Engine, heartbeat: Heartbeat): void {
  const probes = new Map<string, ProbeState>()
  const open = new Set<Probe>()

  const start = (request: IncomingMessage, response: ServerResponse, plan: ProbePlan): void => {
    const longCount = [...open].filter(({ isLong }) => isLong).length
    if (open.size >= OPEN_MAX || (plan.isLong && longCount >= LONG_OPEN_MAX)) {
      throw new StreamstackError('unavailable', 'Too many probes at once. Try again in a few seconds.', {
        retryAfterMs: plan.isLong ? 60_000 : 3_000,
      })
    }
    if (plan.id !== null && probes.has(plan.id)) {
      throw new StreamstackError('input_invalid', 'This id belongs to another probe. Take a new one.')
    }
    const probe = new Probe({ plan, response, heartbeat, seen: seenOf(engine, request, plan.id) })
    open.add(probe)
    onAnswerOver(response, () => open.delete(probe))
    if (plan.id !== null) remember(probes, plan.id, probe.state)
    probe.start()
  }

  app.get('/v1/probe', { exposeHeadRoute: false }, (request, reply) => {
    reply.hijack()
    try {
      start(request.raw, reply.raw, probePlan(new URLSearchParams(request.url.split('?')[1] ?? '')))
    } catch (thrown) {
      answerProblem(reply.raw, toStreamstackError(thrown), {})
    }
  })
  app.get('/v1/probe/:id', (request: FastifyRequest<{ Params: { id: string } }>, reply): ProbeState => {
    reply.header('Cache-Control', 'no-store')
    return probes.get(request.params.id) ?? unknown
  })
}

function remember(probes: Map<string, ProbeState>, id: string, state: ProbeState): void {
  probes.set(id, state)
  const [oldest] = probes.keys()
  if (probes.size > REMEMBERED_MAX && oldest !== undefined) probes.delete(oldest)
}

function seenOf(engine: Engine, { httpVersion, headers }: IncomingMessage, id: string | null): ProbeSeen {
  const { settings } = engine
  const origin = valueOf(headers, 'origin')
  return {
    protocol: 1,
    id,
    http_version: httpVersion,
    heartbeat_ms: settings.streams.heartbeatMs,
    accept: valueOf(headers, 'accept'),
    accept_encoding: valueOf(headers, 'accept-encoding'),
    last_event_id: valueOf(headers, 'last-event-id'),
    idempotency_key: valueOf(headers, 'idempotency-key'),
    authorization: headers.authorization !== undefined,
    origin,
    origin_allowed: origin !== null && isOriginAllowed(settings.server.cors, origin),
    forwarding: namesOf(
      headers,
      /^(?:via|forwarded|x-forwarded-.*|x-real-ip|true-client-ip|cdn-loop|cf-.*|x-amzn-.*)$/,
    ),
    forwarded_proto: valueOf(headers, 'x-forwarded-proto'),
    hop_by_hop: namesOf(headers, /^(?:connection|keep-alive|te|trailer|transfer-encoding|upgrade|proxy-.*)$/),
  }
}

function valueOf(headers: IncomingHttpHeaders, name: string): string | null {
  return headers[name]?.toString().slice(0, VALUE_CHARACTERS_MAX) ?? null
}

function namesOf(headers: IncomingHttpHeaders, pattern: RegExp): readonly string[] {
  return Object.keys(headers)
    .filter((name) => pattern.test(name))
    .slice(0, NAMES_MAX)
    .map((name) => name.slice(0, VALUE_CHARACTERS_MAX))
}
