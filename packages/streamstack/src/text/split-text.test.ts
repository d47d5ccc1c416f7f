import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type TextUnit, splitText, takePieces } from './split-text.ts'

describe('splitText', () => {
  test('keeps white space with the word before it', () => {
    expect(splitText('  one two\nthree ', 'words', 2)).toEqual(['  one ', 'two\nthree '])
  })

  test('takes what a reader sees as one character as one', () => {
    expect(splitText('a👩‍👩‍👧e\u0301\r\n', 'characters', 1)).toEqual(['a', '👩‍👩‍👧', 'e\u0301', '\r\n'])
  })

  test('cuts at the borders of grapheme clusters, as a segmenter does', () => {
    const segmenter = new Intl.Segmenter('und', { granularity: 'grapheme' })
    const tricky = fc.constantFrom(
      'a',
      'é',
      'e\u0301',
      '\u0301',
      '\r',
      '\n',
      '😀',
      '👩',
      '\u200d',
      '\ufe0f',
      '🏽',
      '🇩',
      '🇪',
      '가',
      '\u1100',
      '\u1161',
      '\u11a8',
      'ก',
      '\u0e33',
      'क',
      '\u094d',
      'ष',
      '\u0600',
      '1',
      '你',
      '\ud800',
      '\u200b',
      '\u00ad',
      '\u{110bd}',
      '\uff9e',
      '©',
    )
    fc.assert(
      fc.property(
        fc.array(fc.oneof(tricky, fc.string({ unit: 'binary', maxLength: 1 })), { maxLength: 12 }),
        (parts) => {
          const text = parts.join('')
          const expected = Array.from(segmenter.segment(text), ({ segment }) => segment)
          expect(splitText(text, 'characters', 1)).toEqual(expected)
        },
      ),
      { numRuns: 3000 },
    )
  })

  test('finds words where no spaces are', () => {
    expect(splitText('今日は天気です。', 'words', 1).length).toBeGreaterThan(2)
  })

  test('cuts at sentences and lines', () => {
    expect(splitText('One. Two? Three', 'sentences', 1)).toEqual(['One. ', 'Two? ', 'Three'])
    expect(splitText('a\n\nb', 'lines', 1)).toEqual(['a\n', '\n', 'b'])
  })

  test('loses and adds nothing, whatever the text', () => {
    const unit = fc.constantFrom<TextUnit>('words', 'characters', 'sentences', 'lines')
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', maxLength: 200 }),
        unit,
        fc.integer({ min: 1, max: 9 }),
        (text, by, size) => {
          const pieces = splitText(text, by, size)
          expect(pieces.join('')).toBe(text)
          expect(pieces).not.toContain('')
        },
      ),
    )
  })
})

describe('takePieces', () => {
  test('gives the pieces of the whole text, however it comes', () => {
    const unit = fc.constantFrom<TextUnit>('words', 'characters', 'lines')
    const parts = fc.array(fc.constantFrom('one', ' two', 'thr', 'ee ', '\n', '  ', 'e', '\u0301', '👩‍', '👧', '. '), {
      maxLength: 30,
    })
    fc.assert(
      fc.property(parts, unit, fc.integer({ min: 1, max: 4 }), (deltas, by, size) => {
        const given: string[] = []
        let kept = ''
        for (const delta of deltas) {
          const { pieces, rest } = takePieces(kept + delta, by, size)
          given.push(...pieces)
          kept = rest
        }
        if (kept !== '') given.push(...splitText(kept, by, size))
        expect(given).toEqual(splitText(deltas.join(''), by, size))
      }),
      { numRuns: 300 },
    )
  })

  test('gives whole characters, also of text that comes in UTF-16 units', () => {
    const character = fc.constantFrom('a', ' ', 'e\u0301', '👩‍👩‍👧', '🇩🇪', '🇫🇷', '👍🏽', '1️⃣', '秋', '각', 'क्षि')
    fc.assert(
      fc.property(fc.array(character, { maxLength: 12 }), fc.integer({ min: 1, max: 3 }), (characters, size) => {
        const text = characters.join('')
        const given: string[] = []
        let kept = ''
        for (const unit of text.split('')) {
          const { pieces, rest } = takePieces(kept + unit, 'characters', size)
          given.push(...pieces)
          kept = rest
        }
        if (kept !== '') given.push(...splitText(kept, 'characters', size))
        expect(given).toEqual(splitText(text, 'characters', size))
      }),
      { numRuns: 300 },
    )
  })

  test('holds the last unit back, since more may belong to it', () => {
    expect(takePieces('one two', 'words', 1)).toEqual({ pieces: ['one '], rest: 'two' })
    expect(takePieces('e', 'characters', 1)).toEqual({ pieces: [], rest: 'e' })
    expect(takePieces('今日は天気', 'words', 1).pieces.join('')).toMatch(/^今日は?$/)
  })
})
