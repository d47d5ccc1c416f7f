import { BuiltinFailure } from './failure.ts'
import { limits } from './limits.ts'

/**
 * The work of the evaluation that runs now. One number for the process is enough: an evaluation never waits, so no two
 * of them overlap. A step stands for about 50 ns on a machine of today, so that the bound of all steps is some 50 ms of
 * the event loop.
 */
let steps = 0

/** Begins to count for another evaluation. */
export function beginWork(): void {
  steps = 0
}

/** What the evaluation has counted so far. */
export function workDone(): number {
  return steps
}

/** Counts work; throws BuiltinFailure beyond the bound. */
export function charge(more: number): void {
  steps += more
  if (steps > limits.stepsMax) {
    throw new BuiltinFailure(
      `more than ${limits.stepsMax.toLocaleString('en')} steps of work; do less at once, for example page by page in a loop.`,
    )
  }
}

/** Counts a look at all characters of a text by native code, as a comparison or a search takes it. */
export function chargeText(length: number): void {
  if (length >= 64) charge(length / 64)
}

/** Counts a text that becomes the name of a property: it is copied, hashed and kept. */
export function chargeKey(length: number): void {
  charge(2 + length / 16)
}

/** Counts properties that are copied. Large objects are kept in another way, in which each takes far longer. */
export function chargeProperties(count: number): void {
  charge(count <= 100 ? count : count * 4)
}

/** Counts a look at all properties of an object. */
export function chargeNames(count: number): void {
  charge(count)
}

/** Steps that touching a value costs: native loops over text and lists are many times faster than calls. */
export function weightOf(value: unknown): number {
  if (typeof value === 'string') return value.length >> 6
  return Array.isArray(value) ? value.length >> 2 : 0
}
