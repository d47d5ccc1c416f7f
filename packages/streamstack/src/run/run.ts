import { type Chunk, type Outcome, StreamstackError, publicError, toStreamstackError } from '@streamstack/protocol'
import { TIMER_MS_MAX } from '../definition/index.ts'
import type { ItemSource } from '../outbound/index.ts'
import type { Stream } from '../stream/index.ts'
import { execute } from './execute.ts'
import type { Frame } from './frame.ts'
import type { Program, StepInfo } from './program.ts'
import type { Services } from './services.ts'
import { END, STOP } from './signals.ts'
import { Strand } from './strand.ts'
import type { TraceSink } from './trace.ts'

/** How long finally blocks may still run after a run was ended from outside. */
const ENDING_GRACE_MS = 5_000

const NO_HEADERS: ReadonlyMap<string, string> = new Map()

/** Bounds of one run. What happens at each: the run fails with `limit_exceeded`. */
export interface RunLimits {
  readonly maxDurationMs: number
  readonly maxChunks: number
  /** Characters of content and metadata that the run may send. */
  readonly maxBytes: number
  /** Rounds of all loops together. */
  readonly maxIterations: number
  /** Calls inside calls of Run Function. */
  readonly maxStackDepth: number
}

/** How the caller wants text to arrive, from the input `options`. */
export interface StreamOptions {
  /** Words per chunk; null: as the stack sends it. */
  readonly chunkSize: number | null
  readonly delayMs: number
}

export interface RunSetup {
  id: string
  /** Programs by name; '' is the endpoint's stack. */
  programs: ReadonlyMap<string, Program>
  frame: Frame
  stream: Stream
  services: Services
  limits: RunLimits
  options: StreamOptions | null
  /** The name of the endpoint, for the log. */
  endpoint: string
}

/** One execution of a plan. */
export class Run {
  readonly id: string
  readonly endpoint: string
  readonly stream: Stream
  readonly services: Services
  readonly limits: RunLimits
  readonly options: StreamOptions | null
  readonly frame: Frame
  /** Milliseconds since 1970. */
  readonly startedAtMs = Date.now()
  trace: TraceSink | null = null
  chunksSent = 0
  /** Characters of content and metadata. */
  bytesSent = 0
  /** Why the run failed, with what only the server may know. */
  failure: StreamstackError | null = null
  /** Set by the reader that answers the call, when the headers are out. */
  headersSent = false
  /** When the last paced chunk went out, milliseconds on the monotonic clock. */
  pacedAtMs = 0
  readonly #programs: ReadonlyMap<string, Program>
  readonly #startedMonotonicMs = performance.now()
  #iterations = 0
  /** All ops are done; the outcome may still be on its way to the disk. */
  #isFinished = false
  /** Why the run is being ended from outside; null while it is not. */
  #ending: { outcome: Outcome; error: StreamstackError } | null = null
  readonly #strand: Strand = new Strand(this, null)
  #failedStep: { error: unknown; step: StepInfo } | null = null
  // What few runs need is made when it is needed: a run that is over is kept for a while, and there can be many of them.
  #sources: Map<number, ItemSource> | null = null
  #responseHeaders: Map<string, string> | null = null
  #durationTimer: NodeJS.Timeout | undefined
  #graceTimer: NodeJS.Timeout | undefined

  constructor(setup: RunSetup) {
    this.id = setup.id
    this.endpoint = setup.endpoint
    this.stream = setup.stream
    this.services = setup.services
    this.limits = setup.limits
    this.options = setup.options
    this.frame = setup.frame
    this.#programs = setup.programs
  }

