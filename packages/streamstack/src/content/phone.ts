import { HYPHEN, isAlphanumeric, isDigit, isNumberSpace } from './characters.ts'
import { MORE, type Matcher, NO } from './matcher.ts'

const PLUS = 0x2b
const ZERO = 0x30
const ONE = 0x31
const OPEN = 0x28
const CLOSE = 0x29
/** E.164 allows 15; a trunk zero in parentheses, `+44 (0)20 …`, is one more, `00` instead of the plus two. */
const DIGITS_MAX = 18

/** A date at the beginning of a run of digits is no phone number. */
const DATE = /^\d{1,2}[./-]\d{1,2}[./-]\d{2,4}(?!\d)/
/** North America: area code and exchange begin with 2 to 9. Without separators it is any number of ten digits, so it needs one. */
const NORTH_AMERICA = /^(?:1[ .-])?(?:\([2-9]\d\d\) ?|[2-9]\d\d[ .-])[2-9]\d\d[ .-]?\d{4}(?!\d)/
/** China's mobile numbers. */
const CHINA = /^1[3-9]\d[ -]?\d{4}[ -]?\d{4}(?!\d)/
/** With a trunk zero: separators, or the ten or eleven digits that most such countries use. */
const TRUNK = /^\(?0[1-9]/

/**
 * Phone numbers: international with `+` or `00`; with a trunk zero (`030 1234567`, `07911 123456`); of North America with separators;
 * mobile numbers of China. Not found: local numbers without an area code, extensions, numbers in words.
 */
export const phone: Matcher = {
  name: 'phone',
  replacement: '[phone]',
  begins: (code) => isDigit(code) || code === PLUS || code === OPEN,
  beginsBeyondAscii: false,
  insideWords: false,
  rest: null,
  match(text, at, isWhole) {
    if (continuesNumber(text, at) || !canBecomePhone(text, at)) return NO
    const run = readRun(text, at)
    if (run.end >= text.length && run.digits <= DIGITS_MAX && !isWhole) return MORE
    if (run.digits < 8) return NO
    const written = text.slice(at, at + run.length)
    if (DATE.test(written)) return NO
    const length = Math.max(
      international(written),
      fixed(NORTH_AMERICA, written),
      fixed(CHINA, written),
      trunk(written),
    )
    return isAlphanumeric(text.charCodeAt(at + length)) ? NO : length
  },
}

/** `1.5`, `2024-01`, `10:30`: a number that began before this place. */
function continuesNumber(text: string, at: number): boolean {
  const before = text.charCodeAt(at - 1)
  return (
    (before === PLUS || (before > 0x2a && before < 0x30) || before === 0x3a || before === 0x23) &&
    isDigit(text.charCodeAt(at - 2))
  )
}

/** Digits and separators from a place on, two separators only around brackets; `length` ends with the last digit. */
function readRun(text: string, at: number): { digits: number; length: number; end: number } {
  let end = at
  let digits = 0
  let length = 0
  let separators = 0
  for (; digits <= DIGITS_MAX; end++) {
    const code = text.charCodeAt(end)
    if (isDigit(code)) {
      digits++
      separators = 0
      length = end + 1 - at
    } else if (isSeparator(code) && (separators === 0 || (separators === 1 && hasBracket(text, end)))) separators++
    else if (end === at && code === PLUS) continue
    else break
  }
  return { digits, length, end }
}

function isSeparator(code: number): boolean {
  return isNumberSpace(code) || code === HYPHEN || code === 0x2e || code === 0x2f || code === OPEN || code === CLOSE
}

function hasBracket(text: string, at: number): boolean {
  return [text.charCodeAt(at - 1), text.charCodeAt(at)].some((code) => code === OPEN || code === CLOSE)
}

/** Most numbers in prose are settled by their first characters, and wait for nothing. */
function canBecomePhone(text: string, at: number): boolean {
  const first = text.charCodeAt(at)
  const next = text.charCodeAt(at + 1)
  if (Number.isNaN(next)) return true
  if (first === PLUS) return isDigit(next) || isSeparator(next)
  if (first === OPEN) return isDigit(next)
  if (first === ZERO) return isDigit(next)
  if (first === ONE && !isSeparator(next)) return next > 0x32 && isDigit(next)
  // An area code of three digits comes first, after the country code 1 or alone.
  const start = first === ONE ? at + (next === OPEN ? 1 : text.charCodeAt(at + 2) === OPEN ? 3 : 2) : at
  for (let i = start; i < start + 3; i++) {
    if (i >= text.length) return true
    if (!isDigit(text.charCodeAt(i))) return false
  }
  const after = text.charCodeAt(start + 3)
  return text.charCodeAt(start) > ONE && (Number.isNaN(after) || isSeparator(after))
}

function international(written: string): number {
  const prefix = /^(?:\+|00)[ -]?\(?[1-9]/.test(written)
  return prefix && countDigits(written) <= DIGITS_MAX - 1 ? written.length : NO
}

function fixed(pattern: RegExp, written: string): number {
  return pattern.exec(written)?.[0].length ?? NO
}

function trunk(written: string): number {
  if (!TRUNK.test(written)) return NO
  const digits = countDigits(written)
  const isGrouped = digits < written.length
  return digits >= (isGrouped ? 9 : 10) && digits <= (isGrouped ? 12 : 11) ? written.length : NO
}

function countDigits(written: string): number {
  return written.replaceAll(/\D/g, '').length
}
