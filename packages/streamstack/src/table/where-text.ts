import { StreamstackError } from '@streamstack/protocol'
import type { Value } from '@streamstack/protocol'
import { checkOperand, FILTER_SIZE_MAX } from './filter.ts'
import type { FilterTemplate, Hole, Operand, Operator, WhereTemplate } from './filter.ts'
import { whereTokens } from './where-tokens.ts'
import type { WhereToken } from './where-tokens.ts'

const DEPTH_MAX = 32

/** The signs and words between a column and a value. */
const comparisons: ReadonlyMap<string, Operator> = new Map<string, Operator>([
  ['==', 'eq'],
  ['===', 'eq'],
  ['=', 'eq'],
  ['!=', 'neq'],
  ['!==', 'neq'],
  ['<>', 'neq'],
  ['>', 'gt'],
  ['>=', 'gte'],
  ['<', 'lt'],
  ['<=', 'lte'],
  ['like', 'like'],
  ['ilike', 'ilike'],
  ['contains', 'contains'],
  ['starts_with', 'starts_with'],
  ['ends_with', 'ends_with'],
])

/** What an operator becomes when value and column change places: `10 < delay` is `delay > 10`. */
const flipped: ReadonlyMap<Operator, Operator> = new Map<Operator, Operator>([
  ['eq', 'eq'],
  ['neq', 'neq'],
  ['gt', 'lt'],
  ['gte', 'lte'],
  ['lt', 'gt'],
  ['lte', 'gte'],
])

/**
 * Reads a filter written as text: `delay > {{min}} && origin === 'JFK'`. Understood are `== === = != !== <> > >= < <=`,
 * `in [...]`, `not in`, `between a and b`, `like`, `ilike`, `contains`, `starts_with`, `ends_with`, `is null`,
 * `is not null`, a boolean column alone, `&& AND || OR ! NOT` and parentheses. A `?` behind a sign (`origin ==? {{origin}}`)
 * or a word (`name ilike? {{q}}`) drops the comparison when its value is null or empty text. Columns with blanks stand in backticks.
 * `{{ }}` are holes, unless `holes` is false: then they are refused, as for text that comes from a caller.
 * Throws `query_invalid` with `details.offset`, the place in the text.
 */
export function whereFromText(text: string, holes = true): WhereTemplate {
  const parser = new WhereParser(text, holes)
  return { template: parser.whole(), holes: parser.holes }
}

class WhereParser {
  readonly holes: Hole[] = []
  readonly #tokens: readonly WhereToken[]
  readonly #holesAllowed: boolean
  #at = 0
  #size = 0

  constructor(text: string, holesAllowed: boolean) {
    this.#tokens = whereTokens(text)
    this.#holesAllowed = holesAllowed
  }

