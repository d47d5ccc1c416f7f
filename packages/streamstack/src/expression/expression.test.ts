import type { Value } from '@streamstack/protocol'
import { describe, expect, test } from 'vitest'
import { builtins, compileCondition, compileValue, ExpressionErrors, type Scope } from './index.ts'

/** A scope over a plain map: what is in `values` is declared; undefined has no value yet. */
function scopeOf(values: Map<string, Value | undefined>): Scope<Map<string, Value | undefined>> {
  return {
    lookup: (name) => (values.has(name) ? { kind: 'read', read: (context) => context.get(name) } : undefined),
    names: () => values.keys(),
  }
}

function evaluate(value: Value, variables: Record<string, Value | undefined> = {}): Value {
  const values = new Map(Object.entries(variables))
  return compileValue(value, scopeOf(values)).evaluate(values)
}

function holds(condition: Value, variables: Record<string, Value | undefined> = {}): Value {
  const values = new Map(Object.entries(variables))
  return compileCondition(condition, scopeOf(values)).evaluate(values)
}

/** The messages that a value or condition gives at load. */
function faults(compile: () => unknown): string[] {
  try {
    compile()
  } catch (error) {
    if (error instanceof ExpressionErrors) return error.errors.map(({ message }) => message)
    throw error
  }
  return []
}

describe('built-ins', () => {
  test.each(builtins.map((builtin) => [builtin.signature, builtin] as const))(
    '%s does what its example says',
    (_, builtin) => {
      const [expression, result] = builtin.example
      expect(evaluate(`{{${expression}}}`)).toStrictEqual(result)
    },
  )
})

test('x', () => {
  expect(evaluate('{{1 + a}}', { a: 2 })).toBe(3)
  expect(holds("'{{item}}' === 'users'", { item: 'users' })).toBe(true)
  expect(faults(() => evaluate('{{b}}', { a: 2 }))).toEqual([])
})
