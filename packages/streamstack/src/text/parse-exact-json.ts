import type { Value } from '@streamstack/protocol'
import { jsonStringEnd } from './json-string-end.ts'

/** Lists and objects inside one another; JSON that nests deeper is refused, as every walk through it would be deep. */
export const JSON_DEPTH_MAX = 500

/** The fewest digits that a number may not hold. A number that starts there: digits before it would belong to it. */
const LONG_WHOLE = /(?<![\d.eE+-])-?\d{16,}(?:\.\d+)?(?:[eE][+-]?\d+)?/g
/** Numbers of which some are beyond all bounds. */
const LONG_EXPONENT = /(?<![\d.eE+-])-?\d+(?:\.\d+)?[eE]\+?\d{3,}/g

/**
 * The value of a JSON text (RFC 8259) in which numbers that a JavaScript number cannot hold are kept as their text: whole
 * numbers beyond ±(2^53 − 1), as `9007199254740993`, where `JSON.parse` would give another number, and numbers beyond
 * all bounds, as `1e999`, where it would give Infinity. Everything else is what `JSON.parse` gives. Throws `SyntaxError`
 * for text that is no JSON, or is nested deeper than `JSON_DEPTH_MAX`.
 */
export function parseExactJson(text: string): Value {
  if (isDeep(text)) throw new SyntaxError(`The JSON text is nested deeper than ${JSON_DEPTH_MAX} levels.`)
  const value: Value = JSON.parse(text)
  const isLong = /\d{16}|[eE]\+?\d{3}/.test(text)
  return isLong ? JSON.parse(mapLongNumbers(text, (source) => `"${source}"`)) : value
}

/** Whether JSON text may hold a whole number beyond ±(2^53 − 1); digits in its texts count, too. */
export function mayHoldLongNumbers(text: string): boolean {
  return /\d{16}/.test(text)
}

/** Whether JSON text nests deeper than that many levels. Looks at each character once, and keeps no stack. */
export function isDeep(text: string, depthMax = JSON_DEPTH_MAX): boolean {
  if (text.length <= 2 * depthMax) return false
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

/** Valid JSON text in which `write` writes each number that a JavaScript number cannot hold anew. */
export function mapLongNumbers(text: string, write: (source: string) => string): string {
  const rewrite = (source: string): string => (isHeld(source) ? source : write(source))
  const hasExponents = /[eE]\+?\d{3}/.test(text)
  let mapped = ''
  for (let at = 0; at < text.length;) {
    const open = text.indexOf('"', at)
    const bare = text.slice(at, open === -1 ? text.length : open).replace(LONG_WHOLE, rewrite)
    mapped += hasExponents ? bare.replace(LONG_EXPONENT, rewrite) : bare
    if (open === -1) break
    at = jsonStringEnd(text, open)
    mapped += text.slice(open, at)
  }
  return mapped
}

function isHeld(source: string): boolean {
  const number = Number(source)
  if (Number.isSafeInteger(number)) return true
  return Number.isFinite(number) && !/^-?\d+$/.test(source)
}
