import type { Value } from '@streamstack/protocol'
import { didYouMean, didYouMeanOr } from '../text/did-you-mean.ts'
import { parseDurationMs } from './duration.ts'
import type { IssueList } from './issue-list.ts'
import { kindOf, quote } from './tree.ts'
import type { ParameterShape, TreeNode } from './types.ts'

/** Whether a text can be the name of a variable: as in JavaScript, letters of any script, digits, `_` and `$`. */
export function isVariableName(text: string): boolean {
  return /^[\p{L}_$][\p{L}\p{N}_$]*$/u.test(text)
}

/** Whether a text holds an expression, so that its value is known only at run time. */
export function hasExpression(value: Value): boolean {
  return typeof value === 'string' && value.includes('{{')
}

/**
 * Checks a written parameter against its shape, as far as its value is known when the definition loads. `place` begins
 * every message ("`limit` of Get Records"). Gives the node to keep (numbers and booleans written as text are converted),
 * or null when it counts as absent.
 */
export function checkParameter(place: string, shape: ParameterShape, node: TreeNode, list: IssueList): TreeNode | null {
  const { value } = node
  const fault = (message: string): null => {
    list.error(node.position, `${place} ${message}`)
    return null
  }
  switch (shape.kind) {
    case 'condition':
      if (typeof value === 'boolean') return node
      if (typeof value !== 'string' || value.trim() === '') {
        return fault(`must be a condition such as "{{count}} > 3", or true or false; it is ${kindOf(value)}.`)
      }
      return node
    case 'assignments': {
      if (node.entries === undefined) {
        return fault(`must be an object of variable name and value; it is ${kindOf(value)}.`)
      }
      let good = true
      for (const entry of node.entries) {
        if (isVariableName(entry.key)) continue
        good = false
        list.error(
          entry.keyPosition,
          `${quote(entry.key)} is no variable name; use letters, digits and _, no leading digit.`,
        )
      }
      return good ? node : null
    }
    case 'variable':
      if (typeof value === 'string' && isVariableName(value)) return node
      if (hasExpression(value)) return fault(`is the name of a variable, without {{ }}; it is ${quote(value)}.`)
      return fault(`must be the name of a variable (letters, digits and _, no leading digit); it is ${quote(value)}.`)
    case 'where':
      if (value === null) return null
      if (node.entries !== undefined || (typeof value === 'string' && value.trim() !== '')) return node
      return fault(`must be an object of columns and values, or text such as "delay > 10"; it is ${kindOf(value)}.`)
    case 'literal':
      if (hasExpression(value)) return fault('is read when the definition loads; {{ }} does not work here.')
      return checkType(node, shape, fault)
    default:
      return hasExpression(value) ? node : checkType(node, shape, fault)
  }
}

function checkType(node: TreeNode, shape: ParameterShape, fault: (message: string) => null): TreeNode | null {
  const { value, position } = node
  const type = shape.type ?? 'any'
  // `order: null` says the same as no `order`; for `any`, null is a value like others.
  if (value === null && type !== 'any' && shape.required !== true) return null
  if (shape.values !== undefined && !shape.values.some((allowed) => allowed === value)) {
    const suggestion = typeof value === 'string' ? didYouMean(value, shape.values) : null
    const cure = didYouMeanOr(suggestion, `Use one of ${shape.values.join(', ')}.`)
    return fault(`cannot be ${quote(value)}. ${cure}`)
  }
  switch (type) {
    case 'any':
      return node
    case 'text':
      return typeof value === 'object' ? fault(`must be text; it is ${kindOf(value)}.`) : node
    case 'integer':
    case 'number': {
      const number = typeof value === 'string' ? numberOf(value) : value
      const words = type === 'integer' ? 'a whole number' : 'a number'
      if (typeof number !== 'number' || (type === 'integer' && !Number.isSafeInteger(number))) {
        return fault(`must be ${words}; it is ${quote(value)}.`)
      }
      return { value: number, position }
    }
    case 'duration':
      if (parseDurationMs(value) !== null) return node
      return fault(`must be a duration such as 500ms or 3s, or a number of milliseconds; it is ${quote(value)}.`)
    case 'boolean':
      if (typeof value === 'boolean') return node
      if (value === 'true' || value === 'false') return { value: value === 'true', position }
      return fault(`must be true or false; it is ${quote(value)}.`)
    case 'list':
      return node.items === undefined ? fault(`must be a list; it is ${quote(value)}.`) : node
    default:
      return node.entries === undefined ? fault(`must be an object; it is ${quote(value)}.`) : node
  }
}

/** A number written as text, or null. */
export function numberOf(text: string): number | null {
  return /^\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?\s*$/i.test(text) ? Number(text) : null
}
