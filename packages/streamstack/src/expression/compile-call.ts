import type { Builtin, Receiver } from './builtins/builtin.ts'
import { functions, methodCures, methodNames, methods, namespaces } from './catalogue.ts'
import { type ArgumentCode, receive, receiveRest, type ReceivedCode, wantedOf } from './compile-argument.ts'
import { type CallbackCode, compileArrow } from './compile-arrow.ts'
import type { Step } from './compile-member.ts'
import { ExpressionError } from './expression-error.ts'
import { failed } from './failure.ts'
import { functionCall, methodCall } from './invoke.ts'
import { didYouMean, suggest } from '../text/did-you-mean.ts'
import type { Argument, CallTree, MethodTree, Place } from './tree.ts'
import { type Compiled, constantOf, folded, type Unit } from './unit.ts'
import { typeName } from './value.ts'
import type { Value } from '@streamstack/protocol'

/** A call of a function by its name. */
export function compileCall<C>(tree: CallTree, unit: Unit<C>): Compiled<C> {
  const builtin = functions.get(tree.name)
  if (builtin === undefined) throw new ExpressionError(unknownFunction(tree.name, unit), tree.start)
  return compileFunction(builtin, tree, unit)
}

/** `Math.max(…)` and its like; null when what stands before the dot is an ordinary value. */
export function compileNamespaced<C>(tree: MethodTree, unit: Unit<C>): Compiled<C> | null {
  const { object } = tree
  if (object.kind !== 'name' || !isNamespace(object.name, unit)) return null
  const name = `${object.name}.${tree.name}`
  const builtin = functions.get(name)
  if (builtin !== undefined) return compileFunction(builtin, tree, unit)
  const meant = didYouMean(name, functions.keys())
  throw new ExpressionError(
    `There is no function '${name}'.${meant === null ? ' See the list of functions.' : ` ${suggest(meant)}`}`,
    tree.start,
  )
}

/** Whether a name stands for a group of functions here; a variable of the same name comes first. */
export function isNamespace<C>(name: string, unit: Unit<C>): boolean {
  return namespaces.has(name) && unit.localSlot(name) === undefined && unit.scope.lookup(name) === undefined
}

/** The step that a method call takes once its object is known: which method it is depends on the object's type. */
export function methodStep<C>(
  tree: MethodTree,
  unit: Unit<C>,
): { step: Step<C>; isPure: boolean; parts: Compiled<C>[] } {
  const overloads = methods.get(tree.name)
  if (overloads === undefined) throw new ExpressionError(unknownMethod(tree.name), tree.namePlace.start)
  const source = unit.source(tree)
  const given = tree.arguments.map((argument) => compileArgument(argument, unit))
  const steps = new Map<Receiver, Step<C>>()
  const faults: ExpressionError[] = []
  for (const [receiver, builtin] of overloads) {
    const fault = faultOf(builtin, given, tree)
    if (fault === null) steps.set(receiver, methodCall(builtin, receivedOf(builtin, given), source))
    else faults.push(fault)
  }
  const [fault] = faults
  if (steps.size === 0 && fault !== undefined) throw fault
  const text = steps.get('text')
  const list = steps.get('list')
  const number = steps.get('number')
  const boolean = steps.get('boolean')
  return {
    parts: constantParts(given),
    isPure: Array.from(overloads.values()).every((builtin) => builtin.pure),
    step(object, context, activation) {
      const step =
        typeof object === 'string'
          ? text
          : Array.isArray(object)
            ? list
            : typeof object === 'number'
              ? number
              : typeof object === 'boolean'
                ? boolean
                : undefined
      if (step === undefined) throw wrongReceiver(object, tree.name, overloads, source)
      return step(object, context, activation)
    },
  }
}

function compileFunction<C>(builtin: Builtin, tree: CallTree | MethodTree, unit: Unit<C>): Compiled<C> {
  const given = tree.arguments.map((argument) => compileArgument(argument, unit))
  const fault = faultOf(builtin, given, tree)
  if (fault !== null) throw fault
  const run = functionCall(builtin, receivedOf(builtin, given), unit.source(tree))
  return builtin.pure ? folded(constantParts(given), run) : { run, constant: undefined }
}

function compileArgument<C>(argument: Argument, unit: Unit<C>): ArgumentCode<C> {
  if (argument.kind === 'arrow') return { kind: 'callback', run: compileArrow(argument, unit) }
  if (argument.kind === 'spread') return { kind: 'spread', ...unit.compile(argument.value, unit) }
  const named = namedCallback(argument, unit)
  if (named !== null) return { kind: 'callback', run: named }
  return { kind: 'value', ...unit.compile(argument, unit) }
}

