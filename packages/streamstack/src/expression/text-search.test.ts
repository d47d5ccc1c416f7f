import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { evaluate } from './testing/evaluate.ts'

const calls: Readonly<Record<string, (text: string, searched: string, from: number) => unknown>> = {
  'text.indexOf(searched)': (text, searched) => text.indexOf(searched),
  'text.indexOf(searched, from)': (text, searched, from) => text.indexOf(searched, from),
  'text.lastIndexOf(searched)': (text, searched) => text.lastIndexOf(searched),
  'text.lastIndexOf(searched, from)': (text, searched, from) => text.lastIndexOf(searched, from),
  'text.includes(searched, from)': (text, searched, from) => text.includes(searched, from),
  'text.split(searched).length': (text, searched) => text.split(searched).length,
  'text.replace(searched, "$&")': (text, searched) => text.replace(searched, () => '$&'),
  'text.replaceAll(searched, "$&")': (text, searched) => text.replaceAll(searched, () => '$&'),
}

describe('long searched texts give what JavaScript gives', () => {
  // Texts of few different characters, so that partial matches are many; long enough to leave the native search.
  const word = fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 1, maxLength: 4 })
  test.each(Object.entries(calls))('%s', (call, expected) => {
    fc.assert(
      fc.property(word, word, fc.nat(9), fc.integer({ min: -5, max: 30_000 }), (one, other, breaks, from) => {
        const searched = one.repeat(400) + other
        let text = one.repeat(2000)
        for (let count = 0; count < breaks; count += 1) text += other + searched.slice(count)
        text += searched.slice(1).repeat(8)
        expect(evaluate(`{{${call}}}`, { text, searched, from })).toStrictEqual(expected(text, searched, from))
      }),
      { numRuns: 25 },
    )
  })

  test('a search whose every position matches to the last character ends', () => {
    const text = 'a'.repeat(1_000_000)
    const variables = { text, late: `${'a'.repeat(500_000)}b`, early: `b${'a'.repeat(500_000)}` }
    for (const searched of ['late', 'early']) {
      expect(evaluate(`{{text.indexOf(${searched})}}`, variables)).toBe(-1)
      expect(evaluate(`{{text.lastIndexOf(${searched})}}`, variables)).toBe(-1)
      expect(evaluate(`{{text.includes(${searched})}}`, variables)).toBe(false)
      expect(evaluate(`{{text.split(${searched}).length}}`, variables)).toBe(1)
      expect(evaluate(`{{text.replace(${searched}, 'x') === text}}`, variables)).toBe(true)
      expect(evaluate(`{{text.replaceAll(${searched}, 'x') === text}}`, variables)).toBe(true)
    }
  })
})
