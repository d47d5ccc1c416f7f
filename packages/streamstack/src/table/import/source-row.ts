import type { Value } from '@streamstack/protocol'
import { parseExactJson } from '../../text/parse-exact-json.ts'

/** A record as it stands in a file. */
export interface SourceRow {
  /** The line it starts at, from 1. */
  readonly line: number
  /** What stands there; text when it could not be read. */
  readonly row: Value
  /** Why it is no record; null when it is one. */
  readonly problem: string | null
}

/** A record from JSON text; whole numbers that a number cannot hold are their text, as in CSV. */
export function parsedRow(text: string, line: number): SourceRow {
  let row: Value
  try {
    row = parseExactJson(text)
  } catch (error) {
    if (error instanceof SyntaxError) return { line, row: text, problem: 'is not valid JSON' }
    throw error
  }
  if (typeof row !== 'object' || row === null || Array.isArray(row)) return { line, row, problem: 'is not an object' }
  return { line, row, problem: null }
}