  /** Runs the frame to its end and gives the stream its outcome. Never rejects. */
  start(): void {
    this.#endAfter(this.limits.maxDurationMs)
    try {
      const wait = execute(this.#strand, this.frame)
      if (wait === undefined) this.#finish(undefined)
      else {
        wait.then(
          () => this.#finish(undefined),
          (thrown: unknown) => this.#finish(thrown),
        )
      }
    } catch (thrown) {
      this.#finish(thrown)
    }
  }

  program(name: string): Program {
    const program = this.#programs.get(name)
    if (program === undefined) throw new StreamstackError('step_failed', `There is no function '${name}' in this plan.`)
    return program
  }

  /** Sends one chunk; a promise means that readers are behind. */
  send(chunk: Chunk): void | Promise<void> {
    const { limits } = this
    if (++this.chunksSent > limits.maxChunks) {
      this.#endAtLimit('max_chunks', `${limits.maxChunks} chunks`)
    }
    this.bytesSent += chunk.data.length + (chunk.metadata === null ? 0 : chunk.metadata.length)
    if (this.bytesSent > limits.maxBytes) this.#endAtLimit('max_bytes', `${limits.maxBytes} bytes`)
    return this.stream.append(chunk)
  }

  /** Called by each round of each loop. */
  countIteration(): void {
    if (++this.#iterations > this.limits.maxIterations) {
      this.#endAtLimit('max_iterations', `${this.limits.maxIterations} rounds of its loops`)
    }
  }

  /** Upstream answers that are open, by the number that frames hold. */
  get sources(): Map<number, ItemSource> {
    this.#sources ??= new Map()
    return this.#sources
  }

  /** Headers that the stack set; they go out with the first chunk. */
  get responseHeaders(): ReadonlyMap<string, string> {
    return this.#responseHeaders ?? NO_HEADERS
  }

  setResponseHeader(name: string, value: string): void {
    this.#responseHeaders ??= new Map()
    this.#responseHeaders.set(name, value)
  }

  /** Milliseconds since the run began, on the monotonic clock. */
  elapsedMs(): number {
    return performance.now() - this.#startedMonotonicMs
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
    const step = program.steps[program.stepOf[frame.waitingAt >= 0 ? frame.waitingAt : frame.pc - 1] ?? -1]
    if (step !== undefined) this.#failedStep = { error, step }
    if (!(error instanceof StreamstackError)) {
      this.services.log.error({ run: this.id, endpoint: this.endpoint, step: step?.id, err: error }, 'a step broke')
    }
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

  #endAfter(durationMs: number): void {
    const waitMs = Math.min(durationMs, TIMER_MS_MAX)
    const isAll = waitMs === durationMs
    this.#durationTimer = setTimeout(() => (isAll ? this.#overTime() : this.#endAfter(durationMs - waitMs)), waitMs)
  }

  #overTime(): void {
    this.#endFromOutside('failed', limitError('max_duration', `${this.limits.maxDurationMs} ms`))
  }

  #endFromOutside(outcome: Outcome, error: StreamstackError): void {
    if (this.#ending !== null || this.#isFinished) return
    this.#ending = { outcome, error }
    this.#graceTimer = setTimeout(() => this.#strand.endGrace(), ENDING_GRACE_MS)
    this.#strand.end()
  }

  #finish(thrown: unknown): void {
    this.#isFinished = true
    clearTimeout(this.#durationTimer)
    clearTimeout(this.#graceTimer)
    this.#durationTimer = undefined
    this.#graceTimer = undefined
    for (const source of this.#sources?.values() ?? []) source.close()
    this.#sources = null
    if (this.#ending !== null) this.#end(this.#ending.outcome, this.#ending.error)
    else if (thrown === undefined || thrown === STOP) this.#end('completed', null)
    else this.#end('failed', toStreamstackError(thrown))
    // Outside work that nobody waits for any more ends with the run.
    this.#strand.end()
    // The run is kept for those who come back to its stream; its variables, which may be large, are not.
    this.frame.slots.length = 0
  }

  #end(outcome: Outcome, error: StreamstackError | null): void {
    this.failure = error
    const said = error === null ? null : publicError(error)
    // Before the first chunk the outcome alone tells it, so that HTTP can answer with a status.
    const tellsInBand = outcome === 'failed' && this.stream.bytesAppended > 0
    const last: Chunk | null = tellsInBand ? { kind: 'error', data: JSON.stringify(said), metadata: null } : null
    this.stream.finish({ outcome, error: said }, last)
  }
}

function limitError(name: string, bound: string): StreamstackError {
  return new StreamstackError('limit_exceeded', `The run was ended at ${bound} (${name}).`, {
    details: { limit: name },
  })
}
