import type { Value } from '@streamstack/protocol'

const TEXT_BYTES = 24
const LIST_BYTES = 48
const OBJECT_BYTES = 88
const PLACE_BYTES = 8
const PROPERTY_BYTES = 32

/** Values that `weighValues` reaches: a list that holds itself many times over is small in memory and endless to walk. */
const VALUES_MAX = 50_000

/** Bytes that a value occupies in the heap, about: a character takes two bytes at most, a number in a list one place. */
export function weighValue(value: Value): number {
  return weigh(value, { values: Infinity })
}

/** Bytes that values occupy in the heap, at least, about; in a bounded time, also where they hold one another many times. */
export function weighValues(values: readonly (Value | undefined)[]): number {
  return weigh(values as readonly Value[], { values: VALUES_MAX })
}

function weigh(value: Value | undefined, left: { values: number }): number {
  if (typeof value === 'string') return TEXT_BYTES + 2 * value.length
  if (typeof value !== 'object' || value === null || left.values-- <= 0) return PLACE_BYTES
  if (Array.isArray(value)) {
    let bytes = LIST_BYTES + PLACE_BYTES * value.length
    const items = value as readonly Value[]
    // The iterator of a frozen list takes twice as long.
    for (let at = 0; at < items.length && left.values > 0; at++) {
      const item = items[at]
      if (typeof item !== 'number') bytes += weigh(item, left)
    }
    return bytes
  }
  let bytes = OBJECT_BYTES
  for (const inner of Object.values(value)) bytes += PROPERTY_BYTES + weigh(inner, left)
  return bytes
}
