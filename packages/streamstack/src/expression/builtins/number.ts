import { BuiltinFailure } from '../failure.ts'
import { numberOf } from '../operator.ts'
import { checkLocaleName } from '../unicode-bounds.ts'
import { charge } from '../work.ts'
import { isList } from '../value.ts'
import type { Value } from '@streamstack/protocol'
import { any, type Builtin, defineFunction, defineMethod, number, optional, rest, text } from './builtin.ts'

/** The functions of one number that JavaScript's Math has: name, summary, argument and result of the example. */
const mathOfOne: readonly (readonly [keyof typeof Math & string, string, (x: number) => number, number, number])[] = [
  ['abs', 'The number without its sign.', Math.abs, -3, 3],
  ['ceil', 'The next integer upwards.', Math.ceil, 1.2, 2],
  ['floor', 'The next integer downwards.', Math.floor, 1.8, 1],
  ['round', 'The nearest integer; halves go up.', Math.round, 2.5, 3],
  ['trunc', 'The number without its fraction.', Math.trunc, -1.8, -1],
  ['sign', '-1, 0 or 1.', Math.sign, -5, -1],
  ['sqrt', 'The square root.', Math.sqrt, 9, 3],
  ['cbrt', 'The cube root.', Math.cbrt, 27, 3],
  ['exp', 'The number e to the power of the number.', Math.exp, 0, 1],
  ['log', 'The natural logarithm.', Math.log, 1, 0],
  ['log2', 'The logarithm to base 2.', Math.log2, 8, 3],
  ['log10', 'The logarithm to base 10.', Math.log10, 1000, 3],
  ['sin', 'The sine of an angle in radians.', Math.sin, 0, 0],
  ['cos', 'The cosine of an angle in radians.', Math.cos, 0, 1],
  ['tan', 'The tangent of an angle in radians.', Math.tan, 0, 0],
  ['atan', 'The angle, in radians, of a tangent.', Math.atan, 0, 0],
]

const parseFloatBuiltins = ['parseFloat', 'Number.parseFloat'].map((name) =>
  defineFunction('number', {
    name,
    summary: 'The number at the start of a text.',
    parameters: [text('text')],
    example: [`${name}('3.5 km')`, 3.5],
    run: (value) => Number.parseFloat(value),
  }),
)

const parseIntBuiltins = ['parseInt', 'Number.parseInt'].map((name) =>
  defineFunction('number', {
    name,
    summary: 'The integer at the start of a text, in base 10 unless a radix is given.',
    parameters: [text('text'), optional(number('radix'))],
    example: [`${name}('42px')`, 42],
    run: (value, radix) => Number.parseInt(value, radix),
  }),
)

