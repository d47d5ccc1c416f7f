import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { StreamstackError } from '@streamstack/protocol'
import { isOriginAllowed } from '../../access/index.ts'
import type { Engine } from '../../engine/index.ts'
import { onAnswerOver } from '../answer/answer-over.ts'
import type { Exchange } from '../exchange.ts'
import type { ProbePlan } from './probe-plan.ts'
import { Probe, type ProbeSeen, type ProbeState } from './probe.ts'

/** Bounds that keep the probe, which needs no token, cheaper than any endpoint. */
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
