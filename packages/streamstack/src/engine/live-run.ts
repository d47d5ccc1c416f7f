import type { Plan } from '../plan/index.ts'
import type { Run } from '../run/index.ts'
import type { StreamReader } from '../stream/index.ts'
import type { RunOwner } from './idempotency.ts'

/** A run together with who may read it and what happens when nobody does. */
export class LiveRun {
  readonly run: Run
  readonly plan: Plan
  /** Subject of the token that started it; null: the endpoint needs no token. */
  readonly owner: RunOwner
  /** Runs of a server are numbered as they start. */
  readonly number: number
  /** Milliseconds since 1970; null while it goes on. */
  endedAtMs: number | null = null
  readonly #graceMs: number
  #graceTimer: NodeJS.Timeout | undefined

  constructor(run: Run, plan: Plan, options: { owner: RunOwner; number: number; graceMs: number }) {
    this.run = run
    this.plan = plan
    this.owner = options.owner
    this.number = options.number
    this.#graceMs = options.graceMs
  }

  attach(reader: StreamReader): void {
    clearTimeout(this.#graceTimer)
    this.run.stream.attach(reader)
  }

  /** The reader is gone. When it was the last, an endpoint with `on_disconnect: cancel` has its grace time for someone to come back. */
  detach(reader: StreamReader): void {
    const { stream } = this.run
    stream.detach(reader)
    if (this.plan.endpoint.onDisconnect !== 'cancel' || stream.readerCount > 0 || stream.end !== null) return
    clearTimeout(this.#graceTimer)
    this.#graceTimer = setTimeout(() => this.run.cancel('Nobody was reading the run any more.'), this.#graceMs)
    stream.onEnd(() => clearTimeout(this.#graceTimer))
  }
}
