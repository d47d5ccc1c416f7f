import type { AnyNode, Literal, Node } from 'acorn'
import { losesDigits } from '../text/whole-number.ts'
import { ExpressionError } from './expression-error.ts'
import { forbiddenMessage, isForbidden } from './forbidden.ts'
import { refusedSyntax } from './refused-syntax.ts'
import type { Place, Tree } from './tree.ts'

/** Trees that stand for names at certain places of a condition, by index in the text. */
export type Placeholders = Map<number, Tree>

/** What parsing one expression needs to know. */
export interface Origin {
  text: string
  /** Index in the text from which node positions count. */
  base: number
  /** Each is taken out when it is met, so what stays stands where no value can stand. */
  placeholders: Placeholders
}

/** How deep a node stands: `nesting` counts brackets and operands, `chain` also the left sides of operators. */
export interface Depth {
  nesting: number
  chain: number
}

/** One level of nesting further. */
export function deeper(depth: Depth): Depth {
  return { nesting: depth.nesting + 1, chain: depth.chain + 1 }
}

/** A node's place in the text. */
export function placeOf(node: Node, origin: Origin): Place {
  return { start: node.start + origin.base, end: node.end + origin.base }
}

/** A name that is declared or read; refuses the forbidden ones. */
export function checkedName(name: string, place: Place, origin: Origin): string {
  if (origin.placeholders.has(place.start)) throw new ExpressionError('Write a name here, without {{ }}.', place.start)
  if (isForbidden(name)) throw new ExpressionError(`In expressions ${forbiddenMessage(name)}`, place.start)
  return name
}

/** The value of a literal; regular expressions, big integers and octal numbers are refused. */
export function literalValue(node: Literal, place: Place): null | boolean | number | string {
  const { value } = node
  if (node.regex !== undefined) {
    throw new ExpressionError(
      'Regular expressions are not available in expressions. Use includes, startsWith, split or replaceAll with text.',
      place.start,
    )
  }
  if (typeof value === 'bigint') {
    throw new ExpressionError(
      'Numbers with n are not available in expressions. Keep big integers as text.',
      place.start,
    )
  }
  if (typeof value === 'number' && /^0\d/.test(node.raw ?? '')) {
    throw new ExpressionError('A number cannot begin with 0. Take the zero away, or put quotes around it.', place.start)
  }
  if (typeof value === 'number' && losesDigits((node.raw ?? '').replaceAll('_', ''))) {
    throw new ExpressionError(
      `The number ${node.raw} has more digits than a number holds. Put it in quotes, as text.`,
      place.start,
    )
  }
  return value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    ? value
    : null
}

/** The key that a property, pattern or member names outright. */
export function staticKey(node: AnyNode, origin: Origin): string {
  const place = placeOf(node, origin)
  if (node.type === 'Identifier') return checkedName(node.name, place, origin)
  if (node.type === 'Literal') return checkedName(String(literalValue(node, place)), place, origin)
  throw new ExpressionError(refusedSyntax(node.type), place.start)
}
