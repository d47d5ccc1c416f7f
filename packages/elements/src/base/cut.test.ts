import { expect, test } from 'vitest'
import { cut } from './cut.ts'

test.each([
  ['abc', 3, 'abc'],
  ['abcd', 3, 'abc'],
  ['ab😀', 3, 'ab'],
  ['ab😀c', 4, 'ab😀'],
  ['a👨‍👩‍👧b', 8, 'a'],
  ['a👨‍👩‍👧b', 9, 'a👨‍👩‍👧'],
  ['🇩🇪🇸🇪', 6, '🇩🇪'],
  ['Ame\u0301lie', 3, 'Am'],
  ['😀', 0, ''],
])('%j is cut to %i units between characters', (text, lengthMax, expected) => {
  expect(cut(text, lengthMax)).toBe(expected)
})
