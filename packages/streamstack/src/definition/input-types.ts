import type { Value } from '@streamstack/protocol'
import { wholeNumber } from '../text/whole-number.ts'
import type { InputType } from './types.ts'

/** Spellings of input types: ours, JSON Schema's, and those of common databases. */
const spellings: Readonly<Record<string, InputType>> = {
  text: 'text',
  string: 'text',
  str: 'text',
  varchar: 'text',
  enum: 'text',
  url: 'text',
  uri: 'text',
  password: 'text',
  integer: 'integer',
  int: 'integer',
  bigint: 'integer',
  number: 'number',
  decimal: 'number',
  float: 'number',
  double: 'number',
  numeric: 'number',
  boolean: 'boolean',
  bool: 'boolean',
  object: 'object',
  list: 'list',
  array: 'list',
  timestamp: 'timestamp',
  date: 'timestamp',
  datetime: 'timestamp',
  'date-time': 'timestamp',
  email: 'email',
  uuid: 'uuid',
  guid: 'uuid',
  any: 'any',
  json: 'any',
  mixed: 'any',
}

/** Every spelling, for suggestions. */
export const inputTypeNames: readonly string[] = Object.keys(spellings)

/** The type that a spelling means, whatever its case; null when it is none. */
export function inputTypeOf(spelling: string): InputType | null {
  const key = spelling.trim().toLowerCase()
  return Object.hasOwn(spellings, key) ? (spellings[key] ?? null) : null
}

/** Whether a default or an allowed value is of an input's type. */
export function fitsInputType(value: Value, type: InputType): boolean {
  switch (type) {
    case 'any':
      return true
    case 'integer':
      return wholeNumber(value) !== null
    case 'number':
      return typeof value === 'number'
    case 'boolean':
      return typeof value === 'boolean'
    case 'list':
      return Array.isArray(value)
    case 'object':
      return typeof value === 'object' && value !== null && !Array.isArray(value)
    case 'timestamp':
      // What the text must look like is checked with the default itself.
      return typeof value === 'number' || typeof value === 'string'
    default:
      return typeof value === 'string'
  }
}
