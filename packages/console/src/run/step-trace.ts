/** An entry of `runs/<id>/trace`. */
interface TraceEvent {
  readonly event: 'start' | 'end' | 'failed'
  readonly program: string
  readonly step: string
  readonly loop: readonly number[]
  readonly at: number
  readonly chunks: number
  readonly error?: { readonly code: string; readonly message: string }
  /** Variables that changed since the entry before. */
  readonly set?: Readonly<Record<string, string>>
}

/** Texts of variables by name. */
export type Variables = Readonly<Record<string, string>>

/** One time that a step ran. */
export interface StepRound {
  /** Index of each loop around the step, outermost first, from 0. */
  readonly loop: readonly number[]
  /** What the step found and left; null: it is not known. */
  readonly before: Variables | null
  after: Variables | null
  error: string | null
}

export interface StepState {
  /** Number of times that the step began. */
  count: number
  /** Number of these that have not ended. */
  open: number
  totalMs: number
  startedAt: number
  loop: readonly number[]
  chunks: number
  /** Why the step failed last; null: it did not. */
  failed: string | null
  /** Whether a catch block of the stack took the failure. */
  isCaught: boolean
  /** The newest rounds. */
  readonly rounds: StepRound[]
}

/** Which step sent a chunk. */
export interface Sender {
  readonly step: string
  readonly loop: readonly number[]
}

/** Senders of chunks that are kept by offset; older ones are forgotten. */
const SENDERS_MAX = 200_000

/** Rounds of one step that are kept. */
const ROUNDS_MAX = 1_000

/** Chunks of the trace that are kept for a file. */
const KEPT_MAX = 20_000

/** Statistics of the steps of a run, counted from its trace. */
export class StepTrace {
  /** By the id of the step in the endpoint's own stack. */
  readonly steps = new Map<string, StepState>()
  /** The trace as it came, for a recording. */
  readonly contents: unknown[] = []
  isEnded = false
  /** Whether any part of the trace arrived. */
  hasBegun = false
  /** Whether variables were told, and whether the server stopped telling them at its bound. */
  hasVariables = false
  isCut = false
  /** Whether a part of it was dropped before it was read: counts and times of steps are too low. */
  isPartial = false
  #variables: Variables = {}
  readonly #senders: (Sender | undefined)[] = []
  /** Steps that began and did not end, innermost last, each with the number of chunks before it. */
  #open: (Sender & { readonly chunks: number })[] = []

  take(content: unknown): void {
    this.hasBegun = true
    if (this.contents.length < KEPT_MAX) this.contents.push(content)
    const { events, failed, variables } = Object(content) as {
      events?: readonly TraceEvent[]
      failed?: { step: string; message: string; code: string } | null
      variables?: string
    }
    if (variables === 'cut') this.isCut = true
    for (const event of Array.isArray(events) ? events : []) this.#event(event)
    if (failed == null) return
    const state = this.#state(failed.step)
    state.failed = `${failed.code}: ${failed.message}`
    state.isCaught = false
  }

  end(): void {
    this.isEnded = true
    this.#open = []
    for (const state of this.steps.values()) state.open = 0
  }

  /** The step and the rounds of its loops that sent a chunk; null: not known. */
  senderOf(offset: number | null): Sender | null {
    if (offset === null) return null
    return this.#senders[offset] ?? this.#open.findLast(({ chunks }) => chunks < offset) ?? null
  }

  #event({ event, program, step, loop, at, chunks, set, error }: TraceEvent): void {
    // Steps of functions that the stack runs are part of the step that runs them.
    if (program !== '') return
    if (set !== undefined) {
      this.hasVariables = true
      this.#variables = { ...this.#variables, ...set }
    }
    const variables = this.hasVariables ? this.#variables : null
    const state = this.#state(step)
    if (event === 'failed') {
      state.failed = `${error?.code ?? 'failed'}: ${error?.message ?? ''}`
      // Unless the run says at its end that it failed by this step.
      state.isCaught = true
      const round = state.rounds.at(-1)
      if (round !== undefined) {
        round.error = state.failed
        round.after = variables
      }
      return
    }
    if (event === 'start') {
      state.count++
      state.open++
      state.startedAt = at
      state.loop = loop
      state.chunks = chunks
      this.#open.push({ step, loop, chunks })
      state.rounds.push({ loop, before: variables, after: null, error: null })
      if (state.rounds.length > ROUNDS_MAX) state.rounds.splice(0, ROUNDS_MAX / 10)
      return
    }
    state.open = Math.max(0, state.open - 1)
    state.totalMs += at - state.startedAt
    const place = this.#open.findLastIndex((one) => one.step === step)
    if (place !== -1) this.#open.splice(place, 1)
    const round = state.rounds.findLast(({ after }) => after === null)
    if (round !== undefined) round.after = variables
    // Inner steps end first, so what has a sender keeps it.
    for (let offset = state.chunks + 1; offset <= chunks && offset <= SENDERS_MAX; offset++)
      this.#senders[offset] ??= { step, loop }
  }

  #state(step: string): StepState {
    let state = this.steps.get(step)
    if (state === undefined) {
      state = {
        count: 0,
        open: 0,
        totalMs: 0,
        startedAt: 0,
        loop: [],
        chunks: 0,
        failed: null,
        isCaught: false,
        rounds: [],
      }
      this.steps.set(step, state)
    }
    return state
  }
}

/** `[3]` or `[3, 0]`; '' outside of loops. */
export function roundsText(loop: readonly number[]): string {
  return loop.length === 0 ? '' : ` [${loop.join(', ')}]`
}
