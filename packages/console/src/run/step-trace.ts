/** An entry of `runs/<id>/trace`. */
interface TraceEvent {
  readonly event: 'start' | 'end'
  readonly program: string
  readonly step: string
  readonly loop: readonly number[]
  readonly at: number
  readonly chunks: number
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
  failed: string | null
}

/** Senders of chunks that are kept by offset; older ones are forgotten. */
const SENDERS_MAX = 200_000

/** Statistics of the steps of a run, counted from its trace. */
export class StepTrace {
  /** By the id of the step in the endpoint's own stack. */
  readonly steps = new Map<string, StepState>()
  isEnded = false
  /** Whether any part of the trace arrived. */
  hasBegun = false
  readonly #senders: (string | undefined)[] = []

  take(content: unknown): void {
    this.hasBegun = true
    const { events = [], failed = null } = content as {
      events?: readonly TraceEvent[]
      failed?: { step: string; message: string; code: string } | null
    }
    for (const event of events) this.#event(event)
    if (failed !== null) this.#state(failed.step).failed = `${failed.code}: ${failed.message}`
  }

  end(): void {
    this.isEnded = true
    for (const state of this.steps.values()) state.open = 0
  }

  /** `2.inner.1 [3]`: the step and the rounds of its loops that sent a chunk; null: not known. */
  senderOf(offset: number | null): { readonly step: string; readonly rounds: string; readonly text: string } | null {
    const sender = offset === null ? undefined : this.#senders[offset]
    if (sender === undefined) return null
    const step = sender.split(' ', 1)[0] ?? ''
    return { step, rounds: sender.slice(step.length), text: sender }
  }

  #event({ event, program, step, loop, at, chunks }: TraceEvent): void {
    // Steps of functions that the stack runs are part of the step that runs them.
    if (program !== '') return
    const state = this.#state(step)
    if (event === 'start') {
      state.count++
      state.open++
      state.startedAt = at
      state.loop = loop
      state.chunks = chunks
      return
    }
    state.open = Math.max(0, state.open - 1)
    state.totalMs += at - state.startedAt
    // Inner steps end first, so what has a sender keeps it.
    for (let offset = Math.max(state.chunks + 1, chunks - 1_000); offset <= chunks && offset <= SENDERS_MAX; offset++) {
      this.#senders[offset] ??= `${step}${loop.length === 0 ? '' : ` [${loop.join(', ')}]`}`
    }
  }

  #state(step: string): StepState {
    let state = this.steps.get(step)
    if (state === undefined) {
      state = { count: 0, open: 0, totalMs: 0, startedAt: 0, loop: [], chunks: 0, failed: null }
      this.steps.set(step, state)
    }
    return state
  }
}
