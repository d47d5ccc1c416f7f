import { createHash } from 'node:crypto'
import { NAME_LENGTH_MAX, nameProblem } from '../declaration.ts'

/** Hexadecimal digits that tell cut names apart. */
const HASH_DIGITS = 6

/**
 * Returns the column that a name in a file stands for. A name that no column can have loses its quotes, braces and
 * control characters, gets `_` before it where it is reserved, and is cut where it is too long. A cut name ends in digits
 * of its hash, so that long names that begin alike stay apart. A column without a name, as R and pandas write their index,
 * is `unnamed`.
 */
export function columnName(name: string): string {
  if (name === '') return 'unnamed'
  if (nameProblem(name) === null) return name
  const plain = name
    .replaceAll(/[\p{Cc}\s]+/gu, ' ')
    .replaceAll(/["`{}]/g, '')
    .trim()
  const free = plain === '' || nameProblem(shortened(plain)) !== null ? `_${plain}` : plain
  return free === '_' ? `_${hashOf(name)}` : shortened(free)
}

function shortened(name: string): string {
  if (Buffer.byteLength(name) <= NAME_LENGTH_MAX) return name
  const bytes = Buffer.from(name).subarray(0, NAME_LENGTH_MAX - HASH_DIGITS - 1)
  // A character of which the cut left half is not there.
  const start = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes, { stream: true }).trim()
  return `${start}_${hashOf(name)}`
}

function hashOf(name: string): string {
  return createHash('sha256').update(name).digest('hex').slice(0, HASH_DIGITS)
}
