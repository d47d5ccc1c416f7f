import { StreamstackError } from '@streamstack/protocol'
import type { Value } from '@streamstack/protocol'
import { ArgumentError } from '../../expression/index.ts'
import { columnCodecs, isMisfit } from '../column-type.ts'
import type { StoredValue } from '../column-type.ts'
import type { ColumnDeclaration, TableDeclaration } from '../declaration.ts'
import type { Filter, Operator } from '../filter.ts'
import { requireColumn } from '../require-column.ts'
import type { Dialect } from './dialect.ts'

/** Patterns longer than this are refused. */
const PATTERN_LENGTH_MAX = 1000

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
  if (filter.kind === 'not') return `((${compileFilter(build, filter.filter)}) IS NOT TRUE)`
  if (filter.kind === 'compare') {
    build.comparisons += 1
    return compileComparison(build, filter)
  }
  if (filter.filters.length === 0) return filter.kind === 'all' ? '1=1' : '1=0'
  const parts = filter.filters.map((inner) => compileFilter(build, inner))
  return `(${parts.join(filter.kind === 'all' ? ' AND ' : ' OR ')})`
}

function compileComparison(build: SqlBuild, { column: name, operator, value }: Filter & { kind: 'compare' }): string {
  const column = requireColumn(build.table, name, 'The filter')
  const quoted = build.dialect.quote(name)
  if (operator === 'is_null') return `${quoted} IS ${value === true ? '' : 'NOT '}NULL`
  const parameter = (one: Value): string => bindParameter(build, column, operandOf(build.table, column, one))
  const list: readonly Value[] = Array.isArray(value) ? value : []
  if (operator === 'in') return compileList(quoted, list, parameter)
  if (operator === 'not_in') return `((${compileList(quoted, list, parameter)}) IS NOT TRUE)`
  if (operator === 'between') return compileBetween(build, quoted, list, parameter)
  if (value === null)
    return operator === 'eq' ? `${quoted} IS NULL` : operator === 'neq' ? `${quoted} IS NOT NULL` : '1=0'
  if (operator === 'eq') return `${quoted}=${parameter(value)}`
  if (operator === 'neq') return build.dialect.distinct(quoted, parameter(value))
  const sign = signs.get(operator)
  return sign === undefined ? compileText(build, column, operator, value) : `${quoted}${sign}${parameter(value)}`
}

const signs: ReadonlyMap<Operator, string> = new Map<Operator, string>([
  ['gt', '>'],
  ['gte', '>='],
  ['lt', '<'],
  ['lte', '<='],
])

function compileBetween(
  build: SqlBuild,
  quoted: string,
  [low = null, high = null]: readonly Value[],
  parameter: (value: Value) => string,
): string {
  if (low === null || high === null) return '1=0'
  // Both ends of the range count where the planner tells what an index serves.
  build.comparisons += 1
  return `${quoted} BETWEEN ${parameter(low)} AND ${parameter(high)}`
}

function compileText(build: SqlBuild, column: ColumnDeclaration, operator: Operator, value: Value): string {
  const { dialect, table } = build
  if (column.type !== 'text' && column.type !== 'uuid') {
    throw invalid(table, column, `is ${columnCodecs[column.type].expects}, and "${operator}" looks into text`)
  }
  if (typeof value !== 'string') throw unfit(table, column, `needs text behind "${operator}"`)
  if (value.length > PATTERN_LENGTH_MAX) {
    throw unfit(table, column, `takes at most ${PATTERN_LENGTH_MAX} characters behind "${operator}"`)
  }
  // No text in a table holds U+0000, and databases would end the pattern there.
  const pattern = value.toWellFormed().replaceAll('\0', '\uFFFD')
  const quoted = dialect.quote(column.name)
  const place = (): string => bindParameter(build, column, pattern)
  if (operator === 'contains') return dialect.contains(quoted, place())
  if (operator === 'ends_with') return dialect.endsWith(quoted, place)
  if (operator === 'starts_with') {
    // An index serves the start of the range and not its end, so it never serves the whole.
    build.comparisons += 1
    return dialect.startsWith(quoted, place)
  }
  return operator === 'ilike' ? dialect.ilike(quoted, place()) : dialect.like(quoted, place())
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
  if (isMisfit(stored)) {
    const problem = `is compared with a value that does not fit: it ${stored.misfit}`
    throw invalid(table, column, problem, OF_CALLER)
  }
  return stored
}

/** Values of queries come from callers, as a rule. */
const OF_CALLER = { status: 400 } as const

function invalid(
  table: TableDeclaration,
  column: ColumnDeclaration,
  problem: string,
  options: { readonly status?: number } = {},
): StreamstackError {
  return new StreamstackError('query_invalid', told(table, column, problem), options)
}

/** A value of the filter that its operator cannot use: the fault of the caller where the filter holds inputs alone. */
function unfit(table: TableDeclaration, column: ColumnDeclaration, problem: string): ArgumentError {
  return new ArgumentError('query_invalid', told(table, column, problem), { argument: 'where' })
}

function told(table: TableDeclaration, column: ColumnDeclaration, problem: string): string {
  return `The column "${column.name}" of table "${table.name}" ${problem}.`
}
