import type { StreamstackError, Value } from '@streamstack/protocol'
import type { Position } from '../definition/types.ts'
import type { ItemSource } from '../outbound/index.ts'
import type { ModelCall } from '../provider/index.ts'
import type { Stream } from '../stream/index.ts'
import type { RecordStore } from '../table/index.ts'
import type { ChunkFilter } from './chunk-filter.ts'
import type { Frame, Slot } from './frame.ts'
import type { Outlet } from './outlet.ts'
import type { RunState, StreamOptions } from './run-state.ts'
import type { Services } from './services.ts'

/**
 * One instruction of a compiled stack. It works on the frame that it is given and keeps nothing itself. It returns a promise only when it
 * really has to wait; a jump sets `frame.pc`, which already points at the next op.
 */
export type Op = (frame: Frame, strand: Strand) => void | Promise<void>

/** A part of a program in which errors or leaving are taken up. */
export type Region =
  | { readonly kind: 'catch'; readonly pc: number; readonly errorSlot: number }
  | { readonly kind: 'finally'; readonly pc: number; readonly completionSlot: number }

/** Which step an op came from, for traces and messages. */
export interface StepInfo {
  readonly id: string
  readonly function: string
  readonly label: string | null
  readonly position: Position
  /** Its ops, inner stacks included: from `from` up to `to`. */
  readonly from: number
  readonly to: number
  /** Slots that hold the index of each loop around it, outermost first. */
  readonly loopSlots: readonly number[]
  /** Slot of `item` in the innermost loop around it; null: there is none. */
  readonly itemSlot: number | null
  /** Whether an argument, as ArgumentError names it, has no other source than the inputs of its program. */
  readonly isFromCaller: (argument: string | null) => boolean
}

/** A compiled stack: frozen, shared by all its runs. */
export interface Program {
  readonly name: string
  readonly ops: readonly Op[]
  /** Index into `steps` of the innermost step of each op; -1 for none. */
  readonly stepOf: readonly number[]
  readonly steps: readonly StepInfo[]
  readonly regions: readonly Region[]
  /** What its steps attach to the outlet. */
  readonly filters: readonly ChunkFilter<unknown>[]
  /** What the slots hold at the start; copied for each frame. */
  readonly slots: readonly Slot[]
  /** Slot of each input, by name. */
  readonly inputSlots: ReadonlyMap<string, number>
  /** Slot of each variable that expressions can name, inputs included. */
  readonly variableSlots: ReadonlyMap<string, number>
  /** Slots of `input`, `auth` and the start of the run (milliseconds since 1970). */
  readonly allInputsSlot: number
  readonly authSlot: number
  readonly startedSlot: number
  /** Slot of the value that a function gives back. */
  readonly resultSlot: number
}

/** One entry of a run's trace. */
export interface TraceEvent {
  /** `failed`: the step threw; whether a catch block of the stack takes that is not known yet. */
  event: 'start' | 'end' | 'failed'
  /** Name of the function file, '' for the endpoint's own stack. */
  program: string
  step: string
  function: string
  /** Index of each loop around the step, outermost first, from 0. */
  loop: readonly number[]
  /** Milliseconds since the run began. */
  at: number
  /** Chunks that the run has sent so far. */
  chunks: number
  /** Of a step that failed. */
  error?: { readonly code: string; readonly message: string }
}

/** Where a step stands when the trace is told of it; its values are those of that moment and change after. */
export interface TracePlace {
  readonly program: Program
  readonly frame: Frame
  readonly step: StepInfo
}

export type TraceSink = (event: TraceEvent, place: TracePlace) => void

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

/** A run as its ops use it. */
export interface RunningRun {
  readonly id: string
  readonly endpoint: string
  /** Name of the caller, whose heavy runs take turns with those of others. */
  readonly caller: string
  readonly state: RunState
  readonly stream: Stream
  readonly services: Services
  readonly limits: RunLimits
  readonly outlet: Outlet
  readonly trace: TraceSink | null
  /** Tables and their records, as the caller of the run may see and change them. */
  readonly records: RecordStore
  readonly options: StreamOptions | null
  readonly startedMs: number
  readonly chunksSent: number
  /** Whether the reader that answers the call has sent the headers. */
  readonly headersSent: boolean
  /** Throws `step_failed` when the plan has no function of this name. */
  program(name: string): Program
  /** Milliseconds since the run began, on the monotonic clock. */
  elapsedMs(): number
  /** Called by each round of each loop. */
  countIteration(): void
  /** Keeps an upstream answer open. Returns the number by which frames know it. */
  openSource(source: ItemSource): number
  /** The upstream answer of a number; undefined when it is closed. */
  source(number: number): ItemSource | undefined
  closeSource(number: number): void
  /** Adds a call of a model to what the run used. */
  recordCall(call: ModelCall): void
  /** Called after costly ops: counts what the variables of the run hold. Ends the run when the server has no room for it. */
  noteGrowth(): void
  setResponseHeader(name: string, value: string): void
  /** Remembers which step an error came from: the innermost that it passed. */
  noteFailure(program: Program, frame: Frame, error: unknown): void
  /** Logs what a catch block took, where it does not learn what happened. */
  noteCaught(thrown: unknown): void
  /** An error in the form that callers receive. */
  told(thrown: unknown): StreamstackError
}

/** One line of execution as its ops use it. */
export interface Strand {
  readonly run: RunningRun
  /** Whether everything in this strand is to come to its end. */
  readonly isEnding: boolean
  /** Whether finally blocks had their time, too. */
  readonly graceIsOver: boolean
  /** Counts down to the next look at the clock. */
  fuel: number
  /** A strand for a branch: ends when this one does, or alone. `release` it when the branch is done. */
  fork(): { strand: Strand; release: () => void }
  /** Ends the strand: all that it waits for rejects with END at once. */
  end(): void
  /** Says that an op cost as much as `ops` plain ones, so that the clock is looked at in time. */
  burn(ops: number): void
  /** Says that the op has done its work and only waits for room: a clone of the frame that is taken up meanwhile does not do it again. */
  done(): void
  /** Whether the op that waits has done its work; asked once for each op that waits. */
  takesDone(): boolean
  /** A promise: others come first. */
  refuel(program: Program): Promise<void> | undefined
  /** Settles after so many milliseconds; rejects at once when the strand is ended. */
  sleep(durationMs: number): Promise<void>
  /** The promise's result, or a rejection as soon as the strand is ended. */
  untilEnded<T>(promise: Promise<T>): Promise<T>
  /** Aborted when the strand is ended. */
  readonly signal: AbortSignal
  /** Calls a function: a new frame, or the one of a call under way, taken to its end; then `done` with its result. */
  call(
    caller: Frame,
    name: string,
    inputs: ReadonlyMap<string, Value>,
    done: (result: Value) => void,
  ): void | Promise<void>
  /** The frame in which a call of a function begins. Throws `limit_exceeded` when calls are nested too deep. */
  newCall(caller: Frame, name: string, inputs: ReadonlyMap<string, Value>): Frame
}
