import type { ErrorCode, Value } from '@streamstack/protocol'
import { parseDurationMs } from '../../definition/index.ts'
import type { StepNode } from '../../definition/types.ts'
import { ArgumentError } from '../../expression/index.ts'
import type { Frame } from '../../run/index.ts'
import type { Compiler } from './compiler.ts'
import { stepError } from './step-error.ts'

export interface NumberBounds {
  min?: number
  max?: number
  integer?: boolean
}

/** A parameter that must be a number; numbers as text are taken. `absent` stands in when the step does not have it. */
export function numberArgument<Absent extends number | null>(
  step: StepNode,
  compiler: Compiler,
  name: string,
  absent: Absent,
  bounds: NumberBounds = {},
): (frame: Frame) => number | Absent {
  const read = (value: Value): Value => (typeof value === 'string' && value.trim() !== '' ? Number(value) : value)
  return readArgument(step, compiler, name, { absent, bounds, read, what: describe(bounds) })
}

/** A parameter that must be a duration: a number of milliseconds, or text with a unit such as `500ms`, `3s`, `2m`. Gives milliseconds. */
export function durationArgument<Absent extends number | null>(
  step: StepNode,
  compiler: Compiler,
  name: string,
  absent: Absent,
  bounds: { min?: number; max: number },
): (frame: Frame) => number | Absent {
  const { min = 0, max } = bounds
  const what = `a duration such as 500ms or 3s, or a number of milliseconds, from ${min} ms to ${max} ms`
  // A number keeps its fraction: pauses between chunks are finer than a millisecond.
  const read = (value: Value): Value => (typeof value === 'number' ? value : parseDurationMs(value))
  return readArgument(step, compiler, name, { absent, bounds: { min, max }, read, what })
}

/** A parameter that counts seconds: a number of them, or text with a unit such as `30s`, `2m`. Gives milliseconds. */
export function secondsArgument(step: StepNode, compiler: Compiler, name: string): (frame: Frame) => number | null {
  const read = (value: Value): Value => {
    const seconds = typeof value === 'string' && value.trim() !== '' ? Number(value) : value
    if (typeof seconds === 'number' && !Number.isNaN(seconds)) return seconds * 1000
    return parseDurationMs(value)
  }
  const what = 'a number of seconds of at least 0, or a duration such as 30s'
  return readArgument(step, compiler, name, { absent: null, bounds: { min: 0 }, read, what })
}

interface ArgumentRules<Absent> {
  absent: Absent
  bounds: NumberBounds
  /** What is given as a number; anything else that it returns is refused. */
  read: (value: Value) => Value
  /** What it must be, in words. */
  what: string
}

function readArgument<Absent extends number | null>(
  step: StepNode,
  compiler: Compiler,
  name: string,
  { absent, bounds, read, what }: ArgumentRules<Absent>,
): (frame: Frame) => number | Absent {
  const node = step.parameters[name]
  if (node === undefined) return () => absent
  const expression = compiler.value(node)
  const check = (value: Value): number | Absent => {
    if (value === null) return absent
    const number = read(value)
    if (typeof number === 'number' && fits(number, bounds)) return number
    throw argumentError(step, name, `must be ${what}`, value)
  }
  if (expression.constant) {
    try {
      const known = check(expression.evaluate(undefined as never))
      return () => known
    } catch (error) {
      compiler.issue('error', (error as Error).message, node.position)
      return () => absent
    }
  }
  return (frame) => check(expression.evaluate(frame))
}

/** A parameter that must be text; numbers and booleans become text, null is `absent`, anything else is an error. */
export function textArgument(step: StepNode, compiler: Compiler, name: string, absent = ''): (frame: Frame) => string {
  const node = step.parameters[name]
  if (node === undefined) return () => absent
  const expression = compiler.value(node)
  return (frame) => {
    const value = expression.evaluate(frame)
    if (value === null) return absent
    if (typeof value === 'string') return value
    if (typeof value === 'number' || typeof value === 'boolean') return String(value)
    throw argumentError(step, name, 'must be text', value)
  }
}

/** An error of a step's parameter that shows only at run time. `name`: may go on inwards, as in `headers.x-id`. */
export function argumentError(step: StepNode, name: string, problem: string, value: Value): ArgumentError {
  return argumentFault(step, name, `${problem}; it is ${kindOf(value)}`)
}

/** The same, where the kind of the value is not what is wrong. */
export function argumentFault(
  step: StepNode,
  name: string,
  problem: string,
  code: ErrorCode = 'step_failed',
): ArgumentError {
  const { message } = stepError(step, `'${name}' ${problem}.`)
  return new ArgumentError(code, message, { argument: name.split('.', 1)[0] ?? name })
}

/** What a value is, in words, without showing it. */
export function kindOf(value: Value | undefined): string {
  if (value === undefined) return 'not set'
  if (value === null) return 'null'
  if (Array.isArray(value)) return `a list of ${value.length}`
  if (typeof value === 'string') return 'text'
  if (typeof value === 'object') return 'an object'
  return `the ${typeof value} ${value}`
}

function fits(number: number, { min, max, integer }: NumberBounds): boolean {
  if (!Number.isFinite(number)) return false
  if (integer === true && !Number.isSafeInteger(number)) return false
  return (min === undefined || number >= min) && (max === undefined || number <= max)
}

function describe({ min, max, integer }: NumberBounds): string {
  const kind = integer === true ? 'a whole number' : 'a number'
  if (min !== undefined && max !== undefined) return `${kind} from ${min} to ${max}`
  if (min !== undefined) return `${kind} of at least ${min}`
  return max === undefined ? kind : `${kind} of at most ${max}`
}
