import { StreamstackError } from '@streamstack/protocol'
import { ArgumentError } from '../expression/index.ts'
import type { Value } from '@streamstack/protocol'
import { didYouMean, didYouMeanOr } from '../text/did-you-mean.ts'
import { checkOperand, fillTemplate, FILTER_SIZE_MAX, OPERATOR_NAMES } from './filter.ts'
import type { Filter, FilterTemplate, Hole, Operand, Operator, WhereTemplate } from './filter.ts'
import { whereFromText } from './where-text.ts'

const DEPTH_MAX = 32

/** Other spellings of the operators. */
const operatorAliases: ReadonlyMap<string, Operator> = new Map<string, Operator>([
  ['=', 'eq'],
  ['==', 'eq'],
  ['===', 'eq'],
  ['equals', 'eq'],
  ['ne', 'neq'],
  ['!=', 'neq'],
  ['!==', 'neq'],
  ['>', 'gt'],
  ['>=', 'gte'],
  ['ge', 'gte'],
  ['<', 'lt'],
  ['<=', 'lte'],
  ['le', 'lte'],
  ['nin', 'not_in'],
])

/**
 * Reads a filter written as a value of a definition: an object such as
 * `{ origin: 'JFK', delay: { gt: 10, lte: '{{max}}' }, or: [{…}, {…}], not: {…} }`, whose parts must all hold; text as
 * `whereFromText` takes it; null for every record. A list as a column's value means one of them. `ignore_null: true`
 * beside an operator drops the comparison when its value is null or empty text. Strings with `{{ }}` are holes.
 * Throws `query_invalid`.
 */
export function whereFromValue(value: Value): WhereTemplate {
  return new WhereReader(true).whole(value)
}

/**
 * Reads a filter that a run has made: the same forms, in which `{{ }}` is plain text and no hole, for a value that came
 * from a caller is never a template.
 */
export function filterFromValue(value: Value): Filter | null {
  if (typeof value === 'string') return fill(whereFromText(value, false).template)
  return fill(new WhereReader(false).whole(value).template)
}

/** Puts the values of the holes, in their order, into a filter; null asks for every record. Throws `query_invalid`. */
export function fillHoles(where: WhereTemplate, values: readonly Value[]): Filter | null {
  return where.template === null ? null : fillTemplate(where.template, values, filterFromValue)
}

function fill(template: FilterTemplate | null): Filter | null {
  return template === null ? null : fillTemplate(template, [], () => null)
}

class WhereReader {
  readonly #holes: Hole[] = []
  readonly #holesAllowed: boolean
  #size = 0

  constructor(holesAllowed: boolean) {
    this.#holesAllowed = holesAllowed
  }

