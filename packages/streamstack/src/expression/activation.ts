import type { Value } from '@streamstack/protocol'
import { BuiltinFailure } from './failure.ts'
import { limits } from './limits.ts'

/**
 * What one evaluation needs beside the run's context: the parameters of its arrow functions and the work done so far.
 * Arrow functions cannot call themselves, so each parameter has one fixed slot.
 */
export class Activation {
  readonly slots: Value[]
  steps: number

  constructor(slotCount: number, steps = 0) {
    this.slots = Array.from({ length: slotCount }, () => null)
    this.steps = steps
  }

  /** Counts work. */
  charge(steps: number): void {
    this.steps += steps
    if (this.steps > limits.stepsMax) {
      throw new BuiltinFailure(
        `more than ${limits.stepsMax.toLocaleString('en')} steps of work; do less at once, for example page by page in a loop.`,
      )
    }
  }
}

/** For expressions without arrow functions: their work is bounded by their text, so it is not counted. */
export const unmetered = new Activation(0, -Infinity)

/** Steps that touching a value costs: native loops over text and lists are many times faster than calls. */
export function weightOf(value: unknown): number {
  if (typeof value === 'string') return value.length >> 6
  return Array.isArray(value) ? value.length >> 2 : 0
}
