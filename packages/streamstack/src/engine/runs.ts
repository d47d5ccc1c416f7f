import { randomUUID } from 'node:crypto'
import type { Value } from '@streamstack/protocol'
import { type Plan, firstFrame } from '../plan/index.ts'
import { Run, type Services, type StreamOptions, type TraceSink } from '../run/index.ts'
import { MemoryLog, Stream } from '../stream/index.ts'
import type { Settings } from '../workspace/index.ts'
import { IdempotencyKeys, type KeyedCall, type RunOwner } from './idempotency.ts'
import { LiveRun } from './live-run.ts'

/** How long a run goes on without readers under `on_disconnect: cancel`, unless the endpoint says otherwise. */
const DISCONNECT_GRACE_MS = 10_000

/** The same for callers that sent a key, and so mean to come back: clients wait up to 31 s in all between their tries. */
const KEYED_GRACE_MS = 40_000

/** What the windows of all runs that go on are to keep together, and the least that one gets however many there are. */
const ACTIVE_WINDOWS_BYTES = 256 * 1024 * 1024
const WINDOW_BYTES_MIN = 524_288

/** How often runs that are past their retention are looked for. */
const SWEEP_MS = 5_000

export interface StartOptions {
  inputs: Readonly<Record<string, Value>>
  auth: Value
  options: StreamOptions | null
  owner: RunOwner
  /** The call, when it came with a key by which it may come again. */
  keyed?: KeyedCall | null
  trace?: TraceSink
}

/** All runs of the server: those that go on, and for a while those that are over, so that readers can come back. */
export class Runs {
  readonly #services: Services
  readonly #runs = new Map<string, LiveRun>()
  readonly #keys = new IdempotencyKeys()
  #startedCount = 0
  /** Runs that are over, oldest first. No Map: one that keeps losing its first entry takes ever longer to find the next. */
  readonly #retained: { id: string; bytes: number; untilMs: number }[] = []
  /** Index of the oldest that is still held. */
  #oldest = 0
  #retainedBytes = 0
  #sweep: NodeJS.Timeout | undefined

  constructor(services: Services) {
    this.#services = services
  }

  /** Makes a run that is ready to start: attach a reader, then call `run.start()`. */
  prepare(plan: Plan, settings: Settings, start: StartOptions): LiveRun {
    const { endpoint } = plan
    const windowBytes = this.#windowFor(settings.streams.windowBytes)
    const { limits } = endpoint
    const run = new Run({
      id: randomUUID(),
      programs: plan.programs,
      frame: firstFrame(plan, start.inputs, start.auth),
      stream: new Stream({
        log: new MemoryLog(windowBytes),
        whenUnread: endpoint.onDisconnect === 'cancel' ? 'wait' : 'drop',
        unreadBytesMax: windowBytes / 2,
      }),
      services: this.#services,
      limits: {
        maxDurationMs: limits.maxDurationMs ?? settings.limits.maxDurationMs,
        maxChunks: limits.maxChunks ?? settings.limits.maxChunks,
        maxBytes: limits.maxBytes ?? settings.limits.maxBytes,
        maxIterations: limits.maxIterations ?? settings.limits.maxIterations,
        maxStackDepth: settings.limits.maxStackDepth,
      },
      options: start.options,
      endpoint: endpoint.name,
    })
    if (start.trace !== undefined) run.trace = start.trace
    const live = new LiveRun(run, plan, {
      owner: start.owner,
      number: ++this.#startedCount,
      graceMs: endpoint.disconnectGraceMs ?? (start.keyed == null ? DISCONNECT_GRACE_MS : KEYED_GRACE_MS),
    })
    this.#runs.set(run.id, live)
    if (start.keyed !== undefined && start.keyed !== null) this.#keys.remember(start.keyed, run.id)
    run.stream.onEnd(() => this.#retain(live, settings))
    return live
  }

  /** Many runs at once get smaller windows: a crowd of readers that stand still must not fill the memory. */
  #windowFor(windowBytes: number): number {
    const share = ACTIVE_WINDOWS_BYTES / (this.activeCount + 1)
    return Math.min(windowBytes, Math.max(share, WINDOW_BYTES_MIN))
  }

  get(id: string): LiveRun | undefined {
    return this.#runs.get(id)
  }

  /** The run that this very call has started before. Throws `idempotency_conflict`. */
  startedBy(call: KeyedCall): LiveRun | undefined {
    const id = this.#keys.find(call)
    return id === null ? undefined : this.#runs.get(id)
  }

  /** The run that a caller has started with a key. */
  withKey(owner: RunOwner, key: string): LiveRun | undefined {
    const id = this.#keys.runOf(owner, key)
    return id === null ? undefined : this.#runs.get(id)
  }

  /** Every run that is held, the newest first. */
  newestFirst(): LiveRun[] {
    return [...this.#runs.values()].toReversed()
  }

  /** Runs that go on. */
  get activeCount(): number {
    return this.#runs.size - (this.#retained.length - this.#oldest)
  }

  /** Ends every run that goes on. */
  cancelAll(message: string): void {
    for (const { run } of this.#runs.values()) if (!run.isOver) run.cancel(message)
  }

  close(): void {
    clearInterval(this.#sweep)
    this.cancelAll('The server is stopping.')
  }

  #retain(live: LiveRun, settings: Settings): void {
    const { run, plan } = live
    live.endedAtMs = Date.now()
    const { retentionMs, retainedBytes } = settings.streams
    const bytes = run.stream.log.bytesHeld + RUN_BYTES
    this.#retained.push({ id: run.id, bytes, untilMs: performance.now() + retentionMs })
    this.#retainedBytes += bytes
    this.#evict((held) => held > retainedBytes)
    this.#sweep ??= setInterval(() => this.#evict(() => false), SWEEP_MS).unref()
    const { failure } = run
    if (failure === null) return
    const fields = {
      run: run.id,
      endpoint: plan.endpoint.name,
      code: failure.code,
      step: run.failedStep?.id,
      place: run.failedStep === null ? undefined : placeText(run.failedStep.position),
      ...(failure.cause === undefined ? {} : { err: failure.cause }),
    }
    if (run.stream.end?.outcome === 'cancelled') this.#services.log.debug(fields, 'a run was cancelled')
    else this.#services.log.warn(fields, `a run failed: ${failure.message}`)
  }

  /** Lets go of runs that are past their time, and of the oldest as long as there is too much. */
  #evict(isTooMuch: (bytes: number) => boolean): void {
    const nowMs = performance.now()
    for (;;) {
      const oldest = this.#retained[this.#oldest]
      if (oldest === undefined || (oldest.untilMs > nowMs && !isTooMuch(this.#retainedBytes))) break
      this.#oldest++
      this.#retainedBytes -= oldest.bytes
      this.#runs.delete(oldest.id)
      this.#keys.forget(oldest.id)
    }
    if (this.#oldest < COMPACT_AT || this.#oldest * 2 < this.#retained.length) return
    this.#retained.splice(0, this.#oldest)
    this.#oldest = 0
  }
}

/** So many entries that are gone may stay in front of the list before it is moved up. */
const COMPACT_AT = 1_024

/** What a run that is over holds besides its chunks, about. */
const RUN_BYTES = 4_096

function placeText({ file, line, column }: { file: string; line: number; column: number }): string {
  return `${file}:${line}:${column}`
}
