import type { Outcome, StreamEnd, StreamstackError, Value } from '@streamstack/protocol'
import type { Plan } from '../plan/index.ts'
import type { RunUsage } from '../provider/index.ts'
import type { ChunkTimes, MemoryLog, PlainAnswer } from '../stream/index.ts'
import { FinishedRun } from './finished-run.ts'
import type { RunOwner } from './idempotency.ts'
import type { LiveRun } from './live-run.ts'
import { type RunTimes, type RunView, endpointRoute } from './run-view.ts'

/** What one holds besides its chunks, inputs and times, about. */
const RUN_BYTES = 768

/**
 * A finished run in memory without readers. It keeps a small part of a live run, as a server retains thousands of them. A reader that
 * reconnects gets a new stream over the same log.
 */
export class EndedRun extends FinishedRun implements RunView {
  readonly owner: RunOwner
  readonly startedAtMs: number
  readonly endedAtMs: number | null
  readonly chunksSent: number
  readonly responseHeaders: ReadonlyMap<string, string>
  readonly plainAnswer: PlainAnswer | null
  readonly failure: StreamstackError | null
  readonly usage: RunUsage | null
  readonly inputs: Readonly<Record<string, Value>> | null
  readonly #plan: Plan
  readonly #log: MemoryLog
  readonly #end: StreamEnd
  readonly #times: ChunkTimes | null
  readonly #startedMs: number

  constructor(live: LiveRun, log: MemoryLog, end: StreamEnd) {
    super(live.run)
    this.owner = live.owner
    this.startedAtMs = live.startedAtMs
    this.endedAtMs = live.endedAtMs
    this.chunksSent = live.chunksSent
    this.responseHeaders = live.responseHeaders
    this.plainAnswer = live.plainAnswer
    this.failure = live.failure
    this.usage = live.usage
    this.inputs = live.inputs
    this.#plan = live.plan
    log.pack()
    this.#log = log
    this.#end = end
    live.stream.times?.trim()
    this.#times = live.stream.times
    this.#startedMs = live.execution.startedMs
  }

  protected override opened(): { log: MemoryLog; end: StreamEnd } {
    return { log: this.#log, end: this.#end }
  }

  get endpoint(): string {
    return this.#plan.endpoint.name
  }

  get route(): string {
    return endpointRoute(this.#plan)
  }

  get contentType(): string | undefined {
    return this.#plan.endpoint.headers['Content-Type']
  }

  get outcome(): Outcome {
    return this.#end.outcome
  }

  get times(): RunTimes | null {
    return this.#times?.since(this.#startedMs) ?? null
  }

  get bytesHeld(): number {
    const inputs = this.inputs === null ? 0 : JSON.stringify(this.inputs).length
    return this.#log.bytesHeld + (this.#times?.bytesHeld ?? 0) + inputs + RUN_BYTES
  }
}
