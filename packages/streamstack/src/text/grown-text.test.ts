import fc from 'fast-check'
import { expect, test } from 'vitest'
import { grownText } from './grown-text.ts'

test('a text that grows piece by piece is its pieces', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.string({ maxLength: 12 }), fc.string({ unit: 'binary', maxLength: 900 }))),
      (pieces) => {
        expect(pieces.reduce(grownText, '')).toBe(pieces.join(''))
      },
    ),
  )
})
