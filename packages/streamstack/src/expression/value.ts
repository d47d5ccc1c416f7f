import type { Value } from '@streamstack/protocol'
import { BuiltinFailure } from './failure.ts'
import { isForbidden } from './forbidden.ts'
import { limits } from './limits.ts'
import { charge, chargeKey, chargeProperties } from './work.ts'

/** A list of any values, as expressions see it. */
export type List = readonly Value[]
/** An object as expressions see it; only its own properties exist. */
export type Properties = { readonly [key: string]: Value }

export function isList(value: Value | undefined): value is List {
  return Array.isArray(value)
}

export function isObject(value: Value | undefined): value is Properties {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** What a value is called in messages. */
export function typeName(value: Value): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'a list'
  switch (typeof value) {
    case 'string':
      return 'a text'
    case 'number':
      return 'a number'
    case 'boolean':
      return 'true or false'
    default:
      return 'an object'
  }
}

/** What one call may still read of values; shared where one call makes texts of many. */
export class WalkBudget {
  characters: number = limits.textLengthMax
  nodes: number = limits.nodesMax

  /** Takes one value of some characters. */
  take(characters: number): void {
    charge(0.5 + characters / 24)
    this.characters -= characters
    if (this.characters < 0) throw tooLong()
    this.nodes -= 1
    if (this.nodes < 0) throw tooManyNodes()
  }
}

/** A value as text in a template: a text as it is, null as nothing, lists and objects as JSON. */
export function textOf(value: Value, budget?: WalkBudget): string {
  if (typeof value === 'object' && value !== null) return jsonOf(value, undefined, budget)
  const text = value === null ? '' : String(value)
  budget?.take(text.length)
  return text
}

/** JSON text, refused before it is made when it would pass the bound. */
export function jsonOf(value: Value, indent?: number, budget = new WalkBudget()): string {
  measure(value, budget, 0)
  return JSON.stringify(value, null, indent)
}

/** Text that two lists or objects have in common exactly when `isDeeplyEqual` finds them equal, whatever the order of their properties. */
export function identityText(value: Value, budget: WalkBudget): string {
  measure(value, budget, 0)
  return JSON.stringify(inKeyOrder(value))
}

/** The same value with its properties in one order, and with what JSON writes as null told apart from null. */
function inKeyOrder(value: Value): Value {
  charge(0.4)
  if (typeof value === 'number') return Number.isFinite(value) ? value : `\0${value}`
  if (isList(value)) return value.map(inKeyOrder)
  if (!isObject(value)) return value
  return Object.fromEntries(
    Object.keys(value)
      .toSorted()
      .map((name) => [name, inKeyOrder(value[name] ?? null)]),
  )
}

/**
 * Walks a value and takes about the characters of its JSON from the budget. A list that holds itself many times over is
 * small in memory and endless as text, so only a walk can tell.
 */
function measure(value: Value, budget: WalkBudget, depth: number): void {
  if (depth > limits.valueDepthMax) throw tooDeep()
  if (typeof value === 'string') return budget.take(value.length + 2)
  if (typeof value !== 'object' || value === null) return budget.take(4)
  budget.take(2)
  if (isList(value)) {
    for (const item of value) measure(item, budget, depth + 1)
    return
  }
  for (const key of Object.keys(value)) {
    budget.take(key.length + 4)
    measure(value[key] ?? null, budget, depth + 1)
  }
}

/** Throws when lists and objects stand deeper in one another than the bound, or hold more values than a walk may reach. */
export function checkDepth(value: Value, depth = 0, budget = new WalkBudget()): void {
  budget.take(0)
  if (typeof value !== 'object' || value === null) return
  if (depth > limits.valueDepthMax) throw tooDeep()
  if (isList(value)) for (const item of value) checkDepth(item, depth + 1, budget)
  else for (const key of Object.keys(value)) checkDepth(value[key] ?? null, depth + 1, budget)
}

/** Whether two values are equal all the way down. */
export function isDeeplyEqual(left: Value, right: Value, depth = 0, budget = new WalkBudget()): boolean {
  if (Object.is(left, right) || left === right) return true
  budget.take(0)
  if (depth > limits.valueDepthMax) throw tooDeep()
  if (isList(left)) {
    return (
      isList(right) &&
      left.length === right.length &&
      left.every((item, index) => isDeeplyEqual(item, right[index] ?? null, depth + 1, budget))
    )
  }
  if (!isObject(left) || !isObject(right)) return false
  const names = Object.keys(left)
  return (
    names.length === Object.keys(right).length &&
    names.every(
      (name) => Object.hasOwn(right, name) && isDeeplyEqual(left[name] ?? null, right[name] ?? null, depth + 1, budget),
    )
  )
}

/** The text, unless it is over the bound. */
export function boundedText(text: string): string {
  if (text.length > limits.textLengthMax) throw tooLong()
  return text
}

/** Checks the length of a text before it is made. */
export function checkTextLength(length: number): void {
  if (length > limits.textLengthMax) throw tooLong()
}

/** Checks the number of items of a list, before or after it is made. */
export function checkListItems(count: number): void {
  if (count > limits.listItemsMax) {
    throw new BuiltinFailure(
      `the list would have more than ${limits.listItemsMax.toLocaleString('en')} items; work page by page.`,
    )
  }
}

/** Checks the number of items of a list before it is sorted. */
export function checkSortedItems(count: number): void {
  if (count > limits.sortedItemsMax) {
    throw new BuiltinFailure(
      `a list of more than ${limits.sortedItemsMax.toLocaleString('en')} items is not sorted at once; sort where the records are read, or page by page.`,
    )
  }
}

/** An own property; null when it is missing. The name must have been checked. */
export function ownProperty(object: Properties, key: string): Value {
  return Object.hasOwn(object, key) ? (object[key] ?? null) : null
}

/** Sets a property that data named. `__proto__` would change the object itself, so it is refused. */
export function setProperty(object: Record<string, Value>, key: string, value: Value): void {
  if (key === '__proto__') throw new BuiltinFailure(`'${key}' cannot be the name of a property.`)
  chargeKey(key.length)
  object[key] = value
}

/** Copies own properties; `__proto__`, which JSON from outside may hold, is left behind. */
export function copyProperties(target: Record<string, Value>, source: Properties): void {
  const keys = Object.keys(source)
  chargeProperties(keys.length)
  for (const key of keys) {
    if (key !== '__proto__') target[key] = source[key] ?? null
  }
}

/** A computed key as text: texts and numbers only, never a forbidden name. */
export function keyOf(value: Value): string {
  if (typeof value === 'number') return String(value)
  if (typeof value !== 'string')
    throw new BuiltinFailure(`a property name must be a text or a number, not ${typeName(value)}.`)
  chargeKey(value.length)
  if (isForbidden(value)) throw new BuiltinFailure(`the name '${value}' is not available in expressions.`)
  return value
}

function tooLong(): BuiltinFailure {
  return new BuiltinFailure(
    `the text would be longer than ${limits.textLengthMax.toLocaleString('en')} characters; send it in several chunks.`,
  )
}

function tooManyNodes(): BuiltinFailure {
  return new BuiltinFailure(
    `the value holds more than ${limits.nodesMax.toLocaleString('en')} values, those that stand in it twice counted twice; work on a part of it.`,
  )
}

function tooDeep(): BuiltinFailure {
  return new BuiltinFailure(`lists and objects stand more than ${limits.valueDepthMax} levels deep in one another.`)
}
