import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseExactJson } from './parse-exact-json.ts'

describe('JSON text', () => {
  test('keeps whole numbers that a number cannot hold as their text, wherever they stand', () => {
    const text =
      '{"n":9007199254740993,"list":[-9007199254740993,9007199254740991,18446744073709551616],"deep":{"id":123456789012345678}}'
    expect(parseExactJson(text)).toEqual({
      n: '9007199254740993',
      list: ['-9007199254740993', 9007199254740991, '18446744073709551616'],
      deep: { id: '123456789012345678' },
    })
    expect(parseExactJson('9007199254740992')).toBe('9007199254740992')
    expect(parseExactJson('-9007199254740991')).toBe(-9007199254740991)
    expect(parseExactJson(`1${'0'.repeat(400)}`)).toBe(`1${'0'.repeat(400)}`)
  })

  test('leaves fractions, exponents and text with many digits as they are', () => {
    const values = [0.1234567890123456, 1e300, 1234567890123.456, '9007199254740993', { '9007199254740993': 1 }]
    expect(parseExactJson(JSON.stringify(values))).toEqual(values)
    expect(parseExactJson('[9007199254740993.5,1e22]')).toEqual([9007199254740994, 1e22])
  })

  test('keeps a property named __proto__ one of the object itself', () => {
    const value = parseExactJson('{"__proto__":{"n":9007199254740993}}')
    expect(Object.keys(value as object)).toEqual(['__proto__'])
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype)
  })

  test('that is none, or is nested beyond all measure, is a SyntaxError', () => {
    const deep = `${'['.repeat(100_000)}9007199254740993${']'.repeat(100_000)}`
    for (const text of ['', '{"n":9007199254740993', '[09007199254740993]', deep])
      expect(() => parseExactJson(text)).toThrow(SyntaxError)
  })

  test('gives every whole number back digit by digit, and every other value as JSON.parse does', () => {
    fc.assert(
      fc.property(fc.bigInt(), (n) => {
        expect(parseExactJson(`[${n}]`)).toEqual([Number.isSafeInteger(Number(n)) ? Number(n) : `${n}`])
      }),
    )
    fc.assert(
      fc.property(fc.json(), (text) => {
        const long = /\d{16}/.test(text.replaceAll(/"(?:[^"\\]|\\.)*"/g, ''))
        if (!long) expect(parseExactJson(text)).toEqual(JSON.parse(text))
      }),
    )
  })
})
