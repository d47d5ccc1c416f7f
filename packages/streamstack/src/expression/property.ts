import type { Value } from '@streamstack/protocol'
import { BuiltinFailure } from './failure.ts'
import { isList, isObject, keyOf, ownProperty, typeName } from './value.ts'

const INDEX_PATTERN = /^(?:0|[1-9]\d{0,15})$/

/**
 * Reads a property as expressions do: own properties of objects, positions and `length` of lists and texts, null for what
 * is missing. `hint` is the message for a name that is surely a slip on a list or text (`lenght`, a method not called).
 */
export function readProperty(object: Value, key: string, hint: string | null): Value {
  if (isObject(object)) return ownProperty(object, key)
  if (object === null) {
    throw new BuiltinFailure(
      `the value before '${key}' is null. Write ?. before '${key}' to get null instead of this error.`,
    )
  }
  if (isList(object)) {
    if (key === 'length') return object.length
    if (INDEX_PATTERN.test(key)) return object[Number(key)] ?? null
  } else if (typeof object === 'string') {
    if (key === 'length') return object.length
    if (INDEX_PATTERN.test(key)) return object[Number(key)] ?? null
  }
  if (hint !== null) throw new BuiltinFailure(`${typeName(object)} has no property '${key}'. ${hint}`)
  return null
}

/** As readProperty, for a key known only at run time. */
export function readComputed(object: Value, key: Value): Value {
  if (typeof key === 'number' && isList(object)) return object[key] ?? null
  return readProperty(object, keyOf(key), null)
}
