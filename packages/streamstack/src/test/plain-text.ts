import type { Value } from '@streamstack/protocol'

/** A value of a file as text: a text as it is, all else as JSON. */
export function plainText(value: Value | undefined, otherwise = ''): string {
  if (value === undefined) return otherwise
  return typeof value === 'string' ? value : JSON.stringify(value)
}
