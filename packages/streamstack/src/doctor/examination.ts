import { randomUUID } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import type { ProbeSeen } from '../http/index.ts'
import type { Connection } from './connection.ts'
import type { Call, Exchange } from './exchange.ts'
import type { Handshake } from './http1.ts'
import type { Proxy } from './proxy.ts'
import { type Reading, readProbe } from './read-probe.ts'

/** What a user asks for. */
export interface DoctorOptions {
  /** Sent with every request; their values are never shown. */
  readonly headers: Readonly<Record<string, string>>
  /** Between two events. */
  readonly intervalMs: number
  /** The page whose calls are tried. Null: none. */
  readonly origin: string | null
  /** How long to be silent. Null: the long test is not asked for. */
  readonly silenceMs: number | null
  /** Whether a certificate that cannot be trusted is taken. */
  readonly insecure: boolean
}

/** What to ask a probe for; see `http/probe/probe-plan.ts`. */
export interface ProbeQuery {
  readonly chunks?: number
  readonly interval?: number
  readonly bytes?: number
  readonly silence?: number
  readonly heartbeats?: boolean
}

export interface ProbeCall extends ProbeQuery {
  readonly id?: string
  readonly headers?: Readonly<Record<string, string>>
  /** Leaves when it fires. */
  readonly signal?: AbortSignal
  /** Called when the first event is there. */
  readonly onSeen?: () => void
}

/** What a probe brought, with the id under which the server knows it. */
export interface ProbeReading extends Reading {
  readonly id: string
}

/** What an answer may take beyond the time that was asked for. */
const GRACE_MS = 10_000
const TRIES = 4
const RETRY_MS_MAX = 10_000

/** One server under examination: the calls that checks make, and what is known of it. */
export class Examination {
  readonly connection: Connection
  readonly options: DoctorOptions
  /** What was recognised so far. */
  proxies: readonly Proxy[] = []
  readonly #signal: AbortSignal

  constructor(connection: Connection, options: DoctorOptions, signal: AbortSignal) {
    this.connection = connection
    this.options = options
    this.#signal = signal
  }

  /** Reads a probe; while the server has too many at once, tries again. */
  async probe(call: ProbeCall): Promise<ProbeReading> {
    const { id = randomUUID(), headers = {}, signal, onSeen, ...query } = call
    const { chunks = 0, interval = 200, silence = 0 } = query
    const parameters = Object.entries(query).map(([name, value]): [string, string] => [name, String(value)])
    for (let attempt = 1; ; attempt++) {
      const reading = await readProbe((one) => this.call(one), {
        path: `/v1/probe?${new URLSearchParams([...parameters, ['id', id]]).toString()}`,
        headers,
        timeoutMs: chunks * interval + silence + GRACE_MS,
        ...(signal === undefined ? {} : { signal }),
        ...(onSeen === undefined ? {} : { onSeen }),
      })
      const { head } = reading.exchange
      if (head?.status !== 503 || !isProblem(head.headers) || attempt === TRIES) return { ...reading, id }
      const seconds = Number(head.headers['retry-after'] ?? 1)
      await setTimeout(Math.min(RETRY_MS_MAX, Number.isFinite(seconds) ? seconds * 1000 : 1000), null, {
        signal: this.#signal,
      })
    }
  }

  call(call: Call): Promise<Exchange> {
    return this.connection.call({
      ...call,
      headers: { ...call.headers, ...this.options.headers },
      signal: call.signal === undefined ? this.#signal : AbortSignal.any([call.signal, this.#signal]),
    })
  }

  handshake(call: Call): Promise<Handshake> {
    return this.connection.handshake({ ...call, headers: { ...call.headers, ...this.options.headers } })
  }

  /** Waits, unless the user has had enough. */
  async wait(ms: number): Promise<void> {
    await setTimeout(ms, null, { signal: this.#signal })
  }
}

/** What the first, shortest probe told. */
export interface FirstSight {
  readonly examination: Examination
  readonly seen: ProbeSeen
}

/** Whether an answer is an error of ours rather than of something between. */
export function isProblem(headers: Readonly<Record<string, string>>): boolean {
  return headers['content-type']?.startsWith('application/problem+json') === true
}
