import type { Value } from '@streamstack/protocol'
import { charge } from './work.ts'

/**
 * What one evaluation needs beside the run's context: the parameters of its arrow functions. Arrow functions cannot call
 * themselves, so each parameter has one fixed slot.
 */
export class Activation {
  readonly slots: Value[]

  constructor(slotCount: number) {
    this.slots = Array.from({ length: slotCount }, () => null)
  }

  /** Counts work. */
  charge(steps: number): void {
    charge(steps)
  }
}

/** For expressions without arrow functions; it holds nothing. */
export const withoutSlots = new Activation(0)
