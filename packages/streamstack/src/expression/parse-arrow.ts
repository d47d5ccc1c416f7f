import type { AnyNode, ArrowFunctionExpression, ArrayPattern, ObjectPattern } from 'acorn'
import { ExpressionError } from './expression-error.ts'
import { limits } from './limits.ts'
import { checkedName, deeper, type Depth, type Origin, placeOf, staticKey } from './origin.ts'
import { refusedSyntax } from './refused-syntax.ts'
import { tooDeep } from './syntax.ts'
import type { Arrow, Pattern, Tree } from './tree.ts'

/** How the expressions inside are parsed; handed in because arrows and expressions hold one another. */
type ParseInside = (node: AnyNode, origin: Origin, depth: Depth) => Tree

/** Turns an arrow function that stands as an argument into the tree. */
export function parseArrow(node: ArrowFunctionExpression, origin: Origin, depth: Depth, inside: ParseInside): Arrow {
  const place = placeOf(node, origin)
  if (node.async) {
    throw new ExpressionError('Async functions are not available in expressions. Leave `async` out.', place.start)
  }
  if (node.body.type === 'BlockStatement') {
    throw new ExpressionError(
      'The body of an arrow function is one expression, as in item => item.name. An object goes in parentheses: item => ({ id: item.id }).',
      place.start,
    )
  }
  return {
    ...place,
    kind: 'arrow',
    parameters: node.params.map((parameter) => patternOf(parameter, origin, deeper(depth), inside)),
    body: inside(node.body, origin, deeper(depth)),
  }
}

function patternOf(
  node: AnyNode,
  origin: Origin,
  depth: Depth,
  inside: ParseInside,
  fallback: Tree | null = null,
): Pattern {
  const place = placeOf(node, origin)
  if (depth.nesting > limits.nestingMax) throw tooDeep(place.start)
  switch (node.type) {
    case 'Identifier':
      return { ...place, kind: 'name', name: checkedName(node.name, place, origin), fallback }
    case 'AssignmentPattern':
      return patternOf(node.left, origin, deeper(depth), inside, inside(node.right, origin, deeper(depth)))
    case 'ObjectPattern':
      return { ...place, kind: 'object', fallback, ...objectPattern(node, origin, depth, inside) }
    case 'ArrayPattern':
      return { ...place, kind: 'list', fallback, ...listPattern(node, origin, depth, inside) }
    case 'RestElement':
      throw new ExpressionError('An arrow function takes named parameters, without `...`.', place.start)
    default:
      throw new ExpressionError(refusedSyntax(node.type), place.start)
  }
}

function objectPattern(node: ObjectPattern, origin: Origin, depth: Depth, inside: ParseInside): ObjectParts {
  const entries: { key: string; pattern: Pattern }[] = []
  let rest: string | null = null
  for (const property of node.properties) {
    if (property.type === 'RestElement') {
      rest = restName(property.argument, origin)
    } else if (property.computed) {
      throw new ExpressionError('Name the property in the pattern outright.', placeOf(property, origin).start)
    } else {
      entries.push({
        key: staticKey(property.key, origin),
        pattern: patternOf(property.value, origin, deeper(depth), inside),
      })
    }
  }
  return { entries, rest }
}

function listPattern(node: ArrayPattern, origin: Origin, depth: Depth, inside: ParseInside): ListParts {
  const items: (Pattern | null)[] = []
  let rest: string | null = null
  for (const element of node.elements) {
    if (element?.type === 'RestElement') rest = restName(element.argument, origin)
    else items.push(element === null ? null : patternOf(element, origin, deeper(depth), inside))
  }
  return { items, rest }
}

function restName(node: AnyNode, origin: Origin): string {
  const place = placeOf(node, origin)
  if (node.type !== 'Identifier') throw new ExpressionError('Write one name after `...`.', place.start)
  return checkedName(node.name, place, origin)
}

type ObjectParts = Pick<Extract<Pattern, { kind: 'object' }>, 'entries' | 'rest'>
type ListParts = Pick<Extract<Pattern, { kind: 'list' }>, 'items' | 'rest'>
