import { StreamstackError, type Value } from '@streamstack/protocol'
import type { StepNode } from '../definition/types.ts'
import type { Frame } from '../run/index.ts'
import type { Compiler } from './compiler.ts'

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
  const node = step.parameters[name]
  if (node === undefined) return () => absent
  const expression = compiler.value(node)
  const check = (value: Value): number | Absent => {
    if (value === null) return absent
    const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value
    if (typeof number === 'number' && fits(number, bounds)) return number
    throw argumentError(step, name, `must be ${describe(bounds)}`, value)
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

/** An error of a step's parameter that shows only at run time. */
export function argumentError(step: StepNode, name: string, problem: string, value: Value): StreamstackError {
  return new StreamstackError(
    'step_failed',
    `${step.function} (step ${step.id}): '${name}' ${problem}; it is ${kindOf(value)}.`,
  )
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