/** Methods of numbers and booleans, and functions that calculate. */
export const numberBuiltins: readonly Builtin[] = [
  defineMethod('number', {
    name: 'toFixed',
    cost: 4,
    summary: 'The number as text with a fixed number of digits after the point.',
    parameters: [optional(number('digits'))],
    example: ['(2.345).toFixed(1)', '2.3'],
    run: (receiver, digits) => receiver.toFixed(digits),
  }),
  defineMethod('number', {
    name: 'toPrecision',
    cost: 4,
    summary: 'The number as text with a number of significant digits.',
    parameters: [optional(number('digits'))],
    example: ['(123.456).toPrecision(4)', '123.5'],
    run: (receiver, digits) => receiver.toPrecision(digits),
  }),
  defineMethod('number', {
    name: 'toString',
    summary: 'The number as text, in base 10 unless a radix is given.',
    parameters: [optional(number('radix'))],
    example: ['(255).toString(16)', 'ff'],
    run: (receiver, radix) => receiver.toString(radix),
  }),
  defineMethod('boolean', {
    name: 'toString',
    summary: "'true' or 'false'.",
    parameters: [],
    example: ['(1 < 2).toString()', 'true'],
    run: (receiver) => String(receiver),
  }),
  defineFunction('number', {
    name: 'Number',
    summary: 'The value as a number, as in JavaScript; NaN when it is none.',
    parameters: [any('value')],
    example: ["Number('12.5')", 12.5],
    run: (value) => numberOf(value),
  }),
  defineFunction('number', {
    name: 'Boolean',
    summary: 'False for false, 0, NaN, null and empty text; true for all else.',
    parameters: [any('value')],
    example: ["Boolean('')", false],
    run: (value) => Boolean(value),
  }),
  ...parseFloatBuiltins,
  ...parseIntBuiltins,
  defineFunction('number', {
    name: 'Number.isInteger',
    summary: 'Whether the value is a whole number.',
    parameters: [any('value')],
    example: ['Number.isInteger(5.5)', false],
    run: (value) => Number.isInteger(value),
  }),
  defineFunction('number', {
    name: 'Number.isSafeInteger',
    summary: 'Whether the value is a whole number that a double holds exactly.',
    parameters: [any('value')],
    example: ['Number.isSafeInteger(2 ** 53)', false],
    run: (value) => Number.isSafeInteger(value),
  }),
  defineFunction('number', {
    name: 'Number.isFinite',
    summary: 'Whether the value is a number, and not NaN or infinite.',
    parameters: [any('value')],
    example: ['Number.isFinite(1 / 0)', false],
    run: (value) => Number.isFinite(value),
  }),
  defineFunction('number', {
    name: 'Number.isNaN',
    summary: 'Whether the value is NaN.',
    parameters: [any('value')],
    example: ["Number.isNaN('abc' * 1)", true],
    run: (value) => Number.isNaN(value),
  }),
  defineFunction('number', {
    name: 'isFinite',
    summary: 'Whether the value converts to a finite number.',
    parameters: [number('value')],
    example: ["isFinite('12')", true],
    run: (value) => Number.isFinite(value),
  }),
  defineFunction('number', {
    name: 'isNaN',
    summary: 'Whether the value does not convert to a number.',
    parameters: [number('value')],
    example: ["isNaN('abc')", true],
    run: (value) => Number.isNaN(value),
  }),
  ...mathOfOne.map(([name, summary, run, argument, result]) =>
    defineFunction('number', {
      name: `Math.${name}`,
      summary,
      parameters: [number('value')],
      example: [`Math.${name}(${argument})`, result],
      run: (value) => run(value),
    }),
  ),
  defineFunction('number', {
    name: 'Math.pow',
    summary: 'A number to the power of another.',
    parameters: [number('base'), number('exponent')],
    example: ['Math.pow(2, 10)', 1024],
    run: (base, exponent) => base ** exponent,
  }),
  defineFunction('number', {
    name: 'Math.atan2',
    summary: 'The angle, in radians, of a point.',
    parameters: [number('y'), number('x')],
    example: ['Math.atan2(0, 1)', 0],
    run: (y, x) => Math.atan2(y, x),
  }),
  defineFunction('number', {
    name: 'Math.hypot',
    summary: 'The square root of the sum of squares.',
    parameters: [rest(number('values'))],
    example: ['Math.hypot(3, 4)', 5],
    run: (values) => Math.sqrt(values.reduce((sum, value) => sum + value * value, 0)),
  }),
  defineFunction('number', {
    name: 'Math.max',
    summary: 'The greatest of the numbers.',
    parameters: [rest(number('values'))],
    example: ['Math.max(3, 7, 5)', 7],
    run: (values) => greatest(values),
  }),
  defineFunction('number', {
    name: 'Math.min',
    summary: 'The smallest of the numbers.',
    parameters: [rest(number('values'))],
    example: ['Math.min(3, 7, 5)', 3],
    run: (values) => smallest(values),
  }),
  defineFunction('number', {
    name: 'max',
    summary: 'The greatest of the numbers, or of the numbers in a list; null when there are none.',
    parameters: [rest(any('values'))],
    example: ['max([3, 7, 5])', 7],
    run: (values) => (given(values).length === 0 ? null : greatest(given(values))),
  }),
  defineFunction('number', {
    name: 'min',
    summary: 'The smallest of the numbers, or of the numbers in a list; null when there are none.',
    parameters: [rest(any('values'))],
    example: ['min(3, 7, 5)', 3],
    run: (values) => (given(values).length === 0 ? null : smallest(given(values))),
  }),
  defineFunction('number', {
    name: 'round',
    cost: 8,
    summary: 'The number, rounded to some digits after the point (0 unless given); halves go away from zero.',
    parameters: [number('value'), optional(number('digits'))],
    example: ['round(1.005, 2)', 1.01],
    run: (value, digits = 0) => rounded(value, digits),
  }),
  defineFunction('number', {
    name: 'clamp',
    summary: 'The number, no smaller than one bound and no greater than the other.',
    parameters: [number('value'), number('min'), number('max')],
    example: ['clamp(120, 0, 100)', 100],
    run: (value, min, max) => Math.min(Math.max(value, min), max),
  }),
  defineFunction('number', {
    name: 'formatNumber',
    cost: 20,
    summary: 'The number as text with separators, a fixed number of digits if given, in the way of a language (en).',
    parameters: [number('value'), optional(number('digits')), optional(text('language'))],
    example: ['formatNumber(1234567.891, 2)', '1,234,567.89'],
    run: (value, digits, language) => {
      checkLocaleName(language)
      return formatterOf(language ?? 'en', digits).format(value)
    },
  }),
  ...['random', 'Math.random'].map((name) =>
    defineFunction('number', {
      name,
      summary: 'A random number from 0 up to, not including, 1. Not for secrets.',
      parameters: [],
      example: [`${name}() < 1`, true],
      pure: false,
      run: () => Math.random(),
    }),
  ),
]

