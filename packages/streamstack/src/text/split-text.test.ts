import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type TextUnit, splitText } from './split-text.ts'

describe('splitText', () => {
  test('keeps white space with the word before it', () => {
    expect(splitText('  one two\nthree ', 'words', 2)).toEqual(['  one ', 'two\nthree '])
  })

  test('takes what a reader sees as one character as one', () => {
    expect(splitText('a👩‍👩‍👧e\u0301\r\n', 'characters', 1)).toEqual(['a', '👩‍👩‍👧', 'e\u0301', '\r\n'])
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
