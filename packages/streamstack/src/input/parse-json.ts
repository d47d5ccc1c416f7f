import type { Value } from '@streamstack/protocol'
import { findJsonFault } from './json-fault.ts'
import { freezePlain } from './plain-value.ts'
import type { PlainResult } from './plain-value.ts'

/** Bounds of one JSON document from a caller. */
const bounds = { depthMax: 64, keysMax: 100_000 }

/** Parses a caller's JSON into a frozen value, or tells what is wrong in words that follow "The body ". */
export function parseJson(text: string): PlainResult {
  let parsed: Value
  try {
    parsed = JSON.parse(text)
  } catch {
    // The engine's own message quotes the text, so the place is found again in words that do not.
    const fault = findJsonFault(text)
    if (fault === null) return { fault: 'is not valid JSON' }
    const { line, column, expected, found } = fault
    return { fault: `is not valid JSON: line ${line}, column ${column}: expected ${expected}; found ${found}` }
  }
  return freezePlain(parsed, bounds)
}
