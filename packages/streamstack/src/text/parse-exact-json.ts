import type { Value } from '@streamstack/protocol'
import { jsonInPieces } from './json-in-pieces.ts'
import { jsonStringEnd } from './json-string-end.ts'
import { wholeDigits } from './whole-number.ts'

/** Lists and objects inside one another; JSON that nests deeper is refused, as every walk through it would be deep. */
export const JSON_DEPTH_MAX = 500

/**
 * Numbers of which a JavaScript number may not hold some: those of 16 digits, and those with an exponent, which are beyond
 * all bounds or write their digits behind the point. Digits before a match would belong to it.
 */
const MAYBE_LONG = /(?<![\d.eE+-])-?(?:\d{16,}(?:\.\d+)?(?:[eE][+-]?\d+)?|\d+(?:\.\d+)?[eE]\+?\d+)/g
/** Digits of the shortest of them without an exponent. */
const LONG_DIGITS = 16

/** Exponents with which such numbers end. */
const EXPONENT = /[eE]\+?\d/y
const LARGE_EXPONENT = /[eE]\+?\d{3}/y

/**
 * The value of a JSON text (RFC 8259) in which numbers that a JavaScript number cannot hold are kept as text: whole
 * numbers beyond ±(2^53 − 1), as `9007199254740993` and `9.007199254740993e15`, where `JSON.parse` would give another
 * number, as their digits; numbers beyond all bounds, as `1e999`, where it would give Infinity, as they are written.
 * Everything else is what `JSON.parse` gives. Throws `SyntaxError`
 * for text that is no JSON, or is nested deeper than `JSON_DEPTH_MAX`.
 */
export function parseExactJson(text: string): Value {
  refuseDeep(text)
  return exactPiece(text)
}

/** The same for large texts: yields every few milliseconds at most. */
export function* parseExactJsonInPieces(text: string): Generator<undefined, Value> {
  refuseDeep(text)
  return yield* jsonInPieces(text, { parse: exactPiece })
}

function refuseDeep(text: string): void {
  if (isDeep(text)) throw new SyntaxError(`The JSON text is nested deeper than ${JSON_DEPTH_MAX} levels.`)
}

function exactPiece(text: string): Value {
  const value: Value = JSON.parse(text)
  return mayHoldLongNumbers(text) ? JSON.parse(mapLongNumbers(text, (digits) => `"${digits}"`)) : value
}

/**
 * Whether valid JSON text may hold a number that a JavaScript number cannot hold. Looks at each character outside of its texts once: a
 * regular expression takes ten times as long, 12 ms for a list of 1 MB.
 */
export function mayHoldLongNumbers(text: string): boolean {
  if (!mayHoldExponents(text) && !hasDigitRun(text)) return false
  let digits = 0
  let hasPoint = false
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    if (code >= 48 && code <= 57) {
      digits += 1
      if (digits >= LONG_DIGITS) return true
    } else if (code === 34) {
      at = jsonStringEnd(text, at) - 1
    } else {
      if (digits > 0 && (code | 32) === 101 && isExponent(text, at, hasPoint ? EXPONENT : LARGE_EXPONENT)) return true
      digits = 0
      hasPoint = code === 46
    }
  }
  return false
}

function mayHoldExponents(text: string): boolean {
  return text.includes('e') || text.includes('E')
}

/** Whether so many digits stand in a row that they may be a long number, in a text or not: looks at each 16th character and what is around digits there. */
function hasDigitRun(text: string): boolean {
  for (let at = LONG_DIGITS - 1; at < text.length; at += LONG_DIGITS) {
    if (!isDigit(text.charCodeAt(at))) continue
    let from = at
    while (from > 0 && isDigit(text.charCodeAt(from - 1))) from -= 1
    let to = at + 1
    while (to < text.length && isDigit(text.charCodeAt(to))) to += 1
    if (to - from >= LONG_DIGITS) return true
  }
  return false
}

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57
}

function isExponent(text: string, at: number, pattern: RegExp): boolean {
  pattern.lastIndex = at
  return pattern.test(text)
}

/** Whether JSON text nests deeper than that many levels. Looks at each character once, and keeps no stack. */
export function isDeep(text: string, depthMax = JSON_DEPTH_MAX): boolean {
  if (text.length <= 2 * depthMax || !opensMoreThan(text, depthMax)) return false
  let depth = 0
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    if (code === 34) at = jsonStringEnd(text, at) - 1
    else if (code === 91 || code === 123) {
      depth += 1
      if (depth > depthMax) return true
    } else if (code === 93 || code === 125) depth -= 1
  }
  return false
}

/** Whether that many lists and objects open at all, in texts or not: most JSON of numbers has few. */
function opensMoreThan(text: string, count: number): boolean {
  let opened = 0
  for (const bracket of ['[', '{']) {
    for (let at = text.indexOf(bracket); at !== -1; at = text.indexOf(bracket, at + 1)) {
      opened += 1
      if (opened > count) return true
    }
  }
  return false
}

/**
 * Valid JSON text in which `write` writes each number that a JavaScript number cannot hold anew: from its digits, if it is
 * a whole number, and from its own text, if it is beyond all bounds.
 */
export function mapLongNumbers(text: string, write: (digits: string) => string): string {
  const rewrite = (source: string): string => {
    const long = Number.isFinite(Number(source)) ? wholeDigits(source) : source
    return long === null ? source : write(long)
  }
  let mapped = ''
  for (let at = 0; at < text.length;) {
    const open = text.indexOf('"', at)
    mapped += text.slice(at, open === -1 ? text.length : open).replace(MAYBE_LONG, rewrite)
    if (open === -1) break
    at = jsonStringEnd(text, open)
    mapped += text.slice(open, at)
  }
  return mapped
}