/** Making a formatter takes some hundred times as long as using it. */
const formatters = new Map<string, Intl.NumberFormat>()
const FORMATTERS_MAX = 64

function formatterOf(language: string, digits: number | undefined): Intl.NumberFormat {
  const key = `${language} ${digits}`
  const known = formatters.get(key)
  if (known !== undefined) return known
  charge(1000)
  const made = new Intl.NumberFormat(language, { minimumFractionDigits: digits, maximumFractionDigits: digits })
  if (formatters.size >= FORMATTERS_MAX) formatters.clear()
  formatters.set(key, made)
  return made
}

/** Numbers and other values that have names. */
export const namedConstants: Readonly<Record<string, number>> = {
  NaN: NaN,
  Infinity: Infinity,
  'Math.PI': Math.PI,
  'Math.E': Math.E,
  'Math.SQRT2': Math.SQRT2,
  'Math.LN2': Math.LN2,
  'Math.LN10': Math.LN10,
  'Number.MAX_SAFE_INTEGER': Number.MAX_SAFE_INTEGER,
  'Number.MIN_SAFE_INTEGER': Number.MIN_SAFE_INTEGER,
  'Number.MAX_VALUE': Number.MAX_VALUE,
  'Number.MIN_VALUE': Number.MIN_VALUE,
  'Number.EPSILON': Number.EPSILON,
}

// Spreading a long list into Math.max would overflow the stack.
function greatest(values: readonly number[]): number {
  return values.reduce((best, value) => Math.max(best, value), -Infinity)
}

function smallest(values: readonly number[]): number {
  return values.reduce((best, value) => Math.min(best, value), Infinity)
}

/** The numbers meant: those of a single list, or the arguments themselves. Null is skipped, as aggregates of records do. */
function given(values: readonly Value[]): number[] {
  const [only] = values
  const chosen = values.length === 1 && isList(only) ? only : values
  return chosen.filter((value) => value !== null).map((value) => numberOf(value))
}

function rounded(value: number, digits: number): number {
  if (!Number.isInteger(digits) || Math.abs(digits) > 100) {
    throw new BuiltinFailure('the digits must be an integer from -100 to 100.')
  }
  if (!Number.isFinite(value)) return value
  // Shifting the decimal exponent as text avoids the error of multiplying: 1.005 * 100 is 100.49999999999999.
  const shifted = Math.sign(value) * Math.round(Number(shift(Math.abs(value), digits)))
  return Number(shift(shifted, -digits))
}

function shift(value: number, digits: number): string {
  const [mantissa = '0', exponent = '0'] = String(value).split('e')
  return `${mantissa}e${Number(exponent) + digits}`
}
