import type { Value } from '@streamstack/protocol'

/** What a slot holds; undefined: the variable has no value yet. */
export type Slot = Value | undefined

/**
 * Where a run stands, as plain data (structured-cloneable): a frame and its program are enough to go on from here. Variables, loop positions
 * and what steps remember between rounds all live in slots, given out when the plan was made.
 */
export interface Frame {
  /** Name of the program in the plan; '' is the endpoint's own stack. */
  readonly program: string
  /** The op to do next. */
  pc: number
  /** The op that is being waited for, or -1. A frame taken up again elsewhere starts with it. */
  waitingAt: number
  /** Its first op: that of the program, or of a branch. */
  readonly start: number
  /** The frame is done when `pc` reaches this. */
  readonly end: number
  /** Shared with branch frames of the same program. */
  readonly slots: Slot[]
  /** Indices of the regions (Try, finally) that the frame is in, innermost last. */
  readonly regions: number[]
  /** The frame of the function that this one is calling. */
  callee: Frame | null
  /** Frames of the branches that this one is waiting for; done ones are null. */
  branches: (Frame | null)[] | null
  /** How many calls deep, from 0. */
  readonly depth: number
  /** Set once the end of the run (cancel, limit) has begun to unwind this frame; from then on only finally blocks run. */
  ending: boolean
}

export function newFrame(program: string, slots: Slot[], range: { from: number; to: number; depth: number }): Frame {
  return {
    program,
    pc: range.from,
    waitingAt: -1,
    start: range.from,
    end: range.to,
    slots,
    regions: [],
    callee: null,
    branches: null,
    depth: range.depth,
    ending: false,
  }
}

/** How a finally block was come to, kept in a slot: what happens after it. */
export type Completion =
  | { readonly kind: 'next' }
  | { readonly kind: 'jump'; readonly pc: number }
  | { readonly kind: 'throw'; readonly error: CaughtError }
  | { readonly kind: 'stop' }
  | { readonly kind: 'end' }

/** An error as frames hold it: plain, public. `{{error}}` in a catch block is this. */
export interface CaughtError {
  readonly [key: string]: Value
  readonly code: string
  readonly message: string
  readonly recoverable: boolean
  /** Seconds. */
  readonly retry_after: number | null
  readonly status: number
}
