import type { Value } from '@streamstack/protocol'

/**
 * Writes a value in the one way that RFC 8785 (JSON Canonicalization Scheme) allows: keys sorted by their UTF-16 code units, no white space, numbers as
 * ECMAScript writes them. Properties that are undefined are left out. The value must be shallow.
 */
export function canonicalJson(value: Value | object): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item as Value)).join(',')}]`
  const entries = Object.entries(value).filter(([, inner]) => inner !== undefined)
  const members = entries.toSorted(([one], [other]) => (one < other ? -1 : 1))
  return `{${members.map(([key, inner]) => `${JSON.stringify(key)}:${canonicalJson(inner as Value)}`).join(',')}}`
}
