import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compileTextMatcher } from './text-match.ts'

/** The meaning of a pattern, by the rules and without care for time: each character, each rest. */
function means(pattern: readonly string[], text: readonly string[]): boolean {
  const [sign, ...rest] = pattern
  if (sign === undefined) return text.length === 0
  if (sign === '%') return means(rest, text) || (text.length > 0 && means(pattern, text.slice(1)))
  if (sign === '\\' && rest.length > 0) return text[0] === rest[0] && means(rest.slice(1), text.slice(1))
  return text.length > 0 && (sign === '_' || sign === text[0]) && means(rest, text.slice(1))
}

const letters = ['a', 'b', 'é', '😀']
const text = fc.string({ unit: fc.constantFrom(...letters, '%', '_', '\\'), maxLength: 8 })
const pattern = fc.string({ unit: fc.constantFrom(...letters, '%', '%', '_', '\\'), maxLength: 7 })

describe('a pattern', () => {
  test('means what its characters say', () => {
    fc.assert(
      fc.property(pattern, text, (like, cell) => {
        expect(compileTextMatcher('like', like).test(cell)).toBe(means(Array.from(like), Array.from(cell)))
        expect(compileTextMatcher('contains', like).test(cell)).toBe(cell.includes(like))
      }),
      { numRuns: 3000 },
    )
  })

  test('of many characters means the same as of few', () => {
    const filler = 'x'.repeat(40)
    fc.assert(
      fc.property(pattern, text, (like, cell) => {
        const long = compileTextMatcher('like', `${filler}${like}${filler}`)
        expect(long.test(`${filler}${cell}${filler}`)).toBe(means(Array.from(`x${like}x`), Array.from(`x${cell}x`)))
      }),
      { numRuns: 1000 },
    )
  })

  test.each([
    ['ilike', 'ÉCOLE_', 'écoles', true],
    ['ilike', '%STRASSE', 'Hauptstrasse', true],
    ['like', 'a', 'A', false],
    ['like', '', '', true],
    ['like', '', 'a', false],
    ['like', '%', '', true],
    ['like', '%%', 'anything', true],
    ['like', '_', '😀', true],
    ['like', String.raw`100\%`, '100%', true],
    ['contains', '%', '100%', true],
    ['contains', '', '', true],
  ] as const)('%s %j of %j: %s', (operator, sign, cell, fits) => {
    expect(compileTextMatcher(operator, sign).test(cell)).toBe(fits)
  })

  test('takes steps in line with the text, whatever it is', () => {
    const hostile = [
      `%${'a'.repeat(500)}b%`,
      '%a'.repeat(499),
      `${'%_'.repeat(499)}b`,
      `%${'a'.repeat(16)}b%`,
      `${'a%'.repeat(400)}b`,
      '_'.repeat(1000),
    ]
    const cell = 'a'.repeat(1_000_000)
    for (const like of hostile) {
      const matcher = compileTextMatcher('ilike', like)
      expect(matcher.stepsPerCharacter).toBeLessThan(80)
      expect([like.slice(0, 10), matcher.test(cell)]).toEqual([like.slice(0, 10), like === '%a'.repeat(499)])
    }
  })
})
