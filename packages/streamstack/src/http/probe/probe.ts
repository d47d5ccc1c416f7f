import { createHash, randomBytes } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import { untransformed } from '../answer/answer-headers.ts'
import { onAnswerOver } from '../answer/answer-over.ts'
import type { OpenEntry } from '../../stream/index.ts'
import type { Beating, Heartbeat } from '../reader/heartbeat.ts'
import type { ProbePlan } from './probe-plan.ts'

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

/** After its own time a probe whose reader takes nothing is broken off: it must not hold a place for ever. */
const GRACE_MS = 15_000

/**
 * One probe: `event: request` with what the server saw, `event: tick`s with the time at which each was written, `event: end` with the SHA-256 of
 * all bytes before it. The headers are those of a run's answer, as proxies treat streams by them.
 */
export class Probe {
  lastWriteMs = performance.now()
  readonly isLong: boolean
  /** Kept when the probe itself is gone. */
  readonly state: ProbeState = { state: 'reading', ticks: 0, after_ms: null }
  readonly #plan: ProbePlan
  readonly #response: ServerResponse
  readonly #heartbeat: Heartbeat
  #beating: OpenEntry<Beating> | null = null
  readonly #seen: ProbeSeen
  readonly #corsHeaders: Readonly<Record<string, string>>
  readonly #hash = createHash('sha256')
  readonly #startedMs = performance.now()
  #timer: NodeJS.Timeout | undefined
  #deadline: NodeJS.Timeout | undefined

  constructor(options: {
    plan: ProbePlan
    response: ServerResponse
    heartbeat: Heartbeat
    corsHeaders: Readonly<Record<string, string>>
    seen: ProbeSeen
  }) {
    this.#plan = options.plan
    this.#response = options.response
    this.#heartbeat = options.heartbeat
    this.#seen = options.seen
    this.#corsHeaders = options.corsHeaders
    this.isLong = options.plan.isLong
  }

  start(): void {
    const { chunks, intervalMs, silenceMs, id } = this.#plan
    onAnswerOver(this.#response, () => this.#close())
    if (this.state.state === 'left') return
    this.#deadline = setTimeout(() => this.#response.destroy(), chunks * intervalMs + silenceMs + GRACE_MS).unref()
    this.#response.writeHead(200, {
      ...this.#corsHeaders,
      'Content-Type': 'text/event-stream; charset=utf-8',
      'Cache-Control': untransformed(),
      'X-Accel-Buffering': 'no',
      'X-Content-Type-Options': 'nosniff',
      'Stream-Run': id ?? 'probe',
      'Stream-Url': id === null ? '/v1/probe' : `/v1/probe/${id}`,
    })
    this.#write('request', this.#seen)
    if (this.#plan.heartbeats) this.#beating = this.#heartbeat.add(this)
    this.#next()
  }

  /** Keeps the connection open as that of every stream. */
  beat(): void {
    this.#send(': keep-alive\n\n')
  }

  /** What the way to the client does to silence is not known before the end: it is cut off, as everything is that goes on for too long. */
  goodbye(): void {
    this.#response.destroy()
  }

  /** Each tick at its time from the start, however late the one before it was. */
  #next(): void {
    const { chunks, intervalMs, silenceMs } = this.#plan
    const { ticks } = this.state
    if (ticks < chunks) this.#at((ticks + 1) * intervalMs, () => this.#tick())
    else this.#at(chunks * intervalMs + silenceMs, () => this.#end())
  }

  #at(ms: number, act: () => void): void {
    this.#timer = setTimeout(act, Math.max(0, ms - this.#elapsedMs())).unref()
  }

  #tick(): void {
    const { bytes } = this.#plan
    const number = this.state.ticks + 1
    // Random, so that no compression makes it smaller than the buffers that are to be found.
    const padding = bytes === 0 ? undefined : randomBytes(bytes).toString('base64url').slice(0, bytes)
    this.#write('tick', { number, at_ms: Math.round(this.#elapsedMs()), padding })
    this.state.ticks = number
    this.#next()
  }

  #end(): void {
    this.#beating?.remove()
    this.#settle('ended')
    this.#write('end', { at_ms: Math.round(this.#elapsedMs()), sha256: this.#hash.copy().digest('hex') })
    this.#response.end()
  }

  #write(event: string, data: object): void {
    this.#send(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`)
  }

  #send(text: string): void {
    this.lastWriteMs = performance.now()
    this.#hash.update(text)
    this.#response.write(text)
  }

  #elapsedMs(): number {
    return performance.now() - this.#startedMs
  }

  #close(): void {
    clearTimeout(this.#timer)
    clearTimeout(this.#deadline)
    this.#beating?.remove()
    if (this.state.state === 'reading') this.#settle('left')
  }

  #settle(state: ProbeState['state']): void {
    this.state.state = state
    this.state.after_ms = Math.round(this.#elapsedMs())
  }
}
