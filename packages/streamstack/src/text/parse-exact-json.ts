import type { Value } from '@streamstack/protocol'

/** Lists and objects inside one another; JSON that nests deeper is refused, as every walk through it would be deep. */
export const JSON_DEPTH_MAX = 500

/** Sixteen digits, or an exponent of three, are the fewest that a number may not hold. */
const LONG_NUMBER = /\d{16}|\d[eE]\+?\d{3}/
const NUMBER = /-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g

/**
 * The value of a JSON text (RFC 8259) in which numbers that a JavaScript number cannot hold are kept as their text: whole
 * numbers beyond ±(2^53 − 1), as `9007199254740993`, where `JSON.parse` would give another number, and numbers beyond
 * all bounds, as `1e999`, where it would give Infinity. Everything else is what `JSON.parse` gives. Throws `SyntaxError`
 * for text that is no JSON, or is nested deeper than `JSON_DEPTH_MAX`.
 */
export function parseExactJson(text: string): Value {
  if (isDeep(text)) throw new SyntaxError(`The JSON text is nested deeper than ${JSON_DEPTH_MAX} levels.`)
  const value: Value = JSON.parse(text)
  return LONG_NUMBER.test(text) ? JSON.parse(quoteLongNumbers(text)) : value
}

/** Whether JSON text nests deeper than `JSON_DEPTH_MAX`. Looks at each character once, and keeps no stack. */
export function isDeep(text: string): boolean {
  if (text.length <= 2 * JSON_DEPTH_MAX) return false
  let depth = 0
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    if (code === 34) at = stringEnd(text, at) - 1
    else if (code === 91 || code === 123) {
      depth += 1
      if (depth > JSON_DEPTH_MAX) return true
    } else if (code === 93 || code === 125) depth -= 1
  }
  return false
}

/** Valid JSON text with those numbers in quotes that a number cannot hold. */
function quoteLongNumbers(text: string): string {
  let quoted = ''
  for (let at = 0; at < text.length;) {
    const open = text.indexOf('"', at)
    const bare = text.slice(at, open === -1 ? text.length : open)
    quoted += bare.replace(NUMBER, quotedIfLong)
    if (open === -1) break
    at = stringEnd(text, open)
    quoted += text.slice(open, at)
  }
  return quoted
}

function quotedIfLong(source: string): string {
  const number = Number(source)
  if (Number.isSafeInteger(number)) return source
  return !Number.isFinite(number) || /^-?\d+$/.test(source) ? `"${source}"` : source
}

/** Where a string that opens at `at` ends, behind its quote; the end of the text where it has none. */
function stringEnd(text: string, at: number): number {
  for (let quote = text.indexOf('"', at + 1); quote !== -1; quote = text.indexOf('"', quote + 1)) {
    let backslashes = 0
    while (text.charCodeAt(quote - 1 - backslashes) === 92) backslashes += 1
    if (backslashes % 2 === 0) return quote + 1
  }
  return text.length
}
