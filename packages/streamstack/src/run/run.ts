import {
  type Chunk,
  type Outcome,
  StreamstackError,
  type Value,
  publicError,
  toStreamstackError,
} from '@streamstack/protocol'
import { type LongTimer, startLongTimer } from '../definition/index.ts'
import type { OpenConversation } from '../conversation/index.ts'
import type { ItemSource } from '../outbound/index.ts'
import { type ModelCall, withCall } from '../provider/index.ts'
import type { RecordStore } from '../table/index.ts'
import type { Stream } from '../stream/index.ts'
import { caughtError, errorFromCaught } from './caught-error.ts'
import { stepAt } from './blame.ts'
import type { ChunkFilter } from './chunk-filter.ts'
import { execute } from './execute.ts'
import type { Frame } from './frame.ts'
import { Outlet, type OutletRun } from './outlet.ts'
import type { Program, RunLimits, RunningRun, StepInfo, TraceSink } from './program.ts'
import { limitError, toldError } from './run-error.ts'
import type { RunState, StreamOptions } from './run-state.ts'
import type { Services } from './services.ts'
import { END, STOP } from './signals.ts'
import { RunStrand } from './strand.ts'
import { weighFrame } from './weigh-frame.ts'

/** How long finally blocks may still run after a run was ended from outside. */
const ENDING_GRACE_MS = 5_000

const NO_HEADERS: ReadonlyMap<string, string> = new Map()

export interface RunSetup {
  state: RunState
  /** Programs by name; '' is the endpoint's stack. */
  programs: ReadonlyMap<string, Program>
  stream: Stream
  services: Services
  /** The claims of the caller; null: it has no token. */
  auth: Value
  limits: RunLimits
  /** Names the caller, among whose runs heavy work is divided. Default: all runs have the same. */
  caller?: () => string
  /** Takes the bytes that the variables of the run hold now. False: there is no room for them. Default: there is. */
  onGrowth?: (bytes: number) => boolean
}

/** One execution of a plan: acts on a state, from its beginning or from where another process left it. */
export class Run implements OutletRun, RunningRun {
  readonly state: RunState
  readonly stream: Stream
  readonly services: Services
  readonly limits: RunLimits
  readonly outlet: Outlet = new Outlet(this)
  trace: TraceSink | null = null
  /** Why the run failed, with what only the server may know. */
  failure: StreamstackError | null = null
  /** The failure in the form that callers receive. */
  toldFailure: StreamstackError | null = null
  readonly #programs: ReadonlyMap<string, Program>
  /** On the monotonic clock. */
  readonly #startedMs: number
  /** All ops are done; the outcome may still be on its way to the disk. */
  #isFinished = false
  /** Why the run is being ended from outside, with what only the server may know; null while it is not. */
  #endingError: StreamstackError | null = null
  readonly #strand: RunStrand = new RunStrand(this, null)
  #failedStep: { error: unknown; step: StepInfo } | null = null
  // What few runs need is made when it is needed: a run that is over is kept for a while, and there can be many of them.
  #sources: Map<number, ItemSource> | null = null
  #records: RecordStore | null = null
  readonly #auth: Value
  readonly #caller: (() => string) | null
  readonly #onGrowth: ((bytes: number) => boolean) | null
  #durationTimer: LongTimer | undefined
  #graceTimer: NodeJS.Timeout | undefined

  constructor(setup: RunSetup) {
    this.state = setup.state
    this.stream = setup.stream
    this.services = setup.services
    this.#auth = setup.auth
    this.#caller = setup.caller ?? null
    this.#onGrowth = setup.onGrowth ?? null
    this.limits = setup.limits
    this.#programs = setup.programs
    this.#startedMs = performance.now() - (Date.now() - setup.state.startedAtMs)
  }

  get id(): string {
    return this.state.id
  }

  get endpoint(): string {
    return this.state.endpoint
  }

  get caller(): string {
    return this.#caller?.() ?? ''
  }

