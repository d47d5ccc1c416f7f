import type { Value } from '@streamstack/protocol'
import type { Activation } from './activation.ts'
import type { Parameter } from './builtins/builtin.ts'
import { BuiltinFailure } from './failure.ts'
import { numberOf } from './operator.ts'
import { readComputed } from './property.ts'
import { isList, isObject, textOf, typeName } from './value.ts'
import type { CallbackCode } from './compile-arrow.ts'
import type { Code } from './unit.ts'

/** An argument as it stands in a call: a value, a spread list, or an arrow function. */
export type ArgumentCode<C> =
  | { kind: 'value'; run: Code<C>; constant: Value | undefined }
  | { kind: 'spread'; run: Code<C>; constant: Value | undefined }
  | { kind: 'callback'; run: CallbackCode<C> }

/** An argument as the built-in gets it: of the parameter's type, undefined when left out. */
export type Received = unknown

/** Code that gives what a parameter asks for. */
export type ReceivedCode<C> = (context: C, activation: Activation) => Received

/** Turns the argument of a parameter into what the built-in expects. */
export function receive<C>(parameter: Parameter, argument: ArgumentCode<C> | undefined): ReceivedCode<C> {
  if (argument === undefined) return () => undefined
  if (argument.kind === 'callback') return argument.run
  const { run } = argument
  if (parameter.optional === true) {
    return (context, activation) => {
      const value = run(context, activation)
      return value === null ? undefined : convert(value, parameter)
    }
  }
  // The two types that most arguments have, without a look at the parameter.
  if (parameter.type === 'any') return run
  if (parameter.type === 'text') {
    return (context, activation) => {
      const value = run(context, activation)
      return typeof value === 'string' ? value : convert(value, parameter)
    }
  }
  return (context, activation) => convert(run(context, activation), parameter)
}

/** Gathers the arguments of a parameter that takes all the rest. */
export function receiveRest<C>(parameter: Parameter, given: readonly ArgumentCode<C>[]): ReceivedCode<C> {
  return (context, activation) => {
    const gathered: Received[] = []
    for (const argument of given) {
      if (argument.kind === 'callback') continue
      const value = argument.run(context, activation)
      if (argument.kind === 'value') {
        gathered.push(convert(value, parameter))
      } else if (isList(value)) {
        activation.charge(value.length >> 2)
        for (const item of value) gathered.push(convert(item, parameter))
      } else {
        throw new BuiltinFailure(`'...' needs a list, not ${typeName(value)}.`)
      }
    }
    return gathered
  }
}

function convert(value: Value, parameter: Parameter): Received {
  switch (parameter.type) {
    case 'any':
      return value
    case 'text':
      if (typeof value !== 'object' || value === null) return textOf(value)
      break
    case 'number':
      if (typeof value !== 'object' || value === null) return numberOf(value)
      break
    case 'boolean':
      return Boolean(value)
    case 'list':
      if (isList(value)) return value
      break
    case 'object':
      if (isObject(value)) return value
      break
    case 'selector':
      if (typeof value === 'string') return (item: Value) => readComputed(item, value)
      break
    case 'callback':
      break
  }
  throw new BuiltinFailure(mismatch(value, parameter))
}

const wanted = {
  any: 'a value',
  text: 'a text',
  number: 'a number',
  boolean: 'true or false',
  list: 'a list',
  object: 'an object',
  callback: 'an arrow function such as item => item.name',
  selector: "an arrow function such as item => item.name, or the name of a property such as 'name'",
} as const satisfies Record<Parameter['type'], string>

function mismatch(value: Value, parameter: Parameter): string {
  const cure = value === null && parameter.type === 'list' ? ' Where it may be missing write value ?? [].' : ''
  return `'${parameter.name}' must be ${wanted[parameter.type]}, not ${typeName(value)}.${cure}`
}

/** What a parameter must be, for messages. */
export function wantedOf(parameter: Parameter): string {
  return wanted[parameter.type]
}
