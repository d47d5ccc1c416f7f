import { randomUUID } from 'node:crypto'
import type { Value } from '@streamstack/protocol'
import { type Plan, firstFrame } from '../plan/index.ts'
import { Run, type Services, type StreamOptions, type TraceSink } from '../run/index.ts'
import { MemoryLog, Stream } from '../stream/index.ts'
import type { Settings } from '../workspace/index.ts'
import { LiveRun } from './live-run.ts'

/** How long a run goes on without readers under `on_disconnect: cancel`, unless the endpoint says otherwise. */
const DISCONNECT_GRACE_MS = 10_000

/** How often runs that are past their retention are looked for. */
const SWEEP_MS = 5_000

export interface StartOptions {
  inputs: Readonly<Record<string, Value>>
  auth: Value
  options: StreamOptions | null
  owner: { subject: string | null } | null
  trace?: TraceSink
}

/** All runs of the server: those that go on, and for a while those that are over, so that readers can come back. */
export class Runs {
  readonly #services: Services
  readonly #runs = new Map<string, LiveRun>()
  /** Runs that are over, oldest first, with what they hold in memory. */
  readonly #retained = new Map<string, { bytes: number; untilMs: number }>()
  #retainedBytes = 0
  #sweep: NodeJS.Timeout | undefined

  constructor(services: Services) {
    this.#services = services
  }

  /** Makes a run that is ready to start: attach a reader, then call `run.start()`. */
  prepare(plan: Plan, settings: Settings, start: StartOptions): LiveRun {
    const { endpoint } = plan
    const { windowBytes } = settings.streams
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
      graceMs: endpoint.disconnectGraceMs ?? DISCONNECT_GRACE_MS,
    })
    this.#runs.set(run.id, live)
    run.stream.onEnd(() => this.#retain(live, settings))
    return live
  }

  get(id: string): LiveRun | undefined {
    return this.#runs.get(id)
  }

  /** Runs that go on. */
  get activeCount(): number {
    return this.#runs.size - this.#retained.size
  }

  /** Ends every run that goes on. */
  cancelAll(message: string): void {
    for (const { run } of this.#runs.values()) if (!run.isOver) run.cancel(message)
  }

  close(): void {
    clearInterval(this.#sweep)
    this.cancelAll('The server is stopping.')
  }

  #retain({ run, plan }: LiveRun, settings: Settings): void {
    const { retentionMs, retainedBytes } = settings.streams
    const bytes = run.stream.log.bytesHeld + RUN_BYTES
    this.#retained.set(run.id, { bytes, untilMs: performance.now() + retentionMs })
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
    for (const [id, { bytes, untilMs }] of this.#retained) {
      if (untilMs > nowMs && !isTooMuch(this.#retainedBytes)) return
      this.#retained.delete(id)
      this.#retainedBytes -= bytes
      this.#runs.delete(id)
    }
  }
}

/** What a run that is over holds besides its chunks, about. */
const RUN_BYTES = 4_096

function placeText({ file, line, column }: { file: string; line: number; column: number }): string {
  return `${file}:${line}:${column}`
}
