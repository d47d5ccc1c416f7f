import type { Value } from '@streamstack/protocol'

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
