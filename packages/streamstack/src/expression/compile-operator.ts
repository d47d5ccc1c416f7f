import type { Value } from '@streamstack/protocol'
import { located } from './failure.ts'
import { limits } from './limits.ts'
import { add, isIn, looselyEqual, numberOf, order, typeOf } from './operator.ts'
import type { BinaryOperator, UnaryOperator } from './tree.ts'
import type { Code } from './unit.ts'
import { chargeText } from './work.ts'

/** Texts shorter than this are compared in no time. */
const LONG_TEXT = 64

/** The code of an operator with one operand. */
export function unaryCode<C>(operator: UnaryOperator, operand: Code<C>, source: string): Code<C> {
  switch (operator) {
    case '!':
      return (context, activation) => !operand(context, activation)
    case 'typeof':
      return (context, activation) => typeOf(operand(context, activation))
    case '-':
      return (context, activation) => -toNumber(operand(context, activation), source)
    default:
      return (context, activation) => toNumber(operand(context, activation), source)
  }
}

/** The code of an operator with two operands. Each has its own closure, whose fast path the engine can specialise. */
export function binaryCode<C>(operator: BinaryOperator, left: Code<C>, right: Code<C>, source: string): Code<C> {
  switch (operator) {
    case '+':
      return (context, activation) => {
        const a = left(context, activation)
        const b = right(context, activation)
        return typeof a === 'number' && typeof b === 'number' ? a + b : addValues(a, b, source)
      }
    case '-':
      return (context, activation) => {
        const a = left(context, activation)
        const b = right(context, activation)
        return typeof a === 'number' && typeof b === 'number' ? a - b : toNumber(a, source) - toNumber(b, source)
      }
    case '*':
      return (context, activation) => {
        const a = left(context, activation)
        const b = right(context, activation)
        return typeof a === 'number' && typeof b === 'number' ? a * b : toNumber(a, source) * toNumber(b, source)
      }
    case '/':
      return (context, activation) => {
        const a = left(context, activation)
        const b = right(context, activation)
        return typeof a === 'number' && typeof b === 'number' ? a / b : toNumber(a, source) / toNumber(b, source)
      }
    case '%':
      return (context, activation) =>
        toNumber(left(context, activation), source) % toNumber(right(context, activation), source)
    case '**':
      return (context, activation) =>
        toNumber(left(context, activation), source) ** toNumber(right(context, activation), source)
    case '===':
      return (context, activation) => isSame(left(context, activation), right(context, activation), source)
    case '!==':
      return (context, activation) => !isSame(left(context, activation), right(context, activation), source)
    case '==':
      return (context, activation) => isAlike(left(context, activation), right(context, activation), source)
    case '!=':
      return (context, activation) => !isAlike(left(context, activation), right(context, activation), source)
    case '<':
      return (context, activation) => {
        const a = left(context, activation)
        const b = right(context, activation)
        return typeof a === 'number' && typeof b === 'number' ? a < b : compare(a, b, source) < 0
      }
    case '<=':
      return (context, activation) => {
        const a = left(context, activation)
        const b = right(context, activation)
        return typeof a === 'number' && typeof b === 'number' ? a <= b : compare(a, b, source) <= 0
      }
    case '>':
      return (context, activation) => {
        const a = left(context, activation)
        const b = right(context, activation)
        return typeof a === 'number' && typeof b === 'number' ? a > b : compare(a, b, source) > 0
      }
    case '>=':
      return (context, activation) => {
        const a = left(context, activation)
        const b = right(context, activation)
        return typeof a === 'number' && typeof b === 'number' ? a >= b : compare(a, b, source) >= 0
      }
    default:
      return (context, activation) => {
        const key = left(context, activation)
        const object = right(context, activation)
        try {
          return isIn(key, object)
        } catch (error) {
          throw located(error, source)
        }
      }
  }
}

/** `===`. Two long texts of one length may be compared to their ends, and put together for that before. */
function isSame(left: Value, right: Value, source: string): boolean {
  if (typeof left === 'string' && typeof right === 'string' && left.length >= LONG_TEXT) {
    if (left.length !== right.length) return false
    chargeAt(left.length, source)
  }
  return left === right
}

function isAlike(left: Value, right: Value, source: string): boolean {
  if (typeof left === 'string' && left.length >= LONG_TEXT) chargeAt(left.length, source)
  if (typeof right === 'string' && right.length >= LONG_TEXT) chargeAt(right.length, source)
  return looselyEqual(left, right)
}

function chargeAt(length: number, source: string): void {
  try {
    chargeText(length)
  } catch (error) {
    throw located(error, source)
  }
}

function toNumber(value: Value, source: string): number {
  if (typeof value === 'number') return value
  try {
    return numberOf(value)
  } catch (error) {
    throw located(error, source)
  }
}

function compare(left: Value, right: Value, source: string): number {
  try {
    return order(left, right)
  } catch (error) {
    throw located(error, source)
  }
}

function addValues(left: Value, right: Value, source: string): Value {
  if (typeof left === 'string' && typeof right === 'string' && left.length + right.length <= limits.textLengthMax) {
    return left + right
  }
  try {
    return add(left, right)
  } catch (error) {
    throw located(error, source)
  }
}
