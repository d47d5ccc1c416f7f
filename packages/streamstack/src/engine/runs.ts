import { setTimeout } from 'node:timers/promises'
import type { Value } from '@streamstack/protocol'
import { type Plan, firstFrame } from '../plan/index.ts'
import { Run, type Services, type StreamOptions, type TraceSink, newRunState } from '../run/index.ts'
import type { Observation } from '../observe/index.ts'
import { InOrder, after } from '../storage/index.ts'
import { weighValue } from '../input/index.ts'
import { ChunkTimes, Holding, MemoryLog, Stream } from '../stream/index.ts'
import type { Settings } from '../workspace/index.ts'
import { graceMs } from './disconnect-grace.ts'
import { DurableRuns, type RunStorage } from './durable-runs.ts'
import { IdempotencyKeys, type KeyedCall, type RunOwner, nameOfKey } from './idempotency.ts'
import type { ListedRun, RunListQuery } from './listed-run.ts'
import type { EndedRun } from './ended-run.ts'
import { HeldRuns } from './held-runs.ts'
import { LiveRun } from './live-run.ts'
import { ChatRuns } from './chat-runs.ts'
import { newRunId } from './run-id.ts'
import { logFailure, observeEnd } from './run-report.ts'
import { RunRoom, keyOf } from './run-room.ts'
import { RunTraces, newTrace } from './run-trace.ts'
import type { RunView } from './run-view.ts'

/** How far a run continues without readers before it waits for one, so that it produces nothing for clients that have disconnected. */
const UNREAD_BYTES_MAX = 65_536

/** How long runs have to come to their end when the server stops: finally blocks get 5 s of it. */
const CLOSE_MS = 5_500

/** How often runs that are past their retention are looked for. */
const SWEEP_MS = 5_000

export interface StartOptions {
  inputs: Readonly<Record<string, Value>>
  auth: Value
  options: StreamOptions | null
  owner: RunOwner
  /** Of the caller. Default: not known. */
  address?: string | null
  /** The call, when it came with a key by which it may come again. */
  keyed?: KeyedCall | null
  /** Length of the chain of calls within this server that led to this one. Default: 0. */
  hops?: number
  trace?: TraceSink
  /** What the trace of the run tells; null or absent: it has none. */
  traced?: 'steps' | 'variables' | null
  /** Whether the inputs stay readable while the run is kept in memory. Default: false. */
  keepsInputs?: boolean
  /** Values that a trace must not show. */
  secrets?: readonly string[]
  /** Instead of the endpoint's own. */
  delivery?: 'memory' | 'durable'
}

/** The run that a call reads. */
export interface CalledRun {
  readonly source: RunView
  /** The same run when this call has made it: attach a reader, then start it. Null: it was there already. */
  readonly started: LiveRun | null
}

/** A run in memory. */
type HeldRun = LiveRun | EndedRun

/** All runs of the server: those that go on, and for a while those that are over, so that readers can come back; durable ones from the store. */
export class Runs {
  readonly #services: Services
  readonly #durable: DurableRuns
  readonly #observation: Observation
  /** Which run belongs to a client's chat. */
  readonly chats = new ChatRuns()
  /** Traces of the runs that were called with `Stream-Trace: true`. */
  readonly traces = new RunTraces()
  /** Traces every run that starts; null: only those that ask for it. */
  traceEach: ((plan: Plan) => TraceSink) | null = null
  readonly #keys = new IdempotencyKeys()
  /** Calls with one key find or make their run one after the other. */
  readonly #order = new InOrder()
  readonly #held = new HeldRuns((id) => this.#keys.forget(id))
  readonly #room = new RunRoom()
  #sweep: NodeJS.Timeout | undefined

  constructor(services: Services, storage: RunStorage, observation: Observation) {
    this.#services = services
    this.#durable = new DurableRuns(storage)
    this.#observation = observation
  }