  whole(value: Value): WhereTemplate {
    if (value === null) return { template: null, holes: [] }
    if (typeof value === 'string') return whereFromText(value, this.#holesAllowed)
    const template = this.#group(value, [])
    return { template, holes: this.#holes }
  }

  #group(value: Value, path: readonly (string | number)[]): FilterTemplate {
    if (path.length > DEPTH_MAX) throw invalid(path, `may be nested at most ${DEPTH_MAX} levels deep`)
    if (Array.isArray(value)) {
      return { kind: 'all', filters: value.map((part: Value, index) => this.#group(part, [...path, index])) }
    }
    if (typeof value === 'string') return this.#textGroup(value, path)
    if (typeof value !== 'object' || value === null) throw invalid(path, 'must be an object of column and value')
    const filters = Object.entries(value).map(([key, part]) => this.#entry(key, part, [...path, key]))
    return filters.length === 1 ? filters[0]! : { kind: 'all', filters }
  }

  /** Text inside an object, as in `or: ["delay > 10", …]`; its holes take their place among the others. */
  #textGroup(text: string, path: readonly (string | number)[]): FilterTemplate {
    const inner = whereFromText(text, this.#holesAllowed)
    if (inner.template === null) throw invalid(path, 'must not be empty text')
    const first = this.#holes.length
    this.#holes.push(...inner.holes.map((hole) => ({ ...hole, path })))
    return shiftHoles(inner.template, first)
  }

  #entry(key: string, value: Value, path: readonly (string | number)[]): FilterTemplate {
    const word = key.toLowerCase()
    if (word === 'and' || word === 'or') {
      if (!Array.isArray(value)) throw invalid(path, 'must be a list of filters')
      const filters = value.map((part: Value, index) => this.#group(part, [...path, index]))
      return { kind: word === 'and' ? 'all' : 'any', filters }
    }
    if (word === 'not') return { kind: 'not', filter: this.#group(value, path) }
    if (Array.isArray(value)) return this.#compare(key, 'in', value, false, path)
    if (typeof value === 'object' && value !== null) {
      const optional = 'ignore_null' in value && value['ignore_null'] === true
      const filters = Object.entries(value)
        .filter(([operator]) => operator !== 'ignore_null')
        .map(([operator, operand]) =>
          this.#compare(key, operatorOf(operator, path), operand, optional, [...path, operator]),
        )
      if (filters.length === 0) throw invalid(path, `must hold an operator: ${OPERATOR_NAMES.join(', ')}`)
      return filters.length === 1 ? filters[0]! : { kind: 'all', filters }
    }
    return this.#compare(key, 'eq', value, false, path)
  }

  #compare(
    column: string,
    operator: Operator,
    value: Value,
    optional: boolean,
    path: readonly (string | number)[],
  ): FilterTemplate {
    this.#size += 1
    if (this.#size > FILTER_SIZE_MAX) throw invalid(path, `may hold at most ${FILTER_SIZE_MAX} comparisons`)
    const operand = this.#operand(value, path)
    if (operand.kind === 'constant') checkOperand(column, operator, operand.value)
    return { kind: 'compare', column, operator, operand, optional }
  }

  #operand(value: Value, path: readonly (string | number)[]): Operand {
    if (this.#holesAllowed && typeof value === 'string' && value.includes('{{')) {
      this.#holes.push({ source: value, offset: 0, path })
      return { kind: 'hole', hole: this.#holes.length - 1 }
    }
    if (Array.isArray(value)) {
      const items = value.map((item: Value, index) => this.#operand(item, [...path, index]))
      if (items.some((item) => item.kind !== 'constant')) return { kind: 'list', items }
    }
    return { kind: 'constant', value }
  }
}

function shiftHoles(template: FilterTemplate, by: number): FilterTemplate {
  switch (template.kind) {
    case 'hole':
      return { kind: 'hole', hole: template.hole + by }
    case 'not':
      return { kind: 'not', filter: shiftHoles(template.filter, by) }
    case 'compare':
      return { ...template, operand: shiftOperand(template.operand, by) }
    default:
      return { kind: template.kind, filters: template.filters.map((filter) => shiftHoles(filter, by)) }
  }
}

function shiftOperand(operand: Operand, by: number): Operand {
  if (operand.kind === 'hole') return { kind: 'hole', hole: operand.hole + by }
  return operand.kind === 'list'
    ? { kind: 'list', items: operand.items.map((item) => shiftOperand(item, by)) }
    : operand
}

function operatorOf(name: string, path: readonly (string | number)[]): Operator {
  const operator = name.toLowerCase()
  const known = OPERATOR_NAMES.find((one) => one === operator) ?? operatorAliases.get(operator)
  if (known !== undefined) return known
  if (name.endsWith('?')) {
    const plain = name.slice(0, -1)
    throw invalid(path, `has no operator "${name}"; write "${plain}" and, beside it, \`ignore_null: true\``)
  }
  const near = didYouMean(name, OPERATOR_NAMES)
  throw invalid(path, `has no operator "${name}"`, didYouMeanOr(near, `Use one of: ${OPERATOR_NAMES.join(', ')}.`))
}

function invalid(path: readonly (string | number)[], must: string, cure: string | null = null): StreamstackError {
  const place = path.length === 0 ? 'The filter' : `The filter at ${path.join('.')}`
  return new ArgumentError('query_invalid', `${place} ${must}.${cure === null ? '' : ` ${cure}`}`, {
    argument: 'where',
  })
}
