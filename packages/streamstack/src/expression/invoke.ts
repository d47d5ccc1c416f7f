import type { Value } from '@streamstack/protocol'
import type { Activation } from './activation.ts'
import type { Builtin } from './builtins/builtin.ts'
import type { ReceivedCode } from './compile-argument.ts'
import type { Step } from './compile-member.ts'
import { located } from './failure.ts'
import { boundedText, checkListItems } from './value.ts'
import { charge, weightOf } from './work.ts'

/** Longer lists are data and no arguments that were written one by one. */
const GATHERED_MAX = 100

/** The call of a method: the object comes from the step, the rest from its arguments. */
export function methodCall<C>(builtin: Builtin, codes: readonly ReceivedCode<C>[], source: string): Step<C> {
  const { run, cost } = builtin
  const weigh = weigherOf(builtin)
  const [first, second] = codes
  if (first === undefined) {
    return (object) => {
      try {
        charge(cost + weigh(object))
        return finish(run(object))
      } catch (error) {
        throw located(error, source)
      }
    }
  }
  if (second === undefined) {
    return (object, context, activation) => {
      try {
        const value = first(context, activation)
        charge(cost + weigh(object) + weigh(value))
        return finish(run(object, value))
      } catch (error) {
        throw located(error, source)
      }
    }
  }
  return (object, context, activation) => {
    try {
      const values = codes.map((code) => code(context, activation))
      charge(cost + weigh(object) + weightOfAll(values, weigh))
      return finish(run(object, ...values))
    } catch (error) {
      throw located(error, source)
    }
  }
}

/** The call of a function. */
export function functionCall<C>(
  builtin: Builtin,
  codes: readonly ReceivedCode<C>[],
  source: string,
): (context: C, activation: Activation) => Value {
  const { run, cost } = builtin
  const weigh = weigherOf(builtin)
  const [first, second] = codes
  if (first !== undefined && second === undefined) {
    return (context, activation) => {
      try {
        const value = first(context, activation)
        charge(cost + weigh(value))
        return finish(run(value))
      } catch (error) {
        throw located(error, source)
      }
    }
  }
  return (context, activation) => {
    try {
      const values = codes.map((code) => code(context, activation))
      charge(cost + weightOfAll(values, weigh))
      return finish(run(...values))
    } catch (error) {
      throw located(error, source)
    }
  }
}

/** Holds the result of a call to the bounds, and counts the work of making it; that of its arguments was counted before it began. */
function finish(result: Value): Value {
  charge(weightOf(result))
  if (typeof result === 'string') return boundedText(result)
  if (Array.isArray(result)) checkListItems(result.length)
  return result
}

/** How the arguments of a built-in count. A list that gathers the rest of them counts with what is in it. */
function weigherOf({ readsAll, parameters }: Builtin): (value: unknown) => number {
  const weigh = readsAll ? weightOf : textWeight
  if (parameters.at(-1)?.rest !== true) return weigh
  return (value) => {
    let weight = weigh(value)
    if (Array.isArray(value) && value.length <= GATHERED_MAX) for (const inner of value) weight += weigh(inner)
    return weight
  }
}

function weightOfAll(values: readonly unknown[], weigh: (value: unknown) => number): number {
  let weight = 0
  for (const value of values) weight += weigh(value)
  return weight
}

function textWeight(value: unknown): number {
  return typeof value === 'string' ? weightOf(value) : 0
}
