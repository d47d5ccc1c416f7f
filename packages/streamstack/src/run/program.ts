import type { Position } from '../definition/types.ts'
import type { ChunkFilter } from './chunk-filter.ts'
import type { Frame, Slot } from './frame.ts'
import type { Strand } from './strand.ts'

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
