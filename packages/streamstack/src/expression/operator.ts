import type { Value } from '@streamstack/protocol'
import { BuiltinFailure } from './failure.ts'
import { chargeText } from './work.ts'
import { boundedText, isList, isObject, keyOf, textOf, typeName } from './value.ts'

/** A value that is neither a list nor an object: JavaScript's own conversions of it reach no code. */
export type Primitive = null | boolean | number | string

export function isPrimitive(value: Value): value is Primitive {
  return typeof value !== 'object' || value === null
}

/** `+`: a sum of primitives as in JavaScript; with a list or object on either side, their texts joined. */
export function add(left: Value, right: Value): Value {
  if (!isPrimitive(left) || !isPrimitive(right)) return boundedText(textOf(left) + textOf(right))
  if (typeof left === 'string' || typeof right === 'string') return boundedText(String(left) + String(right))
  return Number(left) + Number(right)
}

/** The number that arithmetic takes from a value: as in JavaScript for primitives, an error for lists and objects. */
export function numberOf(value: Value): number {
  if (typeof value === 'number') return value
  if (typeof value === 'string') chargeText(value.length)
  if (isPrimitive(value)) return Number(value)
  const cure = isList(value) ? ' For the number of its items use .length.' : ' Name one of its properties.'
  throw new BuiltinFailure(`${typeName(value)} stands where a number is needed.${cure}`)
}

/** `==`: as in JavaScript for primitives; lists and objects equal only themselves. */
export function looselyEqual(left: Value, right: Value): boolean {
  // The operator that the expression asks for.
  return isPrimitive(left) && isPrimitive(right) ? left == right : left === right
}

/** The sign of a comparison; NaN when the two cannot be ordered, so that every comparison with it is false. */
export function order(left: Value, right: Value): number {
  if (typeof left === 'string' && typeof right === 'string') {
    // The texts of two sums may have to be put together first, whatever their shorter length is.
    chargeText(left.length)
    chargeText(right.length)
    return left < right ? -1 : left > right ? 1 : 0
  }
  const difference = numberOf(left)
  const other = numberOf(right)
  if (difference === other) return 0
  return difference < other ? -1 : difference > other ? 1 : NaN
}

/** `key in object`: own properties and positions only. */
export function isIn(key: Value, object: Value): boolean {
  const name = keyOf(key)
  if (isObject(object)) return Object.hasOwn(object, name)
  if (isList(object)) return name !== 'length' && Object.hasOwn(object, name)
  throw new BuiltinFailure(`'in' needs an object on its right, not ${typeName(object)}. For text use includes.`)
}

/** `typeof`, with JavaScript's own answers. */
export function typeOf(value: Value): string {
  return typeof value
}
