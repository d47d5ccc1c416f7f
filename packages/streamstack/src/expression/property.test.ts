/* oxlint-disable typescript/no-unsafe-type-assertion -- JavaScript's own conversions, which its types forbid, are the oracle */
import { StreamstackError, type Value } from '@streamstack/protocol'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ExpressionErrors } from './index.ts'
import { evaluate, holds, type Variables } from './testing/evaluate.ts'

const variables: Variables = {
  a: 3,
  b: -0.5,
  s: 'text',
  t: '7',
  n: null,
  yes: true,
  list: [1, 'x', null],
  object: { k: [1] },
}

function isJson(value: unknown): boolean {
  if (value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
    return true
  if (Array.isArray(value)) return value.every(isJson)
  if (typeof value !== 'object' || Object.getPrototypeOf(value) !== Object.prototype) return false
  return Object.values(value).every(isJson)
}

function expectOwnError(run: () => Value): void {
  try {
    expect(isJson(run())).toBe(true)
  } catch (error) {
    if (!(error instanceof ExpressionErrors || error instanceof StreamstackError)) throw error
  }
}

/** Words that make random text likely to be an expression. */
const token = fc.constantFrom(
  ...'a b s t n yes list object item x y ( ) [ ] { } , . ?. => : ? ?? || && ! - + * / % ** === == < >= in typeof ... ` ${ } \' " 1 0.5 1e9 null true false undefined NaN'.split(
    ' ',
  ),
  ...'{{ }} .map( .filter( .length .reduce( .slice( .repeat( .join( .toFixed( String( Number( sum( keys( range( JSON.stringify( JSON.parse( Object.entries( Math.max( constructor __proto__'.split(
    ' ',
  ),
)

describe('whatever the text', () => {
  test('only our own errors are thrown, and results are JSON', () => {
    fc.assert(
      fc.property(fc.string(), (text) => expectOwnError(() => evaluate(text, variables))),
      { numRuns: 500 },
    )
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => expectOwnError(() => evaluate(`{{${text}}}`, variables))),
      { numRuns: 500 },
    )
  })

  test('made of tokens, the same', () => {
    const tokens = fc.array(token, { maxLength: 14 }).map((parts) => parts.join(' '))
    fc.assert(
      fc.property(tokens, (text) => {
        expectOwnError(() => evaluate(`{{${text}}}`, variables))
        expectOwnError(() => evaluate(text, variables))
        expectOwnError(() => holds(text, variables))
      }),
      { numRuns: 4000 },
    )
  })

  test('without {{ it stays as it is', () => {
    fc.assert(
      fc.property(
        fc.string().filter((text) => !text.includes('{{')),
        (text) => {
          expect(evaluate(text)).toBe(text)
        },
      ),
    )
  })

  test('a value reaches the output unchanged, whatever braces it holds', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.string(), (value, text) => {
        expect(evaluate('{{v}}', { v: value as Value })).toBe(value)
        expect(evaluate('<{{v}}>', { v: text })).toBe(`<${text}>`)
        expect(holds("'{{v}}' === v", { v: text })).toBe(true)
      }),
    )
  })

  test('a quoted text reads as JavaScript reads it', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(evaluate(`{{${JSON.stringify(text)}}}`)).toBe(text)
        expect(holds(`v === ${JSON.stringify(text)}`, { v: text })).toBe(true)
      }),
    )
  })
})

/** An expression as source, and what JavaScript makes of it. */
interface Case {
  source: string
  value: number | string | boolean | null
}

type Operand = Case['value']

const literal: fc.Arbitrary<Case> = fc
  .oneof(
    fc.integer(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.string({ maxLength: 5 }),
    fc.boolean(),
    fc.constant(null),
  )
  .map((value) => ({
    source:
      typeof value === 'number' && (value < 0 || Object.is(value, -0))
        ? `(-${JSON.stringify(-value)})`
        : JSON.stringify(value),
    value,
  }))

/** JavaScript's own operators on primitives: the oracle. */
const binary: Readonly<Record<string, (left: never, right: never) => Operand>> = {
  '+': (left: number, right: number) => left + right,
  '-': (left: number, right: number) => left - right,
  '*': (left: number, right: number) => left * right,
  '/': (left: number, right: number) => left / right,
  '%': (left: number, right: number) => left % right,
  '**': (left: number, right: number) => left ** right,
  '<': (left: number, right: number) => left < right,
  '<=': (left: number, right: number) => left <= right,
  '>': (left: number, right: number) => left > right,
  '>=': (left: number, right: number) => left >= right,
  '===': (left: number, right: number) => left === right,
  '!==': (left: number, right: number) => left !== right,
  // oxlint-disable-next-line eqeqeq -- the operator under test
  '==': (left: number, right: number) => left == right,
  // oxlint-disable-next-line eqeqeq -- the operator under test
  '!=': (left: number, right: number) => left != right,
  '&&': (left: number, right: number) => left && right,
  '||': (left: number, right: number) => left || right,
}

const { tree } = fc.letrec<{ tree: Case }>((tie) => ({
  tree: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    literal,
    fc
      .tuple(fc.constantFrom(...Object.entries(binary)), tie('tree'), tie('tree'))
      .map(([[operator, apply], left, right]) => ({
        source: `(${left.source}) ${operator} (${right.source})`,
        value: apply(left.value as never, right.value as never),
      })),
    fc.tuple(tie('tree'), tie('tree'), tie('tree')).map(([test, yes, no]) => ({
      source: `(${test.source}) ? (${yes.source}) : (${no.source})`,
      value: test.value ? yes.value : no.value,
    })),
    tie('tree').map(({ source, value }) => ({ source: `!(${source})`, value: !value })),
    tie('tree').map(({ source, value }) => ({ source: `-(${source})`, value: -(value as number) })),
    tie('tree').map(({ source, value }) => ({ source: `typeof (${source})`, value: typeof value })),
  ),
}))

