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

  test.each([
    ['9007199254740993.0', '9007199254740993'],
    ['9.007199254740993e15', '9007199254740993'],
    ['-90071992547409.93E+2', '-9007199254740993'],
    ['900719925474099300e-2', '9007199254740993'],
    ['12345678901234567e1', '123456789012345670'],
    ['12345678901234567e2', '1234567890123456700'],
    ['12345678901234567e999', '12345678901234567e999'],
    ['-1.5e+400', '-1.5e+400'],
  ])('keeps %s as the text %s', (source, kept) => {
    expect(parseExactJson(`{"a":[${source},1,"${source}"],"${source}":${source}}`)).toEqual({
      a: [kept, 1, source],
      [source]: kept,
    })
  })

  test('leaves numbers in scientific notation that name a magnitude', () => {
    const sources = [
      '6.02e23',
      '1e22',
      '1e23',
      '9.9999999999999992e+22',
      '9.007199254740992e15',
      '6.189700196426902e+26',
      '1.7976931348623157e308',
    ]
    expect(parseExactJson(`[${sources.join()}]`)).toEqual(sources.map(Number))
  })

  test('reads numbers of very many digits in time that grows with their length', () => {
    const zeros = '0'.repeat(1_000_000)
    expect(
      parseExactJson(`[1.${zeros}1e16,1.${zeros}e16,0.${zeros}1e1000017,${zeros.replace('0', '1')}e-999984]`),
    ).toEqual([1e16, 1e16, 1e16, 1e15])
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
      fc.property(fc.bigInt({ min: 2n ** 53n, max: 2n ** 63n }), fc.integer({ min: 1, max: 15 }), (n, places) => {
        // One that ends with zeros may be a number, rounded to fewer digits.
        fc.pre(n % 10n !== 0n)
        const digits = `${n}`
        const moved = `${digits.slice(0, -places)}.${digits.slice(-places)}e${places}`
        const read = parseExactJson(moved)
        expect(typeof read === 'number' || typeof read === 'string' ? BigInt(read) : read).toBe(n)
      }),
    )
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (number) => {
        // However many digits a program writes for a number, it is that number.
        for (const text of [JSON.stringify(number), number.toExponential(16), number.toExponential()])
          if (!/^-?\d+$/.test(text)) expect(parseExactJson(text)).toBe(Number(text))
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
