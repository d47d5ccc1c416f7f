import type { Value } from '@streamstack/protocol'
import type { InputDeclaration, InputType } from '../definition/types.ts'

const SHOWN_LENGTH_MAX = 40
const SHOWN_VALUES_MAX = 20

const typeNames: Readonly<Record<InputType, string>> = {
  text: 'text',
  integer: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
  object: 'an object',
  list: 'a list',
  timestamp: 'a date and time such as 2026-01-31T09:30:00Z, or whole milliseconds since 1970',
  email: 'an email address',
  uuid: 'a UUID',
  any: 'given',
}

/** What an input must be, in words that follow "must be ". */
export function describeInput(declaration: InputDeclaration): string {
  if (declaration.values !== null) return describeValues(declaration.values)
  const { type } = declaration
  const bounds =
    type === 'integer' || type === 'number'
      ? describeRange(declaration.min, declaration.max, '')
      : describeRange(declaration.minLength, declaration.maxLength, type === 'list' ? ' items' : ' characters')
  const pattern = declaration.pattern === null ? '' : ` that matches the pattern ${declaration.pattern}`
  return `${typeNames[type]}${bounds}${pattern}`
}

function describeRange(min: number | null, max: number | null, unit: string): string {
  if (min !== null && max !== null) return min === max ? ` of ${min}${unit}` : ` from ${min} to ${max}${unit}`
  if (min !== null) return ` of at least ${min}${unit}`
  return max === null ? '' : ` of at most ${max}${unit}`
}

function describeValues(values: readonly Value[]): string {
  const shown = values.slice(0, SHOWN_VALUES_MAX).map((value) => JSON.stringify(value))
  if (values.length === 1) return shown.join('')
  const more = values.length > SHOWN_VALUES_MAX ? ` and ${values.length - SHOWN_VALUES_MAX} more` : ''
  return `one of ${shown.join(', ')}${more}`
}

/** Inputs that are likely to hold secrets, which problem answers and logs must not repeat. */
const SECRET_NAME = /pass(word|phrase|code)?$|secret|token$|api_?key|credential|authorization|^pin$/i

/** What was sent instead, shortly. Texts of inputs that sound secret are told only by their length. */
export function describeValue(value: Value, name: string): string {
  if (typeof value === 'string') {
    const isShown = value.length <= SHOWN_LENGTH_MAX && !SECRET_NAME.test(name)
    return isShown ? JSON.stringify(value) : `a text of ${value.length.toLocaleString('en')} characters`
  }
  if (Array.isArray(value)) return value.length === 1 ? 'a list of 1 item' : `a list of ${value.length} items`
  return typeof value === 'object' && value !== null ? 'an object' : String(value)
}
