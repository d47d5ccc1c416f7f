import fc from 'fast-check'
import type { Value } from '@streamstack/protocol'
import { describe, expect, it } from 'vitest'
import { jsonInPieces } from './json-in-pieces.ts'

const parse = (text: string): Value => JSON.parse(text) as Value

function parsed(text: string, pieceCharacters: number): { value: Value; pieces: number } {
  const generator = jsonInPieces(text, { parse }, pieceCharacters)
  for (let pieces = 1; ; pieces++) {
    const { done, value } = generator.next()
    if (done === true) return { value, pieces }
  }
}

/** What both make of a text; null: it is refused. */
function outcome(act: () => Value): string | null {
  try {
    return JSON.stringify(act())
  } catch (error) {
    expect(error).toBeInstanceOf(SyntaxError)
    return null
  }
}

const json = fc
  .tuple(fc.jsonValue({ maxDepth: 6 }), fc.constantFrom(0, 1, '\t'))
  .map(([value, indent]) => JSON.stringify(value, null, indent))

describe('JSON that is parsed in pieces', () => {
  it('gives the value that JSON.parse gives, in the same order', () => {
    fc.assert(
      fc.property(json, fc.nat(40), (text, size) => {
        expect(outcome(() => parsed(text, size).value)).toBe(outcome(() => parse(text)))
      }),
      { numRuns: 500 },
    )
  })

  it('refuses what JSON.parse refuses, wherever the text is broken', () => {
    const broken = fc
      .tuple(
        json,
        fc.nat(),
        fc.constantFrom('', ',', '[', ']', '{', '}', ':', '"', '\\', '0', '-', 'e', ' ', '[]', '{}'),
        fc.nat(2),
      )
      .map(([text, at, inserted, dropped]) => {
        const place = at % (text.length + 1)
        return text.slice(0, place) + inserted + text.slice(place + dropped)
      })
    fc.assert(
      fc.property(broken, fc.nat(20), (text, size) => {
        expect(outcome(() => parsed(text, size).value)).toBe(outcome(() => parse(text)))
      }),
      { numRuns: 1_000 },
    )
  })

  it.each([
    ['a name that stands twice', '{"a":[1,2,3],"b":1,"a":[4,5,6]}'],
    ['names that are numbers', '{"b":[1,2],"2":[3,4],"1":{"a":1,"b":2}}'],
    ['__proto__', '{"a":1,"__proto__":{"b":1,"c":2},"d":[1,2],"__proto__":[3,4]}'],
    ['escaped names and brackets in texts', '{"\\u0061\\"]":["[","]",",{"],"}":{"{":",","b":"\\\\"}}'],
  ])('takes %s as JSON.parse does', (_, text) => {
    for (let size = 0; size < text.length; size++) {
      const { value } = parsed(text, size)
      expect(JSON.stringify(value)).toBe(JSON.stringify(parse(text)))
      expect(Object.getPrototypeOf(value)).toBe(Object.prototype)
    }
  })

  it.each([
    ['[-[1,2],3]'],
    ['{"a":-[1,2],"b":1}'],
    ['{"a":1[2,3],"b":1}'],
    ['{[1,2],"b":1}'],
    ['[[1,2]3,4]'],
    ['[[1,2],]'],
    ['[[1,2][3,4]]'],
    ['[[1,2] {"a":1,"b":2},5]'],
    ['{"a":[1,2]"b":[3,4]}'],
    ['{"a":{"b":1,"c":2} "d":{"e":1,"f":2},"g":1}'],
    ['[1,2,3'],
    ['[1,2}'],
    ['[1,2],[3,4]'],
    ['x[1,2]'],
  ])('refuses %s in pieces of any size', (text) => {
    for (let size = 0; size < text.length; size++) expect(() => parsed(text, size)).toThrow(SyntaxError)
  })

  it('makes no piece of much more than 16 KiB, however the names are spread', () => {
    const names = (count: number, from: number): string =>
      `{${Array.from({ length: count }, (_, n) => `"n${from + n}":1`).join(',')}}`
    for (const size of [1, 100, 60_000]) {
      const text = `{"a":{"b":[${Array.from({ length: 60_000 / size }, (_, n) => names(size, n * size)).join(',')}]}}`
      let longest = 0
      const measured = (piece: string): Value => {
        longest = Math.max(longest, piece.length)
        return parse(piece)
      }
      for (const _ of jsonInPieces(text, { parse: measured }));
      expect(longest).toBeLessThan(20_000)
    }
  })
})