/** `filter(Boolean)`, `map(Math.round)`: the bare name of a function of one argument stands for an arrow function. */
function namedCallback<C>(place: Argument, unit: Unit<C>): CallbackCode<C> | null {
  const builtin = functions.get(functionName(place, unit) ?? '')
  if (builtin === undefined) return null
  const [parameter, ...others] = builtin.parameters
  if (parameter === undefined || others.some((other) => other.optional !== true)) return null
  // The item takes the place of the context: it is all that the argument reads.
  const argument: ArgumentCode<Value> = { kind: 'value', run: (item) => item, constant: undefined }
  const code = parameter.rest === true ? receiveRest(parameter, [argument]) : receive(parameter, argument)
  const call = functionCall(builtin, [code], unit.source(place))
  return (_context, activation) => (item) => {
    activation.charge(1)
    return call(item, activation)
  }
}

function functionName<C>(argument: Argument, unit: Unit<C>): string | null {
  if (argument.kind === 'name') {
    const isVariable = unit.localSlot(argument.name) !== undefined || unit.scope.lookup(argument.name) !== undefined
    return isVariable ? null : argument.name
  }
  if (argument.kind !== 'member' || argument.object.kind !== 'name' || typeof argument.key !== 'string') return null
  return isNamespace(argument.object.name, unit) ? `${argument.object.name}.${argument.key}` : null
}

function receivedOf<C>(builtin: Builtin, given: readonly ArgumentCode<C>[]): ReceivedCode<C>[] {
  return builtin.parameters.map((parameter, index) => {
    return parameter.rest === true ? receiveRest(parameter, given.slice(index)) : receive(parameter, given[index])
  })
}

/** Whether the arguments fit in number and kind; their types are seen only at run time. */
function faultOf<C>(builtin: Builtin, given: readonly ArgumentCode<C>[], place: Place): ExpressionError | null {
  const { parameters, signature } = builtin
  const least = parameters.filter((parameter) => parameter.optional !== true && parameter.rest !== true).length
  const takesRest = parameters.at(-1)?.rest === true
  if (given.length < least || (!takesRest && given.length > parameters.length)) {
    const most = takesRest ? ' or more' : parameters.length > least ? ` to ${parameters.length}` : ''
    return new ExpressionError(
      `${signature} takes ${least}${most} argument${least === 1 && most === '' ? '' : 's'}, not ${given.length}.`,
      place.start,
    )
  }
  for (const [index, argument] of given.entries()) {
    const parameter = parameters[index] ?? parameters.at(-1)
    if (parameter === undefined) continue
    const takesCallback = parameter.type === 'callback' || parameter.type === 'selector'
    if (argument.kind === 'callback' && !takesCallback) {
      return new ExpressionError(
        `In ${signature}, '${parameter.name}' is ${wantedOf(parameter)}, not a function.`,
        place.start,
      )
    }
    if (argument.kind === 'spread' && parameter.rest !== true) {
      return new ExpressionError(`In ${signature}, '${parameter.name}' cannot be spread with '...'.`, place.start)
    }
    if (argument.kind === 'value' && parameter.type === 'callback') {
      return new ExpressionError(`In ${signature}, '${parameter.name}' must be ${wantedOf(parameter)}.`, place.start)
    }
  }
  return null
}

/** What must be constant for a call to be. An arrow function never is: it may read the context. */
function constantParts<C>(given: readonly ArgumentCode<C>[]): Compiled<C>[] {
  return given.map((argument): Compiled<C> => {
    if (argument.kind !== 'callback') return { run: argument.run, constant: argument.constant }
    return { run: constantOf<C>(null).run, constant: undefined }
  })
}

function wrongReceiver(object: Value, name: string, overloads: ReadonlyMap<Receiver, Builtin>, source: string): Error {
  if (object === null) {
    return failed(
      source,
      `the value before '${name}' is null. Write ?. before '${name}' to get null instead of this error.`,
    )
  }
  const owners = Array.from(overloads.keys(), (receiver) => `a ${receiver}`).join(' or ')
  return failed(source, `'${name}' is a method of ${owners}, and cannot be called so on ${typeName(object)}.`)
}

function unknownFunction<C>(name: string, unit: Unit<C>): string {
  if (unit.localSlot(name) !== undefined || unit.scope.lookup(name) !== undefined) {
    return `'${name}' is a variable, not a function. Only the listed functions can be called.`
  }
  const meant = didYouMean(name, functions.keys())
  if (meant !== null) return `There is no function '${name}'. ${suggest(meant)}`
  if (methodNames.has(name)) return `'${name}' is a method. Write it after a value, as in value.${name}(…).`
  return `There is no function '${name}'. Only the listed functions can be called.`
}

function unknownMethod(name: string): string {
  const cure = methodCures.get(name)
  if (cure !== undefined) return `The method '${name}' is not available. ${cure}`
  if (functions.has(name))
    return `'${name}' is a function, not a method. Write ${functions.get(name)?.signature ?? name}.`
  const meant = didYouMean(name, methodNames)
  return `There is no method '${name}'.${meant === null ? ' See the list of methods.' : ` ${suggest(meant)}`}`
}
