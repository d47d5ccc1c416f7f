import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { cutText, shortened } from './cut-text.ts'

const FLAG = '🇩🇪'
const FAMILY = '👨‍👩‍👧'
const ACCENTED = 'e\u0301'

/** The reference: all characters of the whole text, joined as far as they fit. */
function expected(text: string, lengthMax: number): string {
  let end = 0
  for (const { segment, index } of new Intl.Segmenter('und', { granularity: 'grapheme' }).segment(text)) {
    if (index + segment.length > lengthMax) break
    end = index + segment.length
  }
  return text.slice(0, end)
}

describe('a text that is cut', () => {
  test('is cut where no character is cut, as a segmenter over all of it says', () => {
    const pieces = fc.constantFrom(
      ...Array.from('ab \r\né\u0301😀\u200d漢각각ำก्ि\u0600\ufe0f\u{1f3fd}\u{e0067}\u{e007f}'),
      ACCENTED,
      '👍🏽',
      FAMILY,
      '❤️',
      FLAG,
      '🇩',
      'क्ष',
      '\ud83d',
      '\ude00',
    )
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 40 }), fc.nat({ max: 120 }), (parts, lengthMax) => {
        const text = parts.join('')
        expect(cutText(text, lengthMax)).toBe(expected(text, lengthMax))
      }),
      { numRuns: 2_000 },
    )
  })

  test.each([
    ['flags', FLAG.repeat(50_000), 100_002, 100_000],
    ['half of a flag, then flags', `🇩${FLAG.repeat(50_000)}`, 100_003, 100_000],
    ['letters', 'a'.repeat(1_000_000), 999_999, 999_999],
  ])('is cut there in %s without end, too', (_, text, lengthMax, length) => {
    expect(cutText(text, lengthMax)).toHaveLength(length)
  })

  // No script has such a character.
  test.each([
    ['marks on one letter', `a${'\u0301'.repeat(1_000_000)}`],
    ['marks of two units on one letter', `a${'\u{1d165}'.repeat(500_000)}`],
    ['people in one family', '👨\u200d'.repeat(300_000)],
  ])('is not searched to the beginning of a character of very many %s', (_, text) => {
    for (const lengthMax of [500_000, 500_001, 500_002]) {
      const cut = cutText(text, lengthMax)
      expect(cut.length).toBeLessThanOrEqual(lengthMax)
      expect(cut.length).toBeGreaterThan(lengthMax - 1_010)
      expect(cut.isWellFormed()).toBe(true)
    }
  })

  test.each([
    ['abc', 3, 'abc'],
    ['abcd', 3, 'ab…'],
    [`ab${FAMILY}`, 5, 'ab…'],
    [FAMILY, 3, '…'],
  ])('with an ellipsis: %j in %d', (text, lengthMax, short) => {
    expect(shortened(text, lengthMax)).toBe(short)
  })

  test('with a length that is none has no characters', () => {
    for (const length of [0, -1, Number.NaN, -Infinity]) expect(cutText('abc', length)).toBe('')
    expect(cutText('abc', 1.9)).toBe('a')
    expect(cutText('abc', Infinity)).toBe('abc')
  })
})
