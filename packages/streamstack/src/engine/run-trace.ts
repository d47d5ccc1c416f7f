import type { TraceEvent, TraceSink } from '../run/index.ts'
import { MemoryLog, Stream, type StreamReader, type StreamSource } from '../stream/index.ts'
import { type LiveRun } from './live-run.ts'
import type { RunOwner } from './idempotency.ts'
import { runUrl } from './run-view.ts'
import { ValuePreview } from './value-preview.ts'
import { type ShownVariables, VariableWatch } from './variable-watch.ts'

/** Bound of a trace; its oldest events are dropped first. */
const WINDOW_BYTES = 4 * 1024 * 1024

/** Events that go into one chunk. */
const EVENTS_PER_CHUNK = 200

/** An entry of the trace as readers get it. */
interface ToldEvent extends TraceEvent {
  /** Variables that changed since the entry before, where they were asked for. */
  set?: ShownVariables
}

/** Failed steps that tell their variables, where none were asked for. */
const FAILURES_MAX = 20

const NO_HEADERS: ReadonlyMap<string, string> = new Map()

/** Which steps of a run began and ended, when, and how many chunks there were: as a stream that ends with the run. */
export class RunTrace implements StreamSource {
  readonly stream: Stream
  readonly contentType = undefined
  readonly responseHeaders = NO_HEADERS
  readonly failure = null
  readonly select = null
  /** It has no run of its own, so that its end is that of the stream alone. */
  readonly run = null
  /** Whose run it tells of. */
  owner: RunOwner = null
  #url = ''
  readonly #log = new MemoryLog(WINDOW_BYTES)
  #events: ToldEvent[] = []
  #flush: NodeJS.Immediate | undefined

  readonly #watch: VariableWatch
  readonly #tellsVariables: boolean
  #failures = 0
  #isCut = false

  /** `tellsVariables`: with each entry those variables that changed. A step that fails tells them in any case. */
  constructor(watch: VariableWatch, tellsVariables: boolean) {
    this.#watch = watch
    this.#tellsVariables = tellsVariables
    this.stream = new Stream({ log: this.#log, whenUnread: 'drop', unreadBytesMax: WINDOW_BYTES })
  }

  get url(): string {
    return this.#url
  }

  get begin(): number {
    return this.#log.droppedOffset
  }

  readonly sink: TraceSink = (event, place) => {
    const set = this.#tellsVariables || this.#isFirstFailure(event) ? this.#watch.changed(place) : undefined
    this.#events.push(set === undefined ? event : { ...event, set })
    if (this.#events.length >= EVENTS_PER_CHUNK) this.#send()
    else this.#flush ??= setImmediate(() => this.#send())
  }

  /** Ends with the run; a failed one tells the step. */
  follow(live: LiveRun): void {
    this.#url = `${runUrl(live.run)}/trace`
    this.owner = live.owner
    live.stream.onEnd(() => {
      this.#send()
      const { failedStep, failure } = live.execution
      if (failedStep !== null && failure !== null) {
        const { id, function: name } = failedStep
        this.#append({ failed: { step: id, function: name, code: failure.code, message: live.failure?.message ?? '' } })
      }
      this.stream.finish({ outcome: live.stream.end?.outcome ?? 'completed', error: null }, null)
    })
  }

  attach(reader: StreamReader): void {
    this.stream.attach(reader)
  }

  detach(reader: StreamReader): void {
    this.stream.detach(reader)
  }

  answerBegan(): void {
    // A trace has no answer whose headers could change.
  }

  /** What fails in every round tells its variables a few times only, where they were not asked for. */
  #isFirstFailure({ event }: TraceEvent): boolean {
    return event === 'failed' && this.#failures++ < FAILURES_MAX
  }

  #send(): void {
    clearImmediate(this.#flush)
    this.#flush = undefined
    if (this.#events.length === 0) return
    const events = this.#events
    this.#events = []
    this.#append({ events })
    if (!this.#tellsVariables || !this.#watch.isSpent || this.#isCut) return
    this.#isCut = true
    this.#append({ variables: 'cut' })
  }

  #append(value: object): void {
    this.stream.appendWithoutWaiting({ kind: 'json', data: JSON.stringify(value), metadata: null })
  }
}

/** Traces that are kept; those of runs that are over go first. */
const TRACES_MAX = 10

/** The traces of the newest runs that were called with `Stream-Trace: true`. */
export class RunTraces {
  readonly #traces = new Map<string, RunTrace>()

  keep(live: LiveRun, trace: RunTrace): void {
    trace.follow(live)
    this.#traces.set(live.run, trace)
    if (this.#traces.size <= TRACES_MAX) return
    const [oldest] = this.#traces.keys()
    if (oldest !== undefined) this.#traces.delete(oldest)
  }

  find(run: string): RunTrace | null {
    return this.#traces.get(run) ?? null
  }
}

/** Characters of one variable that a trace tells. */
const VARIABLE_CHARACTERS_MAX = 200

/** Makes the trace of one run. `secrets`: values that it must not show. */
export function newTrace(traced: 'steps' | 'variables', secrets: readonly string[]): RunTrace {
  const watch = new VariableWatch(new ValuePreview(secrets, VARIABLE_CHARACTERS_MAX))
  return new RunTrace(watch, traced === 'variables')
}
