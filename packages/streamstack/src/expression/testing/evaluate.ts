import type { Value } from '@streamstack/protocol'
import { compileCondition, compileValue, ExpressionErrors, type Scope } from '../index.ts'

/** Variables of a test; undefined stands for one that has no value yet. */
export type Variables = Readonly<Record<string, Value | undefined>>

/** A scope of exactly these variables, read from the context. */
export function scopeOf(variables: Variables): Scope<Variables> {
  return {
    lookup: (name) => (Object.hasOwn(variables, name) ? { kind: 'read', read: (context) => context[name] } : undefined),
    names: () => Object.keys(variables),
  }
}

/** The value of a text or deep value. */
export function evaluate(value: Value, variables: Variables = {}): Value {
  return compileValue(value, scopeOf(variables)).evaluate(variables)
}

/** The value of a condition. */
export function holds(condition: Value, variables: Variables = {}): Value {
  return compileCondition(condition, scopeOf(variables)).evaluate(variables)
}

/** The first message that a value gives at load; null when it loads. */
export function fault(value: Value, variables: Variables = {}): string | null {
  return faultOf(() => compileValue(value, scopeOf(variables)))
}

/** The first message that a condition gives at load; null when it loads. */
export function conditionFault(value: Value, variables: Variables = {}): string | null {
  return faultOf(() => compileCondition(value, scopeOf(variables)))
}

function faultOf(compile: () => unknown): string | null {
  try {
    compile()
  } catch (error) {
    if (error instanceof ExpressionErrors) return error.errors[0]?.message ?? ''
    throw error
  }
  return null
}
