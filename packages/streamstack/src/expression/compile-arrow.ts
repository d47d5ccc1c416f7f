import type { Value } from '@streamstack/protocol'
import type { Activation } from './activation.ts'
import type { Callback } from './builtins/builtin.ts'
import { ExpressionError } from './expression-error.ts'
import { failed } from './failure.ts'
import type { Arrow, Pattern } from './tree.ts'
import { copyProperties, isList, isObject, typeName } from './value.ts'
import type { Unit } from './unit.ts'

/** Makes the callback of one evaluation. */
export type CallbackCode<C> = (context: C, activation: Activation) => Callback

/** Puts an argument, undefined when there is none, where the body reads its parameter. */
type Bind<C> = (value: Value | undefined, context: C, activation: Activation) => void

/** An arrow function. Its parameters live in slots of the activation, since it never runs inside itself. */
export function compileArrow<C>(arrow: Arrow, unit: Unit<C>): CallbackCode<C> {
  if (arrow.parameters.length > 4) {
    throw new ExpressionError('The functions that take an arrow function give it at most four arguments.', arrow.start)
  }
  return unit.withLocals(() => {
    const binds = arrow.parameters.map((pattern) => compilePattern(pattern, unit))
    const body = unit.compile(arrow.body, unit).run
    const [first, second, third, fourth] = binds
    if (second === undefined) {
      return (context, activation) => (one) => {
        activation.charge(1)
        first?.(one, context, activation)
        return body(context, activation)
      }
    }
    return (context, activation) => (one, two, three, four) => {
      activation.charge(1)
      first?.(one, context, activation)
      second(two, context, activation)
      third?.(three, context, activation)
      fourth?.(four, context, activation)
      return body(context, activation)
    }
  })
}

function compilePattern<C>(pattern: Pattern, unit: Unit<C>): Bind<C> {
  // The fallback is compiled before the names are declared: it cannot read the parameter that it stands in for.
  const fallback = pattern.fallback === null ? null : unit.compile(pattern.fallback, unit).run
  const bind = compileShape(pattern, unit)
  if (fallback === null) return bind
  return (value, context, activation) => {
    bind(value === undefined ? fallback(context, activation) : value, context, activation)
  }
}

function compileShape<C>(pattern: Pattern, unit: Unit<C>): Bind<C> {
  switch (pattern.kind) {
    case 'name':
      return bindSlot(declare(pattern.name, pattern, unit))
    case 'object':
      return compileObjectPattern(pattern, unit)
    default:
      return compileListPattern(pattern, unit)
  }
}

function compileObjectPattern<C>(pattern: Extract<Pattern, { kind: 'object' }>, unit: Unit<C>): Bind<C> {
  const source = unit.source(pattern)
  const entries = pattern.entries.map((entry) => ({ key: entry.key, bind: compilePattern(entry.pattern, unit) }))
  const rest = pattern.rest === null ? null : declare(pattern.rest, pattern, unit)
  const taken = new Set(entries.map(({ key }) => key))
  return (value, context, activation) => {
    if (!isObject(value)) throw failed(source, `${typeName(value ?? null)} cannot be taken apart into properties.`)
    for (const { key, bind } of entries) bind(Object.hasOwn(value, key) ? value[key] : undefined, context, activation)
    if (rest === null) return
    const others: Record<string, Value> = {}
    copyProperties(others, value)
    activation.slots[rest] = Object.fromEntries(Object.entries(others).filter(([key]) => !taken.has(key)))
  }
}

function compileListPattern<C>(pattern: Extract<Pattern, { kind: 'list' }>, unit: Unit<C>): Bind<C> {
  const source = unit.source(pattern)
  const binds = pattern.items.map((item) => (item === null ? null : compilePattern(item, unit)))
  const rest = pattern.rest === null ? null : declare(pattern.rest, pattern, unit)
  return (value, context, activation) => {
    if (value === undefined || !isList(value)) {
      throw failed(source, `${typeName(value ?? null)} cannot be taken apart into items.`)
    }
    binds.forEach((bind, index) => bind?.(value[index], context, activation))
    if (rest !== null) activation.slots[rest] = value.slice(binds.length)
  }
}

function bindSlot<C>(slot: number): Bind<C> {
  return (value, _, activation) => {
    activation.slots[slot] = value ?? null
  }
}

function declare<C>(name: string, pattern: Pattern, unit: Unit<C>): number {
  const slot = unit.declareLocal(name)
  if (slot === null) throw new ExpressionError(`The parameter '${name}' stands twice.`, pattern.start)
  return slot
}
