import { StreamstackError, type Value } from '@streamstack/protocol'
import { execute } from './execute.ts'
import { type Frame, newFrame } from './frame.ts'
import type { Run } from './run.ts'
import { END } from './signals.ts'
import { yieldTurn } from './turn.ts'

/** Ops between two looks at the clock. Ops that cost more than a few microseconds say so with `burn`. */
const FUEL = 64

/**
 * One line of execution inside a run: the run itself has one, each branch of Parallel has its own. What waits, waits through its strand,
 * so that ending a strand (cancel, limit, a sibling that failed) reaches all that it waits for, and its branches.
 */
export class Strand {
  readonly run: Run
  /** Whether everything in this strand is to come to its end. */
  isEnding = false
  /** Whether finally blocks had their time, too. */
  graceIsOver = false
  /** Counts down to the next look at the clock. */
  fuel = FUEL
  #abort: AbortController | null = null
  #endListeners = new Set<() => void>()
  readonly #parent: Strand | null

  constructor(run: Run, parent: Strand | null) {
    this.run = run
    this.#parent = parent
  }

  /** A strand for a branch: ends when this one does, or alone. `release` it when the branch is done. */
  fork(): { strand: Strand; release: () => void } {
    const strand = new Strand(this.run, this)
    const end = (): void => strand.end()
    if (this.isEnding) end()
    this.#endListeners.add(end)
    return { strand, release: () => this.#endListeners.delete(end) }
  }

  /** Ends the strand: all that it waits for rejects with END at once. */
  end(): void {
    this.isEnding = true
    this.#callEndListeners()
  }

  endGrace(): void {
    this.graceIsOver = true
    this.#callEndListeners()
  }

  /** Says that an op cost as much as `ops` plain ones, so that the clock is looked at in time. */
  burn(ops: number): void {
    this.fuel -= ops
  }

  refuel(): Promise<void> | undefined {
    this.fuel = FUEL
    if (this.#parent?.graceIsOver === true) this.graceIsOver = true
    return yieldTurn()
  }

  /** Settles after so many milliseconds; rejects at once when the strand is ended. */
  sleep(durationMs: number): Promise<void> {
    if (this.isEnding) return rejectedEnd()
    return new Promise((resolve, reject) => {
      const stop = (): void => {
        clearTimeout(timer)
        reject(END)
      }
      const timer = setTimeout(() => {
        this.#endListeners.delete(stop)
        resolve()
      }, durationMs)
      this.#endListeners.add(stop)
    })
  }

  /** The promise's result, or a rejection as soon as the strand is ended. */
  async untilEnded<T>(promise: Promise<T>): Promise<T> {
    if (this.isEnding) return rejectedEnd()
    let stop: (() => void) | undefined
    const ended = new Promise<never>((_, reject) => {
      stop = (): void => reject(END)
    })
    this.#endListeners.add(stop as () => void)
    try {
      return await Promise.race([promise, ended])
    } finally {
      this.#endListeners.delete(stop as () => void)
    }
  }

  /** Aborted when the strand is ended; made when first asked for, because most runs never wait for anything outside. */
  get signal(): AbortSignal {
    if (this.#abort === null) {
      const abort = new AbortController()
      this.#abort = abort
      if (this.isEnding) abort.abort(END)
      else this.#endListeners.add(() => abort.abort(END))
    }
    return this.#abort.signal
  }

  /** Calls a function: a new frame, taken to its end; then `done` with its result. */
  call(
    caller: Frame,
    name: string,
    inputs: ReadonlyMap<string, Value>,
    done: (result: Value) => void,
  ): void | Promise<void> {
    const program = this.run.program(name)
    const { maxStackDepth } = this.run.limits
    if (caller.depth + 1 > maxStackDepth) {
      throw new StreamstackError(
        'limit_exceeded',
        `Functions call each other more than ${maxStackDepth} deep (max_stack_depth); the last is '${name}'.`,
        { details: { limit: 'max_stack_depth' } },
      )
    }
    const slots = program.slots.slice()
    for (const [input, slot] of program.inputSlots) slots[slot] = inputs.get(input) ?? null
    const calling = this.run.program(caller.program)
    slots[program.allInputsSlot] = Object.fromEntries(inputs)
    slots[program.authSlot] = caller.slots[calling.authSlot]
    slots[program.startedSlot] = caller.slots[calling.startedSlot]
    const frame = newFrame(name, slots, { from: 0, to: program.ops.length, depth: caller.depth + 1 })
    caller.callee = frame
    const finish = (): void => {
      caller.callee = null
      done(frame.slots[program.resultSlot] ?? null)
    }
    const wait = execute(this, frame)
    return wait === undefined ? finish() : wait.then(finish)
  }

  #callEndListeners(): void {
    const listeners = this.#endListeners
    this.#endListeners = new Set()
    for (const listener of listeners) listener()
  }
}

function rejectedEnd(): Promise<never> {
  // eslint-disable-next-line prefer-promise-reject-errors -- END is a signal that unwinds frames, not an error.
  return Promise.reject(END)
}
