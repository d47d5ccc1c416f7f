import { ArgumentError } from '../expression/index.ts'
import type { Value } from '@streamstack/protocol'

/**
 * How a column is compared. Every comparison is true or false, never unknown: an empty column (null) is equal to null
 * alone, and greater than, less than, like nothing. `neq`, `not_in` and `not` are the exact opposites, so they do hold
 * for empty columns, as `!==` does in JavaScript.
 */
export const operators = {
  eq: 'equal to',
  neq: 'not equal to',
  gt: 'greater than',
  gte: 'greater than or equal to',
  lt: 'less than',
  lte: 'less than or equal to',
  in: 'one of a list',
  not_in: 'none of a list',
  between: 'from the first to the second of two values, both included',
  contains: 'text with this in it',
  starts_with: 'text that starts so',
  ends_with: 'text that ends so',
  like: 'text of this pattern: % any characters, _ one character, \\ before either for itself',
  ilike: 'as like, upper and lower case alike',
  is_null: 'empty (true) or not empty (false)',
} as const

export type Operator = keyof typeof operators

export const OPERATOR_NAMES: readonly Operator[] = [
  'eq',
  'neq',
  'gt',
  'gte',
  'lt',
  'lte',
  'in',
  'not_in',
  'between',
  'contains',
  'starts_with',
  'ends_with',
  'like',
  'ilike',
  'is_null',
]

/** A question about one record, all its values known: plain data. */
export type Filter =
  | { readonly kind: 'all' | 'any'; readonly filters: readonly Filter[] }
  | { readonly kind: 'not'; readonly filter: Filter }
  | { readonly kind: 'compare'; readonly column: string; readonly operator: Operator; readonly value: Value }

/** A filter whose values are partly still to come. */
export type FilterTemplate =
  | { readonly kind: 'all' | 'any'; readonly filters: readonly FilterTemplate[] }
  | { readonly kind: 'not'; readonly filter: FilterTemplate }
  | {
      readonly kind: 'compare'
      readonly column: string
      readonly operator: Operator
      readonly operand: Operand
      /** Whether the comparison is dropped when its value is null or empty text, as for a search field left empty. */
      readonly optional: boolean
    }
  | { readonly kind: 'hole'; readonly hole: number }

/** What a column is compared with: a value, a hole by its number, or a list of these. */
export type Operand =
  | { readonly kind: 'constant'; readonly value: Value }
  | { readonly kind: 'hole'; readonly hole: number }
  | { readonly kind: 'list'; readonly items: readonly Operand[] }

/** A place in a filter where an expression stands. */
export interface Hole {
  /** A text with braces as any parameter value has it: `{{min}}`, or `{{first}} {{last}}`. Whole `{{ }}` keep their type. */
  readonly source: string
  /** Where `source` starts in a filter that is text; 0 in filters that are objects. */
  readonly offset: number
  /** For filters that are objects: keys and indexes that lead to the string. */
  readonly path: readonly (string | number)[]
}

/** A filter read from a definition. */
export interface WhereTemplate {
  /** Null: every record. */
  readonly template: FilterTemplate | null
  readonly holes: readonly Hole[]
}

/** How many values a list of `in` may have, and how many comparisons a filter. */
export const FILTER_LIST_MAX = 1000
export const FILTER_SIZE_MAX = 500

/**
 * Puts the values of the holes into a template, in the order of its holes. `readFilter` reads the value of a hole that
 * is a whole filter. A value that an operand cannot be (an object, say) is `query_invalid`: what a caller sends is
 * compared with, and never becomes an operator.
 */
export function fillTemplate(
  template: FilterTemplate,
  values: readonly Value[],
  readFilter: (value: Value) => Filter | null,
): Filter | null {
  if (template.kind === 'hole') return readFilter(values[template.hole] ?? null)
  if (template.kind === 'not') {
    const filter = fillTemplate(template.filter, values, readFilter)
    return filter === null ? null : { kind: 'not', filter }
  }
  if (template.kind === 'compare') {
    const value = operandValue(template.operand, values)
    if (template.optional && (value === null || value === '')) return null
    checkOperand(template.column, template.operator, value)
    return { kind: 'compare', column: template.column, operator: template.operator, value }
  }
  const filters: Filter[] = []
  for (const inner of template.filters) {
    const filter = fillTemplate(inner, values, readFilter)
    if (filter !== null) filters.push(filter)
  }
  // Parts fall away when their value is optional and missing; with all parts gone nothing is asked any more.
  if (filters.length === 0 && template.filters.length > 0) return null
  return filters.length === 1 ? filters[0]! : { kind: template.kind, filters }
}

function operandValue(operand: Operand, values: readonly Value[]): Value {
  if (operand.kind === 'constant') return operand.value
  if (operand.kind === 'hole') return values[operand.hole] ?? null
  return operand.items.map((item) => operandValue(item, values))
}

/** Checks that an operand has the form its operator wants; throws `query_invalid`. */
export function checkOperand(column: string, operator: Operator, value: Value): void {
  const wrong = (must: string): never => {
    throw new ArgumentError(
      'query_invalid',
      `The filter on "${column}" is wrong: the value of "${operator}" must be ${must}.`,
      { argument: 'where' },
    )
  }
  if (operator === 'in' || operator === 'not_in') {
    if (!Array.isArray(value)) return wrong('a list')
    if (value.length > FILTER_LIST_MAX) return wrong(`a list of at most ${FILTER_LIST_MAX} values`)
    if (value.some((item) => typeof item === 'object' && item !== null)) return wrong('a list of plain values')
  } else if (operator === 'between') {
    if (!Array.isArray(value) || value.length !== 2) return wrong('a list of two values')
    if (value.some((item) => typeof item === 'object' && item !== null)) return wrong('a list of two plain values')
  } else if (operator === 'is_null') {
    if (typeof value !== 'boolean') return wrong('true or false')
  } else if (typeof value === 'object' && value !== null) {
    return wrong('one plain value, not a list or an object')
  }
}

/** Every column that a template names, for checks at load. */
export function templateColumns(template: FilterTemplate | null): readonly string[] {
  if (template === null || template.kind === 'hole') return []
  if (template.kind === 'compare') return [template.column]
  if (template.kind === 'not') return templateColumns(template.filter)
  return template.filters.flatMap((filter) => [...templateColumns(filter)])
}
