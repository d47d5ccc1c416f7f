import type { Value } from '@streamstack/protocol'
import { type Activation, weightOf } from './activation.ts'
import type { Builtin } from './builtins/builtin.ts'
import type { ReceivedCode } from './compile-argument.ts'
import type { Step } from './compile-member.ts'
import { located } from './failure.ts'
import { boundedText, checkListItems } from './value.ts'

/** The call of a method: the object comes from the step, the rest from its arguments. */
export function methodCall<C>(builtin: Builtin, codes: readonly ReceivedCode<C>[], source: string): Step<C> {
  const { run } = builtin
  const [first, second] = codes
  if (first === undefined) {
    return (object, _, activation) => {
      try {
        return finish(run(object), object, activation)
      } catch (error) {
        throw located(error, source)
      }
    }
  }
  if (second === undefined) {
    return (object, context, activation) => {
      try {
        return finish(run(object, first(context, activation)), object, activation)
      } catch (error) {
        throw located(error, source)
      }
    }
  }
  return (object, context, activation) => {
    try {
      const values = codes.map((code) => code(context, activation))
      return finish(run(object, ...values), object, activation)
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
  const { run } = builtin
  const [first, second] = codes
  if (first !== undefined && second === undefined) {
    return (context, activation) => {
      try {
        const value = first(context, activation)
        return finish(run(value), value, activation)
      } catch (error) {
        throw located(error, source)
      }
    }
  }
  return (context, activation) => {
    try {
      const values = codes.map((code) => code(context, activation))
      return finish(run(...values), values[0], activation)
    } catch (error) {
      throw located(error, source)
    }
  }
}

/** Counts the work of a call and holds its result to the bounds. */
function finish(result: Value, touched: unknown, activation: Activation): Value {
  activation.charge(1 + weightOf(touched) + weightOf(result))
  if (typeof result === 'string') return boundedText(result)
  if (Array.isArray(result)) checkListItems(result.length)
  return result
}
