import type { Value } from '@streamstack/protocol'
import type { Activation } from './activation.ts'
import { methodNames } from './catalogue.ts'
import { compileName } from './compile-name.ts'
import { ExpressionError } from './expression-error.ts'
import { located } from './failure.ts'
import { readComputed, readProperty } from './property.ts'
import { didYouMean, suggest } from '../text/did-you-mean.ts'
import type { MemberTree } from './tree.ts'
import { type Code, type Compiled, constantOf, folded, type Unit } from './unit.ts'
import { isList, isObject } from './value.ts'

/** What happens to an object when a property is read or a method called. */
export type Step<C> = (object: Value, context: C, activation: Activation) => Value

/** Code within a chain of `?.`: undefined means that the chain ended early. */
export type Link<C> = (context: C, activation: Activation) => Value | undefined

/** A property read outside a chain. */
export function compileMember<C>(tree: MemberTree, unit: Unit<C>): Compiled<C> {
  const object = compileObject(tree, unit)
  const source = unit.source(tree)
  const read = object.run
  if (typeof tree.key !== 'string') {
    const key = unit.compile(tree.key, unit)
    const step = computedStep(key.run, source)
    return folded([object, key], (context, activation) => step(read(context, activation), context, activation))
  }
  if (tree.key === 'length') {
    const hint = hintFor('length')
    return folded([object], (context, activation) => {
      const value = read(context, activation)
      return Array.isArray(value) || typeof value === 'string' ? value.length : readNamed(value, 'length', hint, source)
    })
  }
  const { key } = tree
  const hint = hintFor(key)
  return folded([object], (context, activation) => {
    const value = read(context, activation)
    return isObject(value) && Object.hasOwn(value, key) ? (value[key] ?? null) : readNamed(value, key, hint, source)
  })
}

/** The step that a property read takes within a chain. */
export function memberStep<C>(tree: MemberTree, unit: Unit<C>): Step<C> {
  const source = unit.source(tree)
  if (typeof tree.key !== 'string') return computedStep(unit.compile(tree.key, unit).run, source)
  const { key } = tree
  const hint = hintFor(key)
  return (object) => readNamed(object, key, hint, source)
}

/** A member of a name that stands for `members`, such as `env.NAME`; null for ordinary members. */
export function compileKnownMember<C>({ object, key, start }: MemberTree, unit: Unit<C>): Compiled<C> | null {
  if (object.kind !== 'name' || unit.localSlot(object.name) !== undefined) return null
  const binding = unit.scope.lookup(object.name)
  if (binding?.kind !== 'members') return null
  if (typeof key !== 'string') throw new ExpressionError(binding.problem(null), start)
  if (!Object.hasOwn(binding.values, key)) throw new ExpressionError(binding.problem(key), start)
  unit.refer(object.name, 'other', key)
  return constantOf(binding.values[key] ?? null)
}

/** The object of a property read. `name.length` alone is noted apart: it needs no look at the items. */
export function compileObject<C>(tree: MemberTree, unit: Unit<C>): Compiled<C> {
  const { object } = tree
  if (object.kind === 'name' && tree.key === 'length' && unit.localSlot(object.name) === undefined) {
    return compileName(object.name, object, unit, 'length')
  }
  return unit.compile(object, unit)
}

function computedStep<C>(key: Code<C>, source: string): Step<C> {
  return (object, context, activation) => {
    const name = key(context, activation)
    if (typeof name === 'number' && isList(object)) return object[name] ?? null
    try {
      return readComputed(object, name)
    } catch (error) {
      throw located(error, source)
    }
  }
}

function readNamed(object: Value, key: string, hint: string | null, source: string): Value {
  try {
    return readProperty(object, key, hint)
  } catch (error) {
    throw located(error, source)
  }
}

/** What to say when a list or text has no such property; null where a missing property is plausible. */
function hintFor(key: string): string | null {
  if (methodNames.has(key)) return `It is a method: call it, as in ${key}(…).`
  const isLength = key === 'size' || key === 'count' || (key !== 'length' && didYouMean(key, ['length']) !== null)
  return isLength ? suggest('length') : null
}
