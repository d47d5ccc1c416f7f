const INT64_MIN = -(2n ** 63n)
const INT64_MAX = 2n ** 63n - 1n

/**
 * The whole number of at most 64 bits that a number or a text of digits means: a number up to ±(2^53 − 1), and its digits
 * as a bigint beyond. Null for everything else, also for a number beyond 2^53, which has already lost digits.
 */
export function wholeNumber(value: unknown): number | bigint | null {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? value + 0 : null
  if (typeof value !== 'string' || !/^[+-]?\d{1,40}$/.test(value)) return null
  const big = BigInt(value.startsWith('+') ? value.slice(1) : value)
  if (big < INT64_MIN || big > INT64_MAX) return null
  const number = Number(big)
  return Number.isSafeInteger(number) ? number : big
}

const NUMERAL = /^([+-]?)(?:(0[xX][\da-fA-F]+|0[oO][0-7]+|0[bB][01]+)|(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+))?)$/

/** Up to 15 digits with an exponent: a number gives them all back (IEEE 754), so such a numeral names a magnitude. */
const SHORT = /^-?\d{1,8}(?:\.\d{1,7})?[eE][+-]?\d+$/

/** Digits that stand for themselves. */
const PLAIN = /^-?[1-9]\d*$/

/**
 * The digits of a whole number beyond ±(2^53 − 1) that a numeral of JSON, YAML or JavaScript writes, where a JavaScript
 * number would be another one, however it is written: `9007199254740993`, `9007199254740993.0`, `9.007199254740993e15` and
 * `0x20000000000001`. Null for fractions, for what a number holds, for numerals beyond the range of a number, and for
 * those that name a magnitude, such as `6.02e23`. Plain digits beyond ±(2^53 − 1) are always given: they stand for ids.
 */
export function wholeDigits(text: string): string | null {
  // Ids: a body may hold tens of thousands of them.
  if (PLAIN.test(text)) {
    const value = Number(text)
    return Number.isSafeInteger(value) || !Number.isFinite(value) ? null : text
  }
  if (SHORT.test(text)) return null
  const big = bigWhole(text)
  return big === null || (big.isKept && !/^[+-]?\d+$/.test(text)) ? null : big.digits
}

/** Whether a numeral writes a whole number and a JavaScript number would be another one. Accepts what a number prints as. */
export function losesDigits(text: string): boolean {
  return bigWhole(text)?.isKept === false
}

interface BigWhole {
  readonly digits: string
  /** Whether the JavaScript number is the same, or is written with these digits. */
  readonly isKept: boolean
}

/** The whole number beyond ±(2^53 − 1) that a numeral writes; null if it writes none, or one beyond all bounds. */
function bigWhole(text: string): BigWhole | null {
  const found = NUMERAL.exec(text)
  if (found === null) return null
  const [, sign = '', radix, whole = '', fraction = '', exponent = '0'] = found
  const value = Number(radix ?? `${whole}.${fraction}e${exponent}`)
  if (!Number.isInteger(value) || Number.isSafeInteger(value)) return null
  const significant = withoutEndZeros(`${whole}${fraction}`)
  const zeros = whole.length + Number(exponent) - significant.length
  if (radix === undefined && zeros < 0) return null
  const digits = radix === undefined ? significant.replace(/^0+/, '') : ''
  const exact = radix === undefined ? `${digits}${'0'.repeat(zeros)}` : String(BigInt(radix))
  // The number of many digits is made last: one of 300 takes longer than all else here.
  const isKept = (radix === undefined && isRounded(value, digits)) || BigInt(exact) === BigInt(value)
  return { digits: `${sign === '-' ? '-' : ''}${exact}`, isKept }
}

/** By hand: `/0+$/` takes quadratic time where many zeros stand inside. */
function withoutEndZeros(digits: string): string {
  let end = digits.length
  while (digits[end - 1] === '0') end -= 1
  return digits.slice(0, end)
}

/** Programs write a number with at most this many significant digits; more stand for themselves. */
const NUMBER_DIGITS_MAX = 17

function isRounded(value: number, digits: string): boolean {
  if (digits.length > NUMBER_DIGITS_MAX) return false
  // The shortest text of 2^89 ends in 2, although its digits rounded to as many end in 1.
  return [value.toPrecision(digits.length), value.toExponential()].some(
    (text) => withoutEndZeros(text.replace(/e.*$/, '').replace('.', '')) === digits,
  )
}
