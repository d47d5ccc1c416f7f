import type { Value } from '@streamstack/protocol'
import { isDeep, mayHoldLongNumbers } from '../text/parse-exact-json.ts'
import { findJsonFault } from './json-fault.ts'
import { parseLongNumbers } from './long-numbers.ts'
import { freezePlain } from './plain-value.ts'
import type { PlainResult } from './plain-value.ts'

/** Bounds of one JSON document from a caller. */
const bounds = { depthMax: 64, keysMax: 100_000 }

/**
 * Parses a caller's JSON into a frozen value, or tells what is wrong in words that follow "The body ". Whole numbers
 * beyond 2^53 are their digits as text; `refuseLongNumbers` and `longNumberFault` tell them from texts.
 */
export function parseJson(text: string): PlainResult {
  if (isDeep(text, bounds.depthMax)) return { fault: `is nested deeper than ${bounds.depthMax} levels` }
  let parsed: Value
  try {
    parsed = JSON.parse(text)
    if (mayHoldLongNumbers(text)) parsed = parseLongNumbers(text)
  } catch {
    // The engine's own message quotes the text, so the place is found again in words that do not.
    const fault = findJsonFault(text)
    if (fault === null) return { fault: 'is not valid JSON' }
    const { line, column, expected, found } = fault
    return { fault: `is not valid JSON: line ${line}, column ${column}: expected ${expected}; found ${found}` }
  }
  return freezePlain(parsed, bounds)
}