  /** Makes a run that is ready to start: attach a reader, then call `start()`. Throws `storage_failed`, `storage_full` or `unavailable` when it is to be kept and cannot. */
  prepare(plan: Plan, settings: Settings, start: StartOptions): LiveRun {
    const { endpoint } = plan
    const { limits } = endpoint
    const inputBytes = weighValue(start.inputs)
    const caller = { owner: start.owner, address: start.address ?? null }
    const memory = this.#room.memoryOf(plan)
    this.#room.demand(caller, memory, inputBytes, settings.limits.activeRunsMax ?? undefined)
    const variables = new Holding(memory)
    const id = newRunId()
    const { windowBytes } = settings.streams
    const delivery = start.delivery ?? endpoint.delivery
    const log =
      delivery === 'memory'
        ? new MemoryLog(windowBytes, { budget: memory })
        : this.#durable.log({
            id,
            endpoint,
            settings,
            start,
            live: () => this.#going(id),
            onFailure: (error) => execution.fail(error),
            tell: (error) => execution.told(error),
          })
    const execution: Run = new Run({
      state: newRunState({
        id,
        endpoint: endpoint.name,
        plan: plan.hash,
        options: start.options,
        hops: start.hops ?? 0,
        subject: start.owner?.subject ?? null,
        frame: firstFrame(plan, start.inputs, start.auth),
      }),
      programs: plan.programs,
      stream: new Stream({
        log,
        whenUnread: endpoint.onDisconnect === 'cancel' ? 'wait' : 'drop',
        unreadBytesMax:
          endpoint.onDisconnect === 'cancel' ? Math.min(UNREAD_BYTES_MAX, windowBytes / 2) : windowBytes / 2,
        lagBytesMax: windowBytes / 2,
        budget: memory,
        times: new ChunkTimes(),
      }),
      services: this.#services,
      auth: start.auth,
      limits: {
        maxDurationMs: limits.maxDurationMs ?? settings.limits.maxDurationMs,
        maxChunks: limits.maxChunks ?? settings.limits.maxChunks,
        maxBytes: limits.maxBytes ?? settings.limits.maxBytes,
        maxIterations: limits.maxIterations ?? settings.limits.maxIterations,
        maxStackDepth: settings.limits.maxStackDepth,
      },
      caller: () => keyOf(caller),
      onGrowth: (bytes) => {
        variables.set(Math.max(bytes, inputBytes))
        return this.#room.holds(caller, memory, bytes)
      },
    })
    const trace = start.traced == null ? null : newTrace(start.traced, start.secrets ?? [])
    execution.trace = start.trace ?? trace?.sink ?? this.traceEach?.(plan) ?? null
    const live: LiveRun = new LiveRun(execution, plan, {
      ...caller,
      variables,
      graceMs: endpoint.disconnectGraceMs ?? graceMs(plan.readsUpstream, start.keyed != null),
      onUnread: (isUnread) => this.#room.noteUnread(live, isUnread),
      onLeft: this.#onLeft,
    })
    if (trace !== null) this.traces.keep(live, trace)
    if (start.keepsInputs === true) live.inputs = start.inputs
    this.#held.begin(live)
    this.#room.began(live)
    this.#observation.metrics.runBegan()
    if (start.keyed !== undefined && start.keyed !== null) this.#keys.remember(start.keyed, id)
    variables.set(inputBytes)
    execution.stream.onEnd(() => {
      variables.set(0)
      this.#ended(live, settings, delivery === 'durable')
    })
    return live
  }

  /** Gives runs that a crash cut off their outcome. Returns how many there were. */
  settleAbandoned(settings: Settings): Promise<number> {
    return this.#durable.settleAbandoned(settings.streams.durableRetentionMs)
  }

  /** A run by its id: from memory, else from the store. */
  get(id: string): RunView | undefined | Promise<RunView | undefined> {
    return this.#held.get(id) ?? this.#durable.find(id)
  }

  /** Ends those of these runs that go on. */
  cancel(ids: readonly string[], message: string): void {
    for (const id of ids) this.#held.get(id)?.cancel(message)
  }

  /**
   * Deletes the streams of runs of an owner, '' for callers without a token, so that what they sent cannot be read any more. One that goes on
   * keeps its readers, and is deleted at its end.
   */
  async forget(owner: string, ids: readonly string[]): Promise<void> {
    for (const id of ids) {
      const run = await this.get(id)
      if (run === undefined || (run.owner?.subject ?? '') !== owner) continue
      const live = this.#going(id)
      if (live !== undefined) live.stream.onEnd(() => this.#forgetEnded(id))
      else if (this.#held.get(id) !== undefined) this.#held.remove(id)
      else await this.#durable.forget(id)
    }
  }

  /**
   * Makes a run the newest of a client's chat. The one before, if it goes on only for its `disconnect_grace`, was stopped on the page: it
   * is cancelled, and the new one does not wait for it.
   */
  continueChat(owner: RunOwner, endpoint: string, chat: string, run: string): void {
    const id = this.chats.find(owner, endpoint, chat)
    const before = id === null || id === run ? undefined : this.#held.get(id)
    if (before?.isUnread === true) before.cancel('The chat went on.')
    this.chats.remember(owner, endpoint, chat, run)
  }

  #forgetEnded(id: string): void {
    this.#held.remove(id)
    this.#durable.forget(id).catch((error: unknown) => {
      this.#services.log.warn({ err: error, run: id }, 'the stream of a run could not be deleted')
    })
  }

  /**
   * The run that this very call has started before, else the one that `start` makes: calls that come together with one key make one run. Throws, or
   * rejects with, `idempotency_conflict` and what `start` throws.
   */
  once(call: KeyedCall, start: () => LiveRun | Promise<LiveRun>): CalledRun | Promise<CalledRun> {
    return this.#order.run(nameOfKey(call.owner, call.key), () =>
      after(this.#startedBy(call), (known) => {
        if (known !== undefined) return { source: known, started: null }
        return after(start(), (started) => ({ source: started, started }))
      }),
    )
  }

  /** The run that a caller has started with a key. */
  withKey(owner: RunOwner, key: string): RunView | undefined | Promise<RunView | undefined> {
    const id = this.#keys.runOf(owner, key)
    if (id !== null) return this.#held.get(id)
    return this.#durable.withKey(owner, key)
  }

  /** The runs of an owner that can be read, the newest first, those in memory and those in the store. */
  async *newestFirst(query: RunListQuery): AsyncGenerator<ListedRun, void, undefined> {
    const held: HeldRun[] = []
    const runs = query.goingOn ? this.#room.active() : this.#held.values()
    for (const run of runs) if (isAskedFor(run, query)) held.push(run)
    held.sort((a, b) => (a.run < b.run ? 1 : -1))
    let next = 0
    for await (const stored of query.goingOn ? [] : this.#durable.newestFirst(query)) {
      let live = held[next]
      for (; live !== undefined && live.run > stored.run; live = held[++next]) yield listed(live)
      // One that is held may be in the store, too, also when it has ended since; and where a clock was set back, one that has begun since.
      if (live?.run !== stored.run && this.#held.get(stored.run) === undefined) yield stored
    }
    for (const live of held.slice(next)) yield listed(live)
  }

  /** Runs that go on. */
  get activeCount(): number {
    return this.#room.activeCount
  }

  /** Ends every run that goes on. */
  cancelAll(message: string): void {
    for (const live of this.#room.active()) live.cancel(message)
  }

  /** Ends every run and waits until each has its outcome, so long as finally blocks may take. */
  async close(): Promise<void> {
    clearInterval(this.#sweep)
    this.cancelAll('The server is stopping.')
    const untilMs = performance.now() + CLOSE_MS
    while (this.#room.activeCount > 0 && performance.now() < untilMs) await setTimeout(5)
  }

  #startedBy(call: KeyedCall): RunView | undefined | Promise<RunView | undefined> {
    const id = this.#keys.find(call)
    return id === null ? this.#durable.startedBy(call) : this.#held.get(id)
  }

  /** A run of this process that has not ended. */
  #going(id: string): LiveRun | undefined {
    const run = this.#held.get(id)
    return run instanceof LiveRun && run.outcome === null ? run : undefined
  }

  readonly #onLeft = (live: LiveRun): void => this.#held.settle(live)

  #ended(live: LiveRun, settings: Settings, isKept: boolean): void {
    live.endedAtMs = Date.now()
    this.#room.ended(live)
    // How a run ended that could not be kept is, like what was not to be kept, in memory alone.
    if (isKept && live.outcome !== 'abandoned') this.#held.remove(live.run)
    else this.#retain(live, settings)
    observeEnd(this.#observation, live)
    logFailure(this.#services.log, live)
  }

  #retain(live: LiveRun, { streams }: Settings): void {
    this.#held.retain(live, { retentionMs: streams.retentionMs, bytesMax: streams.retainedBytes })
    this.#sweep ??= setInterval(() => this.#held.sweep(), SWEEP_MS).unref()
  }
}

function isAskedFor(live: HeldRun, { owner, before }: RunListQuery): boolean {
  if (before !== null && live.run >= before) return false
  return owner === null ? live.owner === null : live.owner?.subject === owner.subject
}

function listed(held: HeldRun): ListedRun {
  const { run, endpoint, route, outcome } = held
  return { run, endpoint, route, outcome, open: () => held }
}
