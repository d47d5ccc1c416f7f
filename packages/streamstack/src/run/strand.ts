import { StreamstackError, type Value } from '@streamstack/protocol'
import { execute } from './execute.ts'
import { type Frame, newFrame } from './frame.ts'
import type { Program, RunningRun, Strand } from './program.ts'
import { END } from './signals.ts'
import { yieldTurn } from './turn.ts'

/** Ops between two looks at the clock. Ops that cost more than a few microseconds say so with `burn`. */
const FUEL = 64

/** What an op burns that may have left the run with much to hold. */
const COSTLY_OPS = 1_000

/**
 * One line of execution inside a run: the run itself has one, each branch of Parallel has its own. What waits, waits through its strand,
 * so that ending a strand (cancel, limit, a sibling that failed) reaches all that it waits for, and its branches.
 */
export class RunStrand implements Strand {
  readonly run: RunningRun
  /** Whether everything in this strand is to come to its end. */
  isEnding = false
  /** Whether finally blocks had their time, too. */
  graceIsOver = false
  /** Counts down to the next look at the clock. */
  fuel = FUEL
  #isDone = false
  #abort: AbortController | null = null
  /** Made when something first waits: most runs never do. */
  #endListeners: Set<() => void> | null = null
  readonly #parent: RunStrand | null

  constructor(run: RunningRun, parent: RunStrand | null) {
    this.run = run
    this.#parent = parent
  }

  /** A strand for a branch: ends when this one does, or alone. `release` it when the branch is done. */
  fork(): { strand: RunStrand; release: () => void } {
    const strand = new RunStrand(this.run, this)
    const end = (): void => strand.end()
    if (this.isEnding) end()
    this.#onEnd(end)
    return { strand, release: () => this.#offEnd(end) }
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

  /** Says that the op has done its work and only waits for room: a clone of the frame that is taken up meanwhile does not do it again. */
  done(): void {
    this.#isDone = true
  }

  /** Whether the op that waits has done its work; asked once for each op that waits. */
  takesDone(): boolean {
    const isDone = this.#isDone
    this.#isDone = false
    return isDone
  }

  refuel(program: Program): Promise<void> | undefined {
    const burnt = Math.max(0, -this.fuel)
    this.fuel = FUEL
    if (this.#parent?.graceIsOver === true) this.graceIsOver = true
    if (burnt >= COSTLY_OPS) this.run.noteGrowth()
    const turn = yieldTurn(program, this.run, burnt)
    return turn === undefined || this.isEnding ? turn : this.untilEnded(turn)
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
        this.#offEnd(stop)
        resolve()
      }, durationMs)
      this.#onEnd(stop)
    })
  }

  /** The promise's result, or a rejection as soon as the strand is ended. */
  async untilEnded<T>(promise: Promise<T>): Promise<T> {
    if (this.isEnding) return rejectedEnd()
    let stop: (() => void) | undefined
    const ended = new Promise<never>((_, reject) => {
      stop = (): void => reject(END)
    })
    this.#onEnd(stop as () => void)
    try {
      return await Promise.race([promise, ended])
    } finally {
      this.#offEnd(stop as () => void)
    }
  }

  /** Aborted when the strand is ended; made when first asked for, because most runs never wait for anything outside. */
  get signal(): AbortSignal {
    if (this.#abort === null) {
      const abort = new AbortController()
      this.#abort = abort
      if (this.isEnding) abort.abort(END)
      else this.#onEnd(() => abort.abort(END))
    }
    return this.#abort.signal
  }

  /** Calls a function: a new frame, or the one of a call under way, taken to its end; then `done` with its result. */
  call(
    caller: Frame,
    name: string,
    inputs: ReadonlyMap<string, Value>,
    done: (result: Value) => void,
  ): void | Promise<void> {
    const program = this.run.program(name)
    const frame = caller.callee ?? this.newCall(caller, name, inputs)
    caller.callee = frame
    const finish = (): void => {
      caller.callee = null
      done(frame.slots[program.resultSlot] ?? null)
    }
    const wait = execute(this, frame)
    return wait === undefined ? finish() : wait.then(finish)
  }

  /** The frame in which a call of a function begins. Throws `limit_exceeded` when calls are nested too deep. */
  newCall(caller: Frame, name: string, inputs: ReadonlyMap<string, Value>): Frame {
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
    return newFrame(program.name, slots, { from: 0, to: program.ops.length, depth: caller.depth + 1 })
  }

  #onEnd(listener: () => void): void {
    this.#endListeners ??= new Set()
    this.#endListeners.add(listener)
  }

  #offEnd(listener: () => void): void {
    this.#endListeners?.delete(listener)
  }

  #callEndListeners(): void {
    const listeners = this.#endListeners
    if (listeners === null) return
    this.#endListeners = null
    for (const listener of listeners) listener()
  }
}

function rejectedEnd(): Promise<never> {
  // END is a signal that unwinds frames, not an error.
  return Promise.reject(END)
}
