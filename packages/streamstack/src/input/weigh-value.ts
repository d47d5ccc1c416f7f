import type { Value } from '@streamstack/protocol'

const TEXT_BYTES = 24
const LIST_BYTES = 48
const OBJECT_BYTES = 88
const PLACE_BYTES = 8
const PROPERTY_BYTES = 32

/** Bytes that a value occupies in the heap, about: a character takes two bytes at most, a number in a list one place. */
export function weighValue(value: Value): number {
  if (typeof value === 'string') return TEXT_BYTES + 2 * value.length
  if (typeof value !== 'object' || value === null) return PLACE_BYTES
  if (Array.isArray(value)) {
    let bytes = LIST_BYTES + PLACE_BYTES * value.length
    for (const item of value as readonly Value[]) if (typeof item !== 'number') bytes += weighValue(item)
    return bytes
  }
  let bytes = OBJECT_BYTES
  for (const inner of Object.values(value)) bytes += PROPERTY_BYTES + weighValue(inner)
  return bytes
}
