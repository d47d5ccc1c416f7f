import { StreamstackError } from '@streamstack/protocol'
import type { Value } from '@streamstack/protocol'
import { columnCodecs, isMisfit } from '../column-type.ts'
import type { StoredValue } from '../column-type.ts'
import type { ColumnDeclaration, TableDeclaration } from '../declaration.ts'
import type { Filter } from '../filter.ts'
import { requireColumn } from '../require-column.ts'
import type { Dialect } from './dialect.ts'

/** Patterns longer than this are refused: matching them can take quadratic time. */
const patternLengthMax = 1000

/** SQL under construction: text and, in the order of their places, its parameters. */
export interface SqlBuild {
  readonly dialect: Dialect
  readonly table: TableDeclaration
  readonly parameters: StoredValue[]
  /** How many comparisons the filter holds; the planner is asked whether an index serves them all. */
  comparisons: number
}

/** Adds a parameter and gives its place. */
export function bindParameter(build: SqlBuild, column: ColumnDeclaration, value: StoredValue): string {
  build.parameters.push(build.dialect.bind(column, value))
  return build.dialect.placeholder(build.parameters.length)
}

/** A filter as an SQL condition that is never unknown at its top. Throws `column_unknown` and `query_invalid`. */
export function compileFilter(build: SqlBuild, filter: Filter): string {
  switch (filter.kind) {
    case 'all':
    case 'any': {
      if (filter.filters.length === 0) return filter.kind === 'all' ? '1=1' : '1=0'
      const parts = filter.filters.map((inner) => compileFilter(build, inner))
      return `(${parts.join(filter.kind === 'all' ? ' AND ' : ' OR ')})`
    }
    case 'not':
      return `((${compileFilter(build, filter.filter)}) IS NOT TRUE)`
    case 'compare':
      build.comparisons += 1
      return compileComparison(build, filter)
  }
}

function compileComparison(build: SqlBuild, { column: name, operator, value }: Filter & { kind: 'compare' }): string {
  const { dialect } = build
  const column = requireColumn(build.table, name, 'The filter')
  const quoted = dialect.quote(name)
  const parameter = (one: Value): string => bindParameter(build, column, operandOf(build.table, column, one))
  const text = (pattern: Value): StoredValue => {
    if (column.type !== 'text' && column.type !== 'uuid') {
      throw invalid(build.table, column, `is ${columnCodecs[column.type].expects}, and "${operator}" looks into text`)
    }
    if (typeof pattern !== 'string') throw invalid(build.table, column, `needs text behind "${operator}"`)
    if (pattern.length > patternLengthMax) {
      throw invalid(build.table, column, `takes at most ${patternLengthMax} characters behind "${operator}"`)
    }
    return pattern.toWellFormed().replaceAll('\0', '�')
  }
  switch (operator) {
    case 'is_null':
      return `${quoted} IS ${value === true ? '' : 'NOT '}NULL`
    case 'eq':
      return value === null ? `${quoted} IS NULL` : `${quoted}=${parameter(value)}`
    case 'neq':
      return value === null ? `${quoted} IS NOT NULL` : dialect.distinct(quoted, parameter(value))
    case 'gt':
    case 'gte':
    case 'lt':
    case 'lte':
      return value === null
        ? '1=0'
        : `${quoted}${{ gt: '>', gte: '>=', lt: '<', lte: '<=' }[operator]}${parameter(value)}`
    case 'in':
      return compileList(quoted, value as readonly Value[], parameter)
    case 'not_in':
      return `((${compileList(quoted, value as readonly Value[], parameter)}) IS NOT TRUE)`
    case 'between': {
      const [low, high] = value as readonly [Value, Value]
      if (low === null || high === null) return '1=0'
      // Both ends of the range count where the planner tells what an index serves.
      build.comparisons += 1
      return `${quoted} BETWEEN ${parameter(low)} AND ${parameter(high)}`
    }
    case 'contains':
    case 'starts_with':
    case 'ends_with':
    case 'like':
    case 'ilike': {
      if (value === null) return '1=0'
      const pattern = text(value)
      const place = (): string => bindParameter(build, column, pattern)
      if (operator === 'contains') return dialect.contains(quoted, place())
      if (operator === 'starts_with') {
        // An index serves the start of the range and not its end, so it never serves the whole.
        build.comparisons += 1
        return dialect.startsWith(quoted, place)
      }
      if (operator === 'ends_with') return dialect.endsWith(quoted, place)
      return dialect[operator](quoted, bindParameter(build, column, dialect.likePattern(String(pattern))))
    }
  }
}

function compileList(quoted: string, values: readonly Value[], parameter: (value: Value) => string): string {
  const present = values.filter((value) => value !== null)
  const list = present.length === 0 ? '1=0' : `${quoted} IN (${present.map(parameter).join(',')})`
  return present.length === values.length ? list : `(${list} OR ${quoted} IS NULL)`
}

/** Checks and converts a value that a column is compared with; throws `query_invalid`. */
export function operandOf(table: TableDeclaration, column: ColumnDeclaration, value: Value): StoredValue {
  if (column.type === 'json') throw invalid(table, column, 'is JSON, which can only be asked whether it is null')
  const stored = columnCodecs[column.type].operand(value)
  if (isMisfit(stored)) throw invalid(table, column, `is compared with a value that does not fit: it ${stored.misfit}`)
  return stored
}

function invalid(table: TableDeclaration, column: ColumnDeclaration, problem: string): StreamstackError {
  return new StreamstackError('query_invalid', `The column "${column.name}" of table "${table.name}" ${problem}.`)
}
