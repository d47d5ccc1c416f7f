import type { Value } from '@streamstack/protocol'
import { parseExactJson } from '../text/parse-exact-json.ts'

export type JsonObject = { readonly [key: string]: Value }

/** Readers of what a provider sent: a member of the wrong type counts as absent. */
export function objectOf(value: Value | undefined): JsonObject | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : null
}

export function listOf(value: Value | undefined): readonly Value[] {
  return Array.isArray(value) ? value : []
}

export function textOf(value: Value | undefined): string {
  return typeof value === 'string' ? value : ''
}

/**
 * The answer with the index 0 among those of a frame. A body may ask for several (`n`, `candidateCount`): it gets the first alone, between
 * whose frames those of the others stand.
 */
export function firstAnswer(answers: Value | undefined): JsonObject | null {
  for (const value of listOf(answers)) {
    const answer = objectOf(value)
    if (answer !== null && (answer['index'] ?? 0) === 0) return answer
  }
  return null
}

/** A text that says something, or null. */
export function wordsOf(value: Value | undefined): string | null {
  return typeof value === 'string' && value !== '' ? value : null
}

/** A count of tokens. */
export function countOf(value: Value | undefined): number | null {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : null
}

/** The members that are set; null and undefined are left out. */
export function setMembers(members: Readonly<Record<string, Value | undefined>>): JsonObject {
  return Object.fromEntries(
    Object.entries(members).filter((entry): entry is [string, Value] => entry[1] !== null && entry[1] !== undefined),
  )
}

/** The value of a JSON text; undefined for any other text. */
export function jsonOf(text: string): Value | undefined {
  try {
    return parseExactJson(text)
  } catch {
    return undefined
  }
}
