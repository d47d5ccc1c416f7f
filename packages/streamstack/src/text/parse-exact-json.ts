import type { Value } from '@streamstack/protocol'

/** Sixteen digits are the fewest that a number may not hold exactly; the digits behind a point are no whole number. */
const LONG_WHOLE_NUMBER = /(?:^|[^.\d])\d{16}/
const WHOLE_NUMBER = /^-?\d+$/

/**
 * The value of a JSON text (RFC 8259) in which whole numbers beyond ±(2^53 − 1) are kept as their decimal text:
 * `9007199254740993` becomes `'9007199254740993'`, where `JSON.parse` would give another number. Everything else is what
 * `JSON.parse` gives. Throws `SyntaxError` for text that is no JSON, or that has such a number and is nested too deeply.
 */
export function parseExactJson(text: string): Value {
  if (!LONG_WHOLE_NUMBER.test(text)) return JSON.parse(text)
  try {
    return JSON.parse(text, exact)
  } catch (error) {
    // With a reviver the parser calls itself for each level; without one it does not.
    if (error instanceof RangeError) throw new SyntaxError('The JSON text is nested too deeply.', { cause: error })
    throw error
  }
}

/** `context.source` is the literal as it was written; objects and lists have none. */
function exact(_name: string, value: Value, context?: { readonly source?: string }): Value {
  if (typeof value !== 'number' || Number.isSafeInteger(value)) return value
  const source = context?.source ?? ''
  return WHOLE_NUMBER.test(source) ? source : value
}
