import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { compileSearch } from './pattern-search.ts'

const { pattern } = fc.letrec<{ pattern: string }>((tie) => ({
  pattern: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    fc.constantFrom('a', 'b', '.', '[ab]', '[^a]', '\\w', '\\b', '\\B', '1', '\\u{1F600}'),
    fc.tuple(tie('pattern'), tie('pattern')).map(([left, right]) => left + right),
    fc.tuple(tie('pattern'), tie('pattern')).map(([left, right]) => `(?:${left}|${right})`),
    fc
      .tuple(tie('pattern'), fc.constantFrom('*', '+', '?', '{2}', '{0,2}'))
      .map(([inner, times]) => `(?:${inner})${times}`),
  ),
}))
const text = fc
  .array(fc.constantFrom('a', 'b', '1', ' ', '😀', 'aa', 'é'), { maxLength: 16 })
  .map((parts) => parts.join(''))

/** The longest match by trying each length; a match ends where JavaScript's own, asked about this piece in its place, does. */
function longestByForce(source: string, whole: string, at: number, lengthMax: number): number {
  for (let length = Math.min(lengthMax, whole.length - at); length > 0; length--) {
    const piece = new RegExp(
      `^[^]{${Array.from(whole.slice(0, at)).length}}(?:${source})(?<=^[^]{${Array.from(whole.slice(0, at + length)).length}})`,
      'u',
    )
    const cutsPair = /[\ud800-\udbff]$/.test(whole.slice(0, at + length)) || /[\ud800-\udbff]$/.test(whole.slice(0, at))
    if (!cutsPair && piece.test(whole)) return length
  }
  return 0
}

test('at each place, the longest match is the one that trying every length finds', () => {
  fc.assert(
    fc.property(pattern, text, fc.integer({ min: 1, max: 6 }), (source, whole, lengthMax) => {
      let search
      try {
        search = compileSearch(source, { lengthMax, ignoreCase: false })
      } catch {
        return
      }
      for (let at = 0; at < whole.length; at++) {
        if (/[\ud800-\udbff]$/.test(whole.slice(0, at))) continue
        expect([at, search.longestAt(whole, at, true)]).toEqual([at, longestByForce(source, whole, at, lengthMax)])
      }
    }),
    { numRuns: 400 },
  )
})

test('work grows with the text, whatever the text: a match that never comes is not looked for from each place anew', () => {
  const search = compileSearch('[a-z ]+[0-9]', { lengthMax: 256, ignoreCase: false })
  const hostile = 'a'.repeat(300_000)
  let found = 0
  for (let at = 0; at < hostile.length; at++) found += search.longestAt(hostile, at, true)
  // Walked from each place anew, this would take 77 million steps: minutes instead of a blink.
  expect(found).toBe(0)
})
