import type { Value } from '@streamstack/protocol'

/**
 * Writes a value in the one way that RFC 8785 (JSON Canonicalization Scheme) allows: keys sorted by their UTF-16 code units, no white space, numbers as
 * ECMAScript writes them. Properties that are undefined are left out. The value must be shallow.
 */
export function canonicalJson(value: Value | object): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item as Value)).join(',')}]`
  return `{${canonicalMembers(value as Readonly<Record<string, unknown>>).join(',')}}`
}

/** Writes the members of an object, such as `"a":1`, in their order. */
export function canonicalMembers(value: Readonly<Record<string, unknown>>): string[] {
  const members: string[] = []
  for (const key of Object.keys(value).sort()) {
    const inner = value[key] as Value | undefined
    if (inner !== undefined) members.push(`${JSON.stringify(key)}:${canonicalJson(inner)}`)
  }
  return members
}
