import type { AnyNode, CallExpression, Expression, MemberExpression, ObjectExpression } from 'acorn'
import { ExpressionError } from './expression-error.ts'
import { limits } from './limits.ts'
import { checkedName, deeper, type Depth, literalValue, type Origin, placeOf, staticKey } from './origin.ts'
import { parseArrow } from './parse-arrow.ts'
import { refusedOperator, refusedSyntax } from './refused-syntax.ts'
import { tooDeep } from './syntax.ts'
import type { Argument, BinaryOperator, ObjectEntry, Place, Spread, Tree, UnaryOperator } from './tree.ts'

const UNARY_OPERATORS: ReadonlySet<string> = new Set<UnaryOperator>(['!', '-', '+', 'typeof'])
const BINARY_OPERATORS: ReadonlySet<string> = new Set<BinaryOperator>([
  '+',
  '-',
  '*',
  '/',
  '%',
  '**',
  '===',
  '!==',
  '==',
  '!=',
  '<',
  '<=',
  '>',
  '>=',
  'in',
])

/** Turns JavaScript syntax into the allow-listed tree. Throws an ExpressionError that names what is not in the language. */
export function parseTree(node: Expression, origin: Origin): Tree {
  return toTree(node, origin, { nesting: 0, chain: 0 })
}

function toTree(node: AnyNode, origin: Origin, depth: Depth): Tree {
  const place = placeOf(node, origin)
  if (depth.nesting > limits.nestingMax || depth.chain > limits.chainLengthMax) throw tooDeep(place.start)
  const inside = deeper(depth)
  const left = { nesting: depth.nesting, chain: depth.chain + 1 }
  switch (node.type) {
    case 'ParenthesizedExpression':
      return toTree(node.expression, origin, inside)
    case 'Literal':
      return { ...place, kind: 'constant', value: literalValue(node, place) }
    case 'Identifier':
      return nameTree(node.name, place, origin)
    case 'TemplateLiteral':
      return {
        ...place,
        kind: 'template',
        texts: node.quasis.map((quasi) => quasi.value.cooked ?? ''),
        parts: node.expressions.map((part) => toTree(part, origin, inside)),
      }
    case 'ArrayExpression':
      return {
        ...place,
        kind: 'list',
        items: node.elements.map((item) => {
          if (item === null) throw new ExpressionError('The list has a gap. Write null for an empty item.', place.start)
          return toItem(item, origin, inside)
        }),
      }
    case 'ObjectExpression':
      return { ...place, kind: 'object', entries: objectEntries(node, origin, inside) }
    case 'MemberExpression':
      return memberTree(node, origin, left, inside)
    case 'ChainExpression':
      return { ...place, kind: 'chain', link: toTree(node.expression, origin, left) }
    case 'CallExpression':
      return callTree(node, origin, left, inside)
    case 'UnaryExpression':
      if (!isUnary(node.operator)) throw new ExpressionError(refusedOperator(node.operator), place.start)
      return { ...place, kind: 'unary', operator: node.operator, operand: toTree(node.argument, origin, inside) }
    case 'BinaryExpression':
      if (node.left.type === 'PrivateIdentifier' || !isBinary(node.operator)) {
        throw new ExpressionError(refusedOperator(node.operator), place.start)
      }
      return {
        ...place,
        kind: 'binary',
        operator: node.operator,
        left: toTree(node.left, origin, left),
        right: toTree(node.right, origin, inside),
      }
    case 'LogicalExpression':
      return {
        ...place,
        kind: 'logical',
        operator: node.operator,
        left: toTree(node.left, origin, left),
        right: toTree(node.right, origin, inside),
      }
    case 'ConditionalExpression':
      return {
        ...place,
        kind: 'conditional',
        test: toTree(node.test, origin, inside),
        whenTrue: toTree(node.consequent, origin, inside),
        // `a ? 1 : b ? 2 : 3` reads as a chain, not as nesting.
        whenFalse: toTree(node.alternate, origin, left),
      }
    case 'ArrowFunctionExpression':
      throw new ExpressionError(
        'An arrow function stands only as the argument of a function such as map, filter or sortBy.',
        place.start,
      )
    default:
      throw new ExpressionError(refusedSyntax(node.type), place.start)
  }
}

function nameTree(name: string, place: Place, origin: Origin): Tree {
  const placeholder = origin.placeholders.get(place.start)
  if (placeholder !== undefined) {
    origin.placeholders.delete(place.start)
    return placeholder
  }
  // Data has no `undefined`: what is missing is null.
  if (name === 'undefined') return { ...place, kind: 'constant', value: null }
  return { ...place, kind: 'name', name: checkedName(name, place, origin) }
}

function toItem(node: AnyNode, origin: Origin, depth: Depth): Tree | Spread {
  if (node.type !== 'SpreadElement') return toTree(node, origin, depth)
  return { ...placeOf(node, origin), kind: 'spread', value: toTree(node.argument, origin, deeper(depth)) }
}

function objectEntries(node: ObjectExpression, origin: Origin, depth: Depth): (ObjectEntry | Spread)[] {
  return node.properties.map((property) => {
    const place = placeOf(property, origin)
    if (property.type === 'SpreadElement') {
      return { ...place, kind: 'spread', value: toTree(property.argument, origin, depth) }
    }
    if (property.kind !== 'init' || property.method) {
      throw new ExpressionError('Getters, setters and methods are not available in expressions.', place.start)
    }
    const key = property.computed ? toTree(property.key, origin, depth) : staticKey(property.key, origin)
    return { ...place, kind: 'entry', key, value: toTree(property.value, origin, depth) }
  })
}

function memberTree(node: MemberExpression, origin: Origin, left: Depth, inside: Depth): Tree {
  const place = placeOf(node, origin)
  const object = toTree(node.object, origin, left)
  if (!node.computed) {
    return { ...place, kind: 'member', object, key: staticKey(node.property, origin), optional: node.optional }
  }
  const key = toTree(node.property, origin, inside)
  const staticName = key.kind === 'constant' && typeof key.value === 'string' ? key.value : null
  return {
    ...place,
    kind: 'member',
    object,
    key: staticName === null ? key : checkedName(staticName, key, origin),
    optional: node.optional,
  }
}

function callTree(node: CallExpression, origin: Origin, left: Depth, inside: Depth): Tree {
  const place = placeOf(node, origin)
  const { callee } = node
  if (node.optional) {
    throw new ExpressionError('Write the call without the ?. before its parenthesis.', place.start)
  }
  const args = node.arguments.map((argument): Argument => {
    return argument.type === 'ArrowFunctionExpression'
      ? parseArrow(argument, origin, inside, toTree)
      : toItem(argument, origin, inside)
  })
  if (callee.type === 'Identifier') {
    return { ...place, kind: 'call', name: checkedName(callee.name, placeOf(callee, origin), origin), arguments: args }
  }
  if (callee.type !== 'MemberExpression') {
    throw new ExpressionError('Only the listed functions and methods can be called.', place.start)
  }
  if (callee.computed) {
    throw new ExpressionError('Call a method by its name, as in list.map(item => item.name).', place.start)
  }
  return {
    ...place,
    kind: 'method',
    object: toTree(callee.object, origin, left),
    name: staticKey(callee.property, origin),
    namePlace: placeOf(callee.property, origin),
    optional: callee.optional,
    arguments: args,
  }
}

function isUnary(operator: string): operator is UnaryOperator {
  return UNARY_OPERATORS.has(operator)
}

function isBinary(operator: string): operator is BinaryOperator {
  return BINARY_OPERATORS.has(operator)
}
