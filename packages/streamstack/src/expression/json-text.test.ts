import { StreamstackError, type Value } from '@streamstack/protocol'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { jsonText } from './index.ts'

function doubled(value: Value, times: number): Value {
  let nested = value
  for (let time = 0; time < times; time += 1) nested = [nested, nested]
  return nested
}

function attempt(value: Value, charactersMax: number): unknown {
  try {
    return jsonText(value, charactersMax)
  } catch (error) {
    return error
  }
}

describe('jsonText', () => {
  test('writes any value as JSON.stringify does, up to exactly the bound', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (json) => {
        const value: Value = JSON.parse(JSON.stringify(json))
        const text = JSON.stringify(value)
        expect(jsonText(value, text.length)).toBe(text)
        expect(attempt(value, text.length - 1)).toMatchObject({ code: 'limit_exceeded' })
      }),
    )
  })

  test('numbers that JSON does not have are null', () => {
    expect(jsonText([NaN, Infinity, -Infinity, -0], 100)).toBe('[null,null,null,0]')
  })

  test('escapes count', () => {
    expect(jsonText('\n\n', 6)).toBe('"\\n\\n"')
    expect(attempt('\n\n', 5)).toMatchObject({ code: 'limit_exceeded' })
  })

  test.each([
    ['longer than 1,000 characters', doubled('x', 60), 1000],
    ['longer than 1,000 characters', 'x'.repeat(1000), 1000],
    ['longer than 1,000 characters', { ['x'.repeat(1000)]: 1 }, 1000],
    ['more than 2,000,000 values', doubled([], 60), Infinity],
    ['more than 2,000,000 values', doubled({ a: 1 }, 60), Infinity],
  ])('refuses a value that is %s', (message, value, charactersMax) => {
    const error = attempt(value, charactersMax)
    expect(error).toBeInstanceOf(StreamstackError)
    expect(error).toMatchObject({ code: 'limit_exceeded' })
    expect(String(error)).toContain(message)
  })

  test('500 levels pass, one more does not', () => {
    let value: Value = []
    for (let level = 1; level < 500; level += 1) value = level % 2 === 0 ? [value] : { a: value }
    expect(jsonText(value, 10_000)).toBe(JSON.stringify(value))
    expect(String(attempt([value], 10_000))).toContain('500 levels')
    expect(attempt([value], 10_000)).toMatchObject({ code: 'limit_exceeded' })
  })
})
