import type { Outcome, StreamstackError, Value } from '@streamstack/protocol'
import { type LongTimer, startLongTimer } from '../definition/index.ts'
import type { Plan } from '../plan/index.ts'
import type { RunUsage } from '../provider/index.ts'
import type { Run } from '../run/index.ts'
import type { Holding, OpenEntry, PlainAnswer, Stream, StreamReader } from '../stream/index.ts'
import type { RunOwner } from './idempotency.ts'
import { type RunTimes, type RunView, endpointRoute, runUrl, toldError } from './run-view.ts'

/** Time within which a reader that announced its disconnect closes its connection. */
const LEAVING_MS = 2_000

export interface LiveRunOptions {
  readonly owner: RunOwner
  /** Of the caller; null: not known. */
  readonly address: string | null
  /** What its variables hold. */
  readonly variables: Holding
  readonly graceMs: number
  /**
   * Called with true when the run is kept only for its grace time, and with false when a reader
   * joins again.
   */
  readonly onUnread: (isUnread: boolean) => void
  /** Called when the run is over and its last reader has left. */
  readonly onLeft: (live: LiveRun) => void
}

/** A run of this process, with its owner, its readers and its grace time. */
export class LiveRun implements RunView {
  readonly execution: Run
  readonly plan: Plan
  readonly owner: RunOwner
  readonly address: string | null
  readonly select = null
  endedAtMs: number | null = null
  inputs: Readonly<Record<string, Value>> | null = null
  /** Its places in the lists of the room; theirs alone. */
  readonly places: { active: OpenEntry<LiveRun> | null; unread: OpenEntry<LiveRun> | null } = {
    active: null,
    unread: null,
  }
  readonly #variables: Holding
  readonly #graceMs: number
  readonly #onUnread: (isUnread: boolean) => void
  readonly #onLeft: (live: LiveRun) => void
  #graceTimer: LongTimer | undefined

  /** Time at which a reader announced its disconnect, on the monotonic clock. */
  #leftAtMs = Number.NEGATIVE_INFINITY

  constructor(execution: Run, plan: Plan, options: LiveRunOptions) {
    this.execution = execution
    this.plan = plan
    this.owner = options.owner
    this.address = options.address
    this.#variables = options.variables
    this.#graceMs = options.graceMs
    this.#onUnread = options.onUnread
    this.#onLeft = options.onLeft
  }

  get run(): string {
    return this.execution.id
  }

  get stream(): Stream {
    return this.execution.stream
  }

  get url(): string {
    return runUrl(this.run)
  }

  get endpoint(): string {
    return this.plan.endpoint.name
  }

  get route(): string {
    return endpointRoute(this.plan)
  }

  get contentType(): string | undefined {
    return this.plan.endpoint.headers['Content-Type']
  }

  get responseHeaders(): ReadonlyMap<string, string> {
    return this.execution.responseHeaders
  }

  get plainAnswer(): PlainAnswer | null {
    return this.execution.state.plainAnswer
  }

  get failure(): StreamstackError | null {
    const { end } = this.stream
    // What could not be kept is not so, whatever the run itself came to.
    if (end !== null && end.outcome === 'abandoned' && end.error !== null) return toldError(end.error)
    return this.execution.toldFailure
  }

  /** What it holds in memory: chunks and variables. */
  get bytesHeld(): number {
    return this.stream.log.bytesHeld + this.#variables.bytes
  }

  /** Null while it goes on. */
  get outcome(): Outcome | null {
    return this.stream.end?.outcome ?? null
  }

  get startedAtMs(): number {
    return this.execution.startedAtMs
  }

  get chunksSent(): number {
    return this.execution.chunksSent
  }

  get times(): RunTimes | null {
    return this.stream.times?.since(this.execution.startedMs) ?? null
  }

  get usage(): RunUsage | null {
    return this.execution.state.usage
  }

  get #isCancelledUnread(): boolean {
    return this.plan.endpoint.onDisconnect === 'cancel' && this.stream.end === null
  }

  answerBegan(): void {
    this.execution.headersSent = true
  }

  cancel(message: string): void {
    if (!this.execution.isOver) this.execution.cancel(message)
  }

  /** Cancels the run; readers that take nothing are disconnected. */
  giveUp(message: string): void {
    this.stream.isGivenUp = true
    this.cancel(message)
  }

  get isUnread(): boolean {
    return this.#isCancelledUnread && this.stream.readerCount === 0
  }

  leave(): void {
    this.#leftAtMs = performance.now()
  }

  attach(reader: StreamReader): void {
    this.#graceTimer?.clear()
    this.#onUnread(false)
    this.stream.attach(reader)
  }

  /** Removes a reader. After the last one, a run with `on_disconnect: cancel` continues for its grace time, in which clients can reconnect. */
  detach(reader: StreamReader): void {
    const { stream } = this
    stream.detach(reader)
    if (stream.end !== null && stream.readerCount === 0) this.#onLeft(this)
    if (!this.isUnread) return
    this.#graceTimer?.clear()
    this.#onUnread(true)
    const isLeft = performance.now() - this.#leftAtMs < LEAVING_MS
    this.#graceTimer = startLongTimer(
      () => this.execution.cancel('The last reader of the run has disconnected.'),
      isLeft ? 0 : this.#graceMs,
    )
    stream.onEnd(() => this.#graceTimer?.clear())
  }
}
