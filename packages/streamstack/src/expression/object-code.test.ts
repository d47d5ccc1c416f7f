import { StreamstackError, type Value } from '@streamstack/protocol'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compileValue, jsonText } from './index.ts'
import { type Variables, scopeOf } from './testing/evaluate.ts'

const names = ['a', 'b', 'c', 'd'] as const
const scope = scopeOf({ a: null, b: null, c: null, d: null })

const anyValue = fc.oneof(
  fc.constantFrom<Value>(NaN, Infinity, -Infinity, -0, 1e21, 5e-324, '', '"\u2028\ud800', null, true),
  fc.jsonValue().map((json) => JSON.parse(JSON.stringify(json)) as Value),
)

const template = fc.dictionary(
  fc
    .oneof(fc.constantFrom('x', '2', '1', 'with "quotes"', 'constructor'), fc.string())
    .filter((name) => name !== '__proto__'),
  fc.oneof(
    ...names.map((name) => fc.constant<Value>(`{{${name}}}`)),
    fc.constantFrom<Value>('words {{a}} more', { inner: '{{b}}', list: ['{{c}}'] }, 'constant', 7, null),
  ),
)

describe('the JSON of an object with fixed names', () => {
  test('is what jsonText makes of its value', () => {
    fc.assert(
      fc.property(template, fc.array(anyValue, { minLength: 4, maxLength: 4 }), (value, values) => {
        const compiled = compileValue<Variables>(value, scope)
        const context = Object.fromEntries(names.map((name, index) => [name, values[index] ?? null]))
        const text = jsonText(compiled.evaluate(context))
        // One that is constant is written once.
        if (!compiled.constant) expect(compiled.json?.(context)).toBe(text)
      }),
      { numRuns: 500 },
    )
  })

  test('is refused where it is too long, as a whole and in one member', () => {
    const half = 'x'.repeat(17 * 1024 * 1024)
    const two = compileValue<Variables>({ a: '{{a}}', b: '{{b}}' }, scope)
    expect(two.json?.({ a: half, b: '' })).toHaveLength(half.length + 15)
    expect(() => two.json?.({ a: half, b: half })).toThrow(StreamstackError)
    expect(() => two.json?.({ a: half + half, b: '' })).toThrow('longer than')
  })

  test('is not there for anything else', () => {
    for (const value of ['{{a}}', 'text {{a}}', ['{{a}}'], 7, null, { constant: 1 }]) {
      expect(compileValue<Variables>(value, scope).json).toBe(null)
    }
  })
})
