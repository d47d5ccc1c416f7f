import { BuiltinFailure } from './failure.ts'
import { limits } from './limits.ts'

/** Work after which the run checks how long it has held the event loop: about 0.5 ms. */
const NOTED_STEPS = 20_000

/**
 * The work of all evaluations since it was last taken, and of it what came before the evaluation that runs now. Two
 * numbers for the process are enough: an evaluation never waits, so no two of them overlap. A step stands for about
 * 25 ns on a machine of today, so that the bound of one evaluation is some 25 ms of the event loop.
 */
let steps = 0
let stepsBefore = 0

/** Begins to count for another evaluation. */
export function beginWork(): void {
  stepsBefore = steps
}

/** What the evaluation has counted so far. */
export function workDone(): number {
  return steps - stepsBefore
}

/** Whether evaluations have done so much since `takeWork` that it must be taken into account. */
export function isWorkDue(): boolean {
  return steps >= NOTED_STEPS
}

/** The work of all evaluations since the last call, in steps. Must not be called inside of an evaluation. */
export function takeWork(): number {
  const taken = steps
  steps = 0
  stepsBefore = 0
  return taken
}

/** Work that the evaluation may still do. */
export function workLeft(): number {
  return Math.max(0, limits.stepsMax - workDone())
}

/** Counts work; throws BuiltinFailure beyond the bound. */
export function charge(more: number): void {
  steps += more
  if (steps - stepsBefore > limits.stepsMax) {
    throw new BuiltinFailure(
      `more than ${limits.stepsMax.toLocaleString('en')} steps of work; do less at once, for example page by page in a loop.`,
    )
  }
}

/** Counts work that has a bound of its own, such as the writing of JSON: for the turns of the event loop, and not for the bound of an evaluation. */
export function noteWork(more: number): void {
  steps += more
  stepsBefore += more
}

/** Counts a look at all characters of a text by native code, as a comparison or a search takes it. */
export function chargeText(length: number): void {
  if (length >= 32) charge(length / 32)
}

/** Counts a text that becomes the name of a property: it is copied, hashed and kept. */
export function chargeKey(length: number): void {
  charge(5 + length / 8)
}

/** Counts properties that are copied. Large objects are kept in another way, in which each takes far longer. */
export function chargeProperties(count: number): void {
  charge(count <= 100 ? count : count * 6)
}

/** Counts a look at all properties of an object. Large objects are kept in another way, in which each takes far longer. */
export function chargeNames(count: number): void {
  charge(count <= 100 ? count : count * 3)
}

/** Steps that touching a value costs: native loops over text and lists are many times faster than calls. */
export function weightOf(value: unknown): number {
  if (typeof value === 'string') return value.length >> 5
  return Array.isArray(value) ? value.length >> 2 : 0
}
