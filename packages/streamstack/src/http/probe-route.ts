import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { StreamstackError } from '@streamstack/protocol'
import { isOriginAllowed } from '../access/index.ts'
import type { Engine } from '../engine/index.ts'
import { onAnswerOver } from './answer-over.ts'
import { answerWhole } from './answer-whole.ts'
import type { Exchange } from './exchange.ts'
import { type ProbePlan, probePlan } from './probe-plan.ts'
import { Probe } from './probe.ts'
import type { Operation } from './route.ts'

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

/** The server's record of a probe, for callers with its id. */
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

/** The probes of one server, and what became of them. */
export class Probes {
  readonly #open = new Set<Probe>()
  readonly #states = new Map<string, ProbeState>()

  /** Throws `unavailable` when there are too many, `input_invalid` when the id belongs to another. */
  start({ engine, heartbeat, request, response, corsHeaders }: Exchange, plan: ProbePlan): void {
    const longCount = [...this.#open].filter(({ isLong }) => isLong).length
    if (this.#open.size >= OPEN_MAX || (plan.isLong && longCount >= LONG_OPEN_MAX)) {
      throw new StreamstackError('unavailable', 'Too many probes at once. Try again in a few seconds.', {
        retryAfterMs: plan.isLong ? 60_000 : 3_000,
      })
    }
    if (plan.id !== null && this.#states.has(plan.id)) {
      throw new StreamstackError('input_invalid', 'This id belongs to another probe. Take a new one.')
    }
    const probe = new Probe({ plan, response, heartbeat, corsHeaders, seen: seenOf(engine, request, plan.id) })
    this.#open.add(probe)
    onAnswerOver(response, () => this.#open.delete(probe))
    if (plan.id !== null) remember(this.#states, plan.id, probe.state)
    probe.start()
  }

  stateOf(id: string): ProbeState {
    return this.#states.get(id) ?? unknown
  }
}

/** Starts no run and reads nothing of the workspace. */
export const startProbe: Operation = {
  summary:
    'Sends small events at known times, the first with what the server saw of the request: `streamstack doctor` finds out by them what stands between.',
  answers: 'stream',
  handle(exchange) {
    exchange.server.probes.start(exchange, probePlan(exchange.inputs))
  },
}

export const showProbe: Operation = {
  summary: 'Tells whether the reader of a probe has left.',
  answers: 'whole',
  handle(exchange) {
    const state = exchange.server.probes.stateOf(exchange.parameters['id'] ?? '')
    answerWhole(exchange, { body: JSON.stringify(state) })
  },
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
