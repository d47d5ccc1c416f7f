import type { Value } from '@streamstack/protocol'
import { jsonInPieces } from '../text/json-in-pieces.ts'
import { isDeep, mayHoldLongNumbers } from '../text/parse-exact-json.ts'
import { findJsonFault } from './json-fault.ts'
import {
  type LongNumberCount,
  TooManyLongNumbers,
  holdInParent,
  moveLongNumbers,
  parseLongNumbers,
} from './long-numbers.ts'
import { PlainCheck, freezePlain } from './plain-value.ts'
import type { PlainResult } from './plain-value.ts'

/** Bounds of one JSON document from a caller. */
const bounds = {
  depthMax: 64,
  keysMax: 100_000,
  // V8 takes 1 to 3 µs for each name of a large object, whatever is done with it: to list, copy or write 80,000 names takes 100 ms.
  objectKeysMax: 10_000,
}

const TOO_DEEP: PlainResult = { fault: `is nested deeper than ${bounds.depthMax} levels` }

/**
 * Parses a caller's JSON into a frozen value, or tells what is wrong in words that follow "The body ". Whole numbers
 * beyond 2^53 are their digits as text; `refuseLongNumbers` and `longNumberFault` tell them from texts.
 */
export function parseJson(text: string): PlainResult {
  if (isDeep(text, bounds.depthMax)) return TOO_DEEP
  let parsed: Value
  try {
    parsed = parsePiece(text, { objects: 0 })
  } catch (error) {
    return error instanceof TooManyLongNumbers ? { fault: error.message } : syntaxFault(text)
  }
  return freezePlain(parsed, bounds)
}

/** What is wrong with a piece of a document. */
class PieceFault extends Error {}

/** The same, and yields every few milliseconds at most: 1 MiB of JSON whose names are all different takes 300 ms. */
export function* parseJsonInPieces(text: string): Generator<undefined, PlainResult> {
  if (isDeep(text, bounds.depthMax)) return TOO_DEEP
  const check = new PlainCheck(bounds)
  const count = { objects: 0 }
  const namesOf = new Map<object, number>()
  try {
    const value = yield* jsonInPieces(text, {
      parse: (piece) => parsePiece(piece, count),
      moves: (piece, made, depth) => {
        const names = Array.isArray(piece) ? 0 : (namesOf.get(made) ?? 0) + Object.keys(piece).length
        namesOf.set(made, names)
        const fault = check.faultInSize(names) ?? check.faultInMembers(piece, depth)
        if (fault !== null) throw new PieceFault(fault)
        moveLongNumbers(piece, made)
      },
      completes: (made, parent) => {
        Object.freeze(made)
        if (parent !== null) holdInParent(made, parent)
      },
    })
    // What was made in one piece has not been looked at.
    return Object.isFrozen(value) && typeof value === 'object' ? { value } : freezePlain(value, bounds)
  } catch (error) {
    if (error instanceof PieceFault || error instanceof TooManyLongNumbers) return { fault: error.message }
  }
  yield
  return syntaxFault(text)
}

function parsePiece(text: string, count: LongNumberCount): Value {
  const value: Value = JSON.parse(text)
  return mayHoldLongNumbers(text) ? parseLongNumbers(text, count) : value
}

function syntaxFault(text: string): PlainResult {
  // The engine's own message quotes the text, so the place is found again in words that do not.
  const fault = findJsonFault(text)
  if (fault === null) return { fault: 'is not valid JSON' }
  const { line, column, expected, found } = fault
  return { fault: `is not valid JSON: line ${line}, column ${column}: expected ${expected}; found ${found}` }
}