describe('agreement with JavaScript', () => {
  test('operators on primitives, folded at load', () => {
    fc.assert(
      fc.property(tree, ({ source, value }) => {
        expect(evaluate(`{{${source}}}`)).toBe(value)
      }),
      { numRuns: 1000 },
    )
  })

  test('operators on variables, at run time', () => {
    const operand = literal.map(({ value }) => value)
    fc.assert(
      fc.property(fc.constantFrom(...Object.entries(binary)), operand, operand, ([operator, apply], left, right) => {
        const value = apply(left as never, right as never)
        expect(evaluate(`{{l ${operator} r}}`, { l: left, r: right })).toBe(value)
        expect(holds(`{{l}} ${operator} {{r}}`, { l: left, r: right })).toBe(Boolean(value))
      }),
      { numRuns: 1000 },
    )
  })

  test('methods of texts', () => {
    const position = fc.integer({ min: -8, max: 8 })
    fc.assert(
      fc.property(fc.string(), fc.string({ maxLength: 2 }), position, position, (s, p, i, j) => {
        const all =
          's.slice(i, j), s.substring(i, j), s.indexOf(p), s.lastIndexOf(p), s.includes(p), s.startsWith(p), s.endsWith(p), s.split(p), s.at(i) ?? null, s.charAt(i), s.trim(), s.toUpperCase(), s.padStart(j, p), s.concat(p), s.replace(p, j), s.replaceAll(p, j), s[i] ?? null'
        expect(evaluate(`{{[${all}]}}`, { s, p, i, j })).toStrictEqual([
          s.slice(i, j),
          s.substring(i, j),
          s.indexOf(p),
          s.lastIndexOf(p),
          s.includes(p),
          s.startsWith(p),
          s.endsWith(p),
          s.split(p),
          s.at(i) ?? null,
          s.charAt(i),
          s.trim(),
          s.toUpperCase(),
          s.padStart(j, p),
          s.concat(p),
          s.replace(p, String(j)),
          s.replaceAll(p, String(j)),
          s[i] ?? null,
        ])
      }),
    )
  })

  test('methods of lists', () => {
    const position = fc.integer({ min: -5, max: 5 })
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -20, max: 20 }), { maxLength: 8 }), position, position, (l, i, j) => {
        const all =
          'l.slice(i, j), l.toSpliced(i, j, 99), l.map(x => x * 2), l.filter((x, n) => n % 2), l.find(x => x > i) ?? null, l.findLastIndex(x => x > i), l.some(x => x > i), l.every(x => x > i), l.toSorted(), l.toSorted((x, y) => y - x), l.reduce((x, y) => x + y, j), l.flatMap(x => [x, [x]]), l.concat(i, [j]), l.includes(i), l.indexOf(i), l.join(), l.reverse()'
        expect(evaluate(`{{[${all}]}}`, { l, i, j })).toStrictEqual([
          l.slice(i, j),
          l.toSpliced(i, j, 99),
          l.map((x) => x * 2),
          l.filter((_, n) => n % 2),
          l.find((x) => x > i) ?? null,
          l.findLastIndex((x) => x > i),
          l.some((x) => x > i),
          l.every((x) => x > i),
          // oxlint-disable-next-line unicorn/require-array-sort-compare, typescript/require-array-sort-compare -- the default order is under test
          l.toSorted(),
          l.toSorted((x, y) => y - x),
          l.reduce((x, y) => x + y, j),
          l.flatMap((x) => [x, [x]]),
          l.concat(i, [j]),
          l.includes(i),
          l.indexOf(i),
          l.join(),
          l.toReversed(),
        ])
      }),
    )
  })
})