  /** Tables and their records, as the caller of the run may see and change them. */
  get records(): RecordStore {
    return (this.#records ??= this.services.recordsFor(this.#auth))
  }

  get options(): StreamOptions | null {
    return this.state.options
  }

  /** On the monotonic clock. */
  get startedMs(): number {
    return this.#startedMs
  }

  /** Milliseconds since 1970. */
  get startedAtMs(): number {
    return this.state.startedAtMs
  }

  get chunksSent(): number {
    return this.state.chunksSent
  }

  /** Characters of content and metadata. */
  get bytesSent(): number {
    return this.state.bytesSent
  }

  /** Runs the frame to its end and gives the stream its outcome. Never rejects. */
  start(): void {
    if (this.state.ending !== null) this.#unwindStrand()
    this.outlet.resume()
    try {
      const wait = execute(this.#strand, this.state.frame)
      // Short runs end at once and need no timer.
      if (wait === undefined) return this.#finish(undefined)
      const leftMs = this.limits.maxDurationMs - this.elapsedMs()
      this.#durationTimer = startLongTimer(() => this.#overTime(), leftMs)
      wait.then(
        () => this.#finish(undefined),
        (thrown: unknown) => this.#finish(thrown),
      )
    } catch (thrown) {
      this.#finish(thrown)
    }
  }

  program(name: string): Program {
    const program = this.#programs.get(name)
    if (program === undefined) throw new StreamstackError('step_failed', `There is no function '${name}' in this plan.`)
    return program
  }

  filter(program: string, index: number): ChunkFilter<unknown> {
    const filter = this.program(program).filters[index]
    if (filter === undefined) throw new Error(`program '${program}' has no filter ${index}`)
    return filter
  }

  /** Counts a chunk against the limits and appends it. For the outlet alone: steps send through that. */
  append(chunk: Chunk): void | Promise<void> {
    const { limits, state } = this
    if (++state.chunksSent > limits.maxChunks) {
      this.#endAtLimit('max_chunks', `${limits.maxChunks} chunks`)
    }
    state.bytesSent += chunk.data.length + (chunk.metadata === null ? 0 : chunk.metadata.length)
    if (state.bytesSent > limits.maxBytes) this.#endAtLimit('max_bytes', `${limits.maxBytes} bytes`)
    if (state.conversation !== null) this.services.conversations.collect(state.conversation, chunk)
    return this.stream.append(chunk)
  }

  /** Called by each round of each loop. */
  countIteration(): void {
    if (++this.state.iterations > this.limits.maxIterations) {
      this.#endAtLimit('max_iterations', `${this.limits.maxIterations} rounds of its loops`)
    }
  }

  noteGrowth(): void {
    if (this.#onGrowth === null || this.#isFinished || this.#onGrowth(weighFrame(this.state.frame))) return
    this.fail(
      new StreamstackError(
        'unavailable',
        'The server has no memory left for what the run holds. Call again in a moment.',
        {
          retryAfterMs: 1_000,
        },
      ),
    )
  }

  /** Keeps an upstream answer open. Returns the number by which frames know it. */
  openSource(source: ItemSource): number {
    const open = this.state.openSources ?? []
    const number = (open.at(-1) ?? 0) + 1
    this.state.openSources = [...open, number]
    this.#sources ??= new Map()
    this.#sources.set(number, source)
    return number
  }

  /** The upstream answer of a number; undefined when it is closed. */
  source(number: number): ItemSource | undefined {
    return this.#sources?.get(number)
  }

  /** Closes an upstream answer; nothing happens when it is closed already. */
  closeSource(number: number): void {
    this.#sources?.get(number)?.close()
    this.#sources?.delete(number)
    this.state.openSources = this.state.openSources?.filter((one) => one !== number) ?? null
  }

  /** Adds a call of a model to what the run used. */
  recordCall(call: ModelCall): void {
    this.state.usage = withCall(this.state.usage, call)
  }

  /** Headers that the stack set; they go out with the first chunk. */
  get responseHeaders(): ReadonlyMap<string, string> {
    return this.state.responseHeaders ?? NO_HEADERS
  }

  setResponseHeader(name: string, value: string): void {
    this.state.responseHeaders ??= new Map()
    this.state.responseHeaders.set(name, value)
  }

  /** Set by the reader that answers the call, when the headers are out. */
  get headersSent(): boolean {
    return this.state.headersSent
  }

  set headersSent(areOut: boolean) {
    this.state.headersSent = areOut
  }

  /** Milliseconds since the run began, on the monotonic clock. */
  elapsedMs(): number {
    return performance.now() - this.#startedMs
  }

  get isOver(): boolean {
    return this.stream.end !== null
  }

  /** Ends the run from outside: what waits stops waiting, finally blocks run, the outcome is `cancelled`. What was sent is kept. */
  cancel(message: string): void {
    this.#endFromOutside('cancelled', new StreamstackError('cancelled', message))
  }

  /** Ends the run from outside with an error that no catch block can take. */
  fail(error: StreamstackError): void {
    this.#endFromOutside('failed', error)
  }

  /** Remembers which step an error came from: the innermost that it passed. */
  noteFailure(program: Program, frame: Frame, error: unknown): void {
    if (this.#failedStep?.error === error) return
    const step = stepAt(program, frame)
    if (step !== undefined) this.#failedStep = { error, step }
    if (!(error instanceof StreamstackError)) {
      this.services.log.error({ run: this.id, endpoint: this.endpoint, step: step?.id, err: error }, 'a step broke')
    }
  }

  /**
   * Returns an error in the form that callers receive: with its whole message, or without details
   * meant for the operator (`server.errors`).
   */
  told(thrown: unknown): StreamstackError {
    return toldError(thrown, this.services, this.id)
  }

  /** Logs what a catch block took, where it does not learn what happened. */
  noteCaught(thrown: unknown): void {
    const error = toStreamstackError(thrown)
    if (this.told(error) === error) return
    const fields = { run: this.id, endpoint: this.endpoint, step: this.#failedStep?.step.id, code: error.code }
    this.services.log.warn({ ...fields, err: error.cause }, `a step failed, and the run goes on: ${error.message}`)
  }

  /** The step that the failure came from. */
  get failedStep(): StepInfo | null {
    return this.failure === null ? null : (this.#failedStep?.step ?? null)
  }

  /** A limit is no error that a stack could catch: the run fails, whatever its catch blocks say. */
  #endAtLimit(name: string, bound: string): never {
    this.#endFromOutside('failed', limitError(name, bound))
    // A signal that unwinds frames, not an error.
    throw END
  }

  #overTime(): void {
    this.#endFromOutside('failed', limitError('max_duration', `${this.limits.maxDurationMs} ms`))
  }

  #endFromOutside(outcome: Outcome, error: StreamstackError): void {
    if (this.state.ending !== null || this.#isFinished) return
    this.state.ending = { outcome, error: caughtError(error, this.told(error)) }
    this.#endingError = error
    this.#unwindStrand()
  }

  #unwindStrand(): void {
    this.#graceTimer = setTimeout(() => this.#strand.endGrace(), ENDING_GRACE_MS)
    this.#strand.end()
  }

  #finish(thrown: unknown): void {
    const unsent = this.#sendRest()
    this.#isFinished = true
    this.#durationTimer?.clear()
    clearTimeout(this.#graceTimer)
    this.#durationTimer = undefined
    this.#graceTimer = undefined
    for (const source of this.#sources?.values() ?? []) source.close()
    this.#sources = null
    const { outcome, error: cause } = this.#outcomeOf(thrown, unsent)
    const error = cause === null ? null : this.outlet.error(cause)
    const { conversation } = this.state
    if (conversation === null) this.#end(outcome, error)
    else this.#endWhenSettled(conversation, outcome, error)
    // Outbound work that no step waits for ends with the run.
    this.#strand.end()
    // The run is kept for those who come back to its stream; its variables, which may be large, are not.
    this.state.frame.slots.length = 0
    this.state.filters = null
  }

  #outcomeOf(thrown: unknown, unsent: unknown): { outcome: Outcome; error: StreamstackError | null } {
    const { ending } = this.state
    if (ending !== null) return { outcome: ending.outcome, error: this.#endingError ?? errorFromCaught(ending.error) }
    const cause = unsent ?? thrown
    if (cause === undefined || cause === STOP) return { outcome: 'completed', error: null }
    return { outcome: 'failed', error: toStreamstackError(cause) }
  }

  /**
   * Ends the run only after the conversation is stored, so that readers of the end find it. If it
   * cannot be stored, the run fails.
   */
  #endWhenSettled(conversation: OpenConversation, outcome: Outcome, error: StreamstackError | null): void {
    this.services.conversations.settle(conversation, outcome).then(
      () => this.#end(outcome, error),
      (failure: unknown) => {
        this.services.log.error({ run: this.id, err: failure }, 'a conversation could not be stored')
        if (outcome === 'completed') this.#end('failed', toStreamstackError(failure))
        else this.#end(outcome, error)
      },
    )
  }

  /** Sends what filters hold back. Returns what a filter threw: such a run has failed. */
  #sendRest(): unknown {
    try {
      this.outlet.finish()
      return undefined
    } catch (thrown) {
      return thrown
    }
  }

  #end(outcome: Outcome, error: StreamstackError | null): void {
    this.failure = error
    this.toldFailure = error === null ? null : this.told(error)
    releaseStacks(this.toldFailure)
    releaseStacks(error)
    releaseStacks(this.#failedStep?.error)
    const said = this.toldFailure === null ? null : publicError(this.toldFailure)
    // Before the first chunk the outcome alone tells it, so that HTTP can answer with a status.
    const tellsInBand = outcome === 'failed' && this.stream.bytesAppended > 0
    const last: Chunk | null = tellsInBand ? { kind: 'error', data: JSON.stringify(said), metadata: null } : null
    this.stream.finish({ outcome, error: said }, last)
  }
}

/**
 * Writes out the stacks of an error and its causes. Until then V8 keeps the functions on the stack, and with them the inputs of the call, for
 * as long as the run is retained.
 */
function releaseStacks(error: unknown): void {
  for (let one = error; one instanceof Error; one = one.cause) void one.stack
}