  whole(): FilterTemplate | null {
    if (this.#peek().kind === 'end') return null
    const template = this.#any(0)
    if (this.#peek().kind !== 'end') this.#fail('the end, "&&" or "||"', this.#cureForRest())
    return template
  }

  #any(depth: number): FilterTemplate {
    const filters = [this.#all(depth)]
    while (this.#takeWord('||', 'or')) filters.push(this.#all(depth))
    return filters.length === 1 ? filters[0]! : { kind: 'any', filters }
  }

  #all(depth: number): FilterTemplate {
    const filters = [this.#not(depth)]
    while (this.#takeWord('&&', 'and')) filters.push(this.#not(depth))
    return filters.length === 1 ? filters[0]! : { kind: 'all', filters }
  }

  #not(depth: number): FilterTemplate {
    if (depth > DEPTH_MAX) this.#fail(`at most ${DEPTH_MAX} levels of nesting`)
    if (this.#takeWord('!', 'not')) return { kind: 'not', filter: this.#not(depth + 1) }
    if (this.#takeWord('(')) {
      const inner = this.#any(depth + 1)
      this.#expect(')')
      return inner
    }
    return this.#comparison()
  }

  #comparison(): FilterTemplate {
    this.#size += 1
    if (this.#size > FILTER_SIZE_MAX) this.#fail(`at most ${FILTER_SIZE_MAX} comparisons`)
    const first = this.#peek()
    if (first.kind === 'column') {
      this.#at += 1
      return this.#afterColumn(first.text)
    }
    const value = this.#operand()
    const comparison = this.#takeComparison()
    if (comparison === null) {
      // A hole alone is a filter that is made elsewhere.
      if (value.kind === 'hole') return { kind: 'hole', hole: value.hole }
      return this.#fail(
        'a comparison such as ">" or "==="',
        ' A column whose name starts with a digit stands in backticks: `2nd_name`.',
      )
    }
    const operator = flipped.get(comparison.operator)
    const column = this.#peek()
    if (operator === undefined || column.kind !== 'column') return this.#fail('a column')
    this.#at += 1
    return this.#compare(column.text, operator, value, comparison.optional)
  }

  #afterColumn(column: string): FilterTemplate {
    if (this.#takeWord('is')) {
      const not = this.#takeWord('not')
      if (!this.#takeWord('null')) this.#fail('"null"')
      return this.#compare(column, 'is_null', { kind: 'constant', value: !not }, false)
    }
    const not = this.#takeWord('not')
    const negated = (template: FilterTemplate): FilterTemplate => (not ? { kind: 'not', filter: template } : template)
    const optional = this.#peek().text === 'in?'
    if (this.#takeWord('in', 'in?')) return this.#compare(column, not ? 'not_in' : 'in', this.#listOperand(), optional)
    if (this.#takeWord('between')) {
      const low = this.#operand()
      if (!this.#takeWord('and', '&&')) this.#fail('"and"')
      return negated(this.#compare(column, 'between', { kind: 'list', items: [low, this.#operand()] }, false))
    }
    const comparison = this.#takeComparison()
    if (comparison === null) {
      if (not) this.#fail('"in", "between" or "like"')
      return { kind: 'compare', column, operator: 'eq', operand: { kind: 'constant', value: true }, optional: false }
    }
    const right = this.#peek()
    if (right.kind === 'column') {
      this.#fail(
        'a value; columns are compared with values, not with columns (text stands in quotes, variables in {{ }})',
      )
    }
    return negated(this.#compare(column, comparison.operator, this.#operand(), comparison.optional))
  }

  #compare(column: string, operator: Operator, operand: Operand, optional: boolean): FilterTemplate {
    if (operand.kind === 'constant') checkOperand(column, operator, operand.value)
    return { kind: 'compare', column, operator, operand, optional }
  }

  #takeComparison(): { operator: Operator; optional: boolean } | null {
    const token = this.#peek()
    if (token.kind !== 'sign' && token.kind !== 'word') return null
    const optional = token.text.endsWith('?')
    const operator = comparisons.get(optional ? token.text.slice(0, -1) : token.text)
    if (operator === undefined) return null
    this.#at += 1
    return { operator, optional }
  }

  #listOperand(): Operand {
    const close = this.#takeWord('[') ? ']' : this.#takeWord('(') ? ')' : null
    if (close === null) return this.#operand()
    const items: Operand[] = []
    while (!this.#takeWord(close)) {
      if (items.length > 0) this.#expect(',')
      items.push(this.#operand())
    }
    return items.every((item) => item.kind === 'constant')
      ? { kind: 'constant', value: items.map((item) => (item.kind === 'constant' ? item.value : null)) }
      : { kind: 'list', items }
  }

  #operand(): Operand {
    const token = this.#peek()
    if (token.kind === 'value') {
      this.#at += 1
      return { kind: 'constant', value: token.value }
    }
    if (token.kind === 'hole') {
      if (!this.#holesAllowed) this.#fail('a value; {{ }} works only in definitions')
      this.#at += 1
      this.holes.push({ source: token.text, offset: token.offset, path: [] })
      return { kind: 'hole', hole: this.holes.length - 1 }
    }
    const constant: Value | undefined = token.kind === 'word' ? constants.get(token.text) : undefined
    if (constant === undefined) return this.#fail('a value, a column or {{ }}')
    this.#at += 1
    return { kind: 'constant', value: constant }
  }

  #peek(): WhereToken {
    return this.#tokens[Math.min(this.#at, this.#tokens.length - 1)]!
  }

  #takeWord(...texts: readonly string[]): boolean {
    const token = this.#peek()
    if ((token.kind !== 'sign' && token.kind !== 'word') || !texts.includes(token.text)) return false
    this.#at += 1
    return true
  }

  #expect(sign: string): void {
    if (!this.#takeWord(sign)) this.#fail(`"${sign}"`)
  }

  /** What is often meant where a comparison is over and something follows. */
  #cureForRest(): string {
    const token = this.#peek()
    const before = this.#tokens[this.#at - 1]
    if (before?.kind === 'column' && (token.kind === 'column' || token.kind === 'word'))
      return ` Put a column whose name has blanks in backticks: \`${before.text} ${token.text}\`.`
    if (before?.kind === 'column' && token.text === '(')
      return ' Filters call no functions: calculate in {{ }}, beside the comparison.'
    return ''
  }

  #fail(wanted: string, cure = ''): never {
    const token = this.#peek()
    const found = token.kind === 'end' ? 'it ends there' : `found "${token.text}"`
    throw new StreamstackError(
      'query_invalid',
      `The filter is wrong at character ${token.offset + 1}: expected ${wanted}, ${found}.${cure}`,
      {
        details: { offset: token.offset },
      },
    )
  }
}

const constants: ReadonlyMap<string, Value> = new Map<string, Value>([
  ['null', null],
  ['undefined', null],
  ['true', true],
  ['false', false],
])
