import { functions, methodNames, namespaces } from './catalogue.ts'
import { namedConstants } from './builtins/number.ts'
import { ExpressionError } from './expression-error.ts'
import type { Reference } from './expression.ts'
import { StreamstackError, type Value } from '@streamstack/protocol'
import { didYouMean, suggest } from '../text/did-you-mean.ts'
import type { Place } from './tree.ts'
import { type Compiled, constantOf, type Unit } from './unit.ts'

/** A name that is read as a value: a parameter of an arrow function, a name of the scope, or a named constant. */
export function compileName<C>(name: string, place: Place, unit: Unit<C>, use: Reference['use']): Compiled<C> {
  const slot = unit.localSlot(name)
  if (slot !== undefined) return { run: (_, activation) => activation.slots[slot] ?? null, constant: undefined }
  const binding = unit.scope.lookup(name)
  if (binding === undefined) return namedConstant(name, place, unit)
  if (binding.kind === 'members') throw new ExpressionError(binding.problem(null), place.start)
  unit.refer(name, use)
  if (binding.kind === 'constant') return constantOf(binding.value)
  const read = variableCode(name, binding.read)
  return { run: read, constant: undefined, read }
}

function variableCode<C>(name: string, read: (context: C) => Value | undefined): (context: C) => Value {
  return (context) => {
    const value = read(context)
    if (value === undefined) throw notSet(name)
    return value
  }
}

function notSet(name: string): StreamstackError {
  return new StreamstackError(
    'expression_failed',
    `The variable '${name}' has no value yet. Give it one before this step, for example with Create Variables.`,
  )
}

function namedConstant<C>(name: string, place: Place, unit: Unit<C>): Compiled<C> {
  if (Object.hasOwn(namedConstants, name)) return constantOf(namedConstants[name] ?? null)
  throw new ExpressionError(unknownName(name, unit), place.start)
}

function unknownName<C>(name: string, unit: Unit<C>): string {
  if (functions.has(name)) return `'${name}' is a function. Call it, as in ${functions.get(name)?.signature ?? name}.`
  if (namespaces.has(name))
    return `'${name}' alone is not a value. Call one of its functions, as in ${exampleOf(name)}.`
  const meant = didYouMean(name, [...unit.localNames(), ...unit.scope.names()])
  if (meant !== null) return `There is no variable '${name}'. ${suggest(meant)}`
  if (methodNames.has(name)) return `'${name}' is a method. Write it after a value, as in value.${name}(…).`
  if (unit.scope.isFixed === true) {
    const known = new Intl.ListFormat('en-GB').format(unit.scope.names())
    return `There is no variable '${name}' here. There are ${known}; put quotes around it if it is text.`
  }
  return `There is no variable '${name}'. Create it before this step, or put quotes around it if it is text.`
}

function exampleOf(namespace: string): string {
  const found = Array.from(functions.values()).find((builtin) => builtin.name.startsWith(`${namespace}.`))
  return found?.signature ?? namespace
}
