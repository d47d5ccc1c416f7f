import { StreamstackError } from '@streamstack/protocol'
import { ArgumentError } from '../../expression/index.ts'
import type { StoredValue } from '../column-type.ts'
import { type ColumnDeclaration, type TableDeclaration, shownColumns } from '../declaration.ts'
import { orderText, totalOrder } from '../order.ts'
import type { OrderTerm } from '../order.ts'
import type { PageMark, Query } from '../query.ts'
import { requireColumn } from '../require-column.ts'
import { bindParameter, compileFilter } from './compile-filter.ts'
import type { SqlBuild } from './compile-filter.ts'
import type { Filter } from '../filter.ts'
import type { Dialect } from './dialect.ts'

/**
 * What a statement gives:
 * - `values`: one row a record, its columns and then those order keys that are not among them;
 * - `objects`: one row a record, a JSON object and then the order keys;
 * - `array`: one row in all, a JSON array, the number of records, the last order key, and how many of the table's columns
 *   hold integers beyond 2^53. Only for orders by the primary key alone, whose last value is the greatest or the least.
 *
 * Integers of wide columns come as text. `values` and `array` read others as they are, the cheap way; `objects` looks at
 * each, as a column may become wide before it is read.
 */
export type PageOutput = 'values' | 'objects' | 'array'

/** The part of a page's SQL that does not depend on filter and place; made once for each table, order and columns. */
export interface PageShape {
  readonly output: PageOutput
  readonly wide: ReadonlySet<string>
  readonly columns: readonly ColumnDeclaration[]
  readonly keys: readonly OrderKey[]
  /** Where each key stands in a row of the result. */
  readonly keyPositions: readonly number[]
  readonly head: string
  readonly tail: string
}

interface OrderKey {
  readonly term: OrderTerm
  readonly column: ColumnDeclaration
  readonly quoted: string
}

/** One statement of a page. Its last parameters, which the caller adds, are the limit and, if it has one, the offset. */
export interface PageStatement {
  readonly sql: string
  readonly parameters: readonly StoredValue[]
  readonly hasOffset: boolean
  /** How many comparisons an index must serve so that no record is looked at in vain. */
  readonly comparisons: number
}

/** An order with more terms than this is refused. */
const ORDER_TERMS_MAX = 8

/** Makes the shapes of one dialect, and keeps them. */
export class PageShapes {
  readonly #dialect: Dialect
  readonly #shapes = new WeakMap<TableDeclaration, Map<string, PageShape>>()

  constructor(dialect: Dialect) {
    this.#dialect = dialect
  }

  /** Throws `column_unknown` and `query_invalid`. */
  shape(
    table: TableDeclaration,
    query: Query,
    as: 'values' | 'json' | 'objects',
    wide: ReadonlySet<string>,
  ): PageShape {
    let known = this.#shapes.get(table)
    if (known === undefined) this.#shapes.set(table, (known = new Map<string, PageShape>()))
    const key = shapeKey(query, wide.size === 0 ? as : `${as} ${[...wide].join()}`)
    let shape = known.get(key)
    if (shape === undefined) {
      shape = makeShape(this.#dialect, table, query, as, new Set(wide))
      // Callers may make orders at run time; forgetting all of them is cheaper than counting which are used.
      if (known.size >= 256) known.clear()
      known.set(key, shape)
    }
    return shape
  }
}

function shapeKey(query: Query, as: string): string {
  const order = query.order.length === 0 ? '' : orderText(query.order)
  return query.columns === null ? `${as} ${order}` : `${as} ${order} ${JSON.stringify(query.columns)}`
}

const ORDER = { argument: 'order' } as const

function makeShape(
  dialect: Dialect,
  table: TableDeclaration,
  query: Query,
  as: 'values' | 'json' | 'objects',
  wide: ReadonlySet<string>,
): PageShape {
  if (query.order.length > ORDER_TERMS_MAX) {
    throw new ArgumentError('query_invalid', `An order may name at most ${ORDER_TERMS_MAX} columns.`, ORDER)
  }
  const keys = totalOrder(query.order, table.primaryKey).map((term) => {
    const column = requireColumn(table, term.column, 'The order')
    if (column.type === 'json') {
      throw new ArgumentError(
        'query_invalid',
        `The order names "${column.name}", which is JSON and has no order.`,
        ORDER,
      )
    }
    if (column.private && query.columns?.includes(column.name) !== true) {
      throw new ArgumentError(
        'query_invalid',
        `The order names "${column.name}", which is private; a cursor would show its values. Name the column in \`fields\`, too, or order by another.`,
        ORDER,
      )
    }
    return { term, column, quoted: dialect.quote(column.name) }
  })
  const columns = query.columns?.map((name) => requireColumn(table, name, 'The list of columns')) ?? shownColumns(table)
  const output = as === 'json' ? (keys.length === 1 ? 'array' : 'objects') : as
  const quoted = columns.map((column) => dialect.quote(column.name))
  const read = (column: ColumnDeclaration): string =>
    dialect.readable(column, dialect.quote(column.name), wide, output === 'objects')
  const from = ` FROM ${dialect.quote(table.name)}`
  if (output === 'array') {
    const { quoted: key, column, term } = keys[0]!
    const last = dialect.readable(column, `${term.direction === 'asc' ? 'max' : 'min'}(${key})`, wide, false)
    const inner = [...new Set([...quoted, key])].join(',')
    const head = `SELECT ${dialect.jsonArray(dialect.jsonObject(columns, wide, false))},count(*),${last},${dialect.wideCount(table)} FROM (SELECT ${inner}${from}`
    return { output, wide, columns, keys, keyPositions: [2], head, tail: ')' }
  }
  if (output === 'objects') {
    const head = `SELECT ${[dialect.jsonObject(columns, wide, true), ...keys.map(({ column }) => read(column))].join(',')}${from}`
    return { output, wide, columns, keys, keyPositions: keys.map((_, index) => index + 1), head, tail: '' }
  }
  const all = [...columns]
  for (const { column } of keys) if (!all.includes(column)) all.push(column)
  const keyPositions = keys.map(({ column }) => all.indexOf(column))
  return { output, wide, columns, keys, keyPositions, head: `SELECT ${all.map(read).join(',')}${from}`, tail: '' }
}

/**
 * The statements that together, one after another until the limit is full, give a page. From a mark on they are one
 * for each order term: records equal in all terms but the last, then in all but the last two, and so on, each a seek in
 * an index where there is one. One statement with OR would read all that went before, page after page.
 */
export function compilePage(
  dialect: Dialect,
  table: TableDeclaration,
  shape: PageShape,
  query: Query,
): PageStatement[] {
  if (query.after === null) return [statement(dialect, table, shape, query, [], 0, false)]
  const { keys } = shape
  const mark = query.after.keys
  if (mark.length !== keys.length) {
    throw new StreamstackError(
      'query_invalid',
      `The mark of the page does not belong to this order of table "${table.name}".`,
    )
  }
  const statements: PageStatement[] = []
  for (let at = keys.length - 1; at >= 0; at -= 1) {
    const prefix = keys.slice(0, at).map((key, index): Condition => ({ key, sign: '=', value: mark[index]! }))
    const key = keys[at]!
    const value = mark[at]!
    const behind: Condition = { key, sign: key.term.direction === 'asc' ? '>' : '<', value }
    if (value !== null) {
      statements.push(statement(dialect, table, shape, query, [...prefix, behind], at, true))
      if (key.term.nulls === 'last' && !key.column.primary) {
        const empty: Condition = { key, sign: '=', value: null }
        statements.push(statement(dialect, table, shape, query, [...prefix, empty], at + 1, false))
      }
    } else if (key.term.nulls === 'first') {
      const present: Condition = { key, sign: '<>', value: null }
      statements.push(statement(dialect, table, shape, query, [...prefix, present], at, true))
    }
  }
  return statements
}

interface Condition {
  readonly key: OrderKey
  readonly sign: '=' | '<>' | '<' | '>'
  readonly value: PageMark['keys'][number]
}

function statement(
  dialect: Dialect,
  table: TableDeclaration,
  shape: PageShape,
  query: Query,
  conditions: readonly Condition[],
  orderFrom: number,
  firstNotNull: boolean,
): PageStatement {
  const build: SqlBuild = { dialect, table, parameters: [], comparisons: conditions.length }
  const parts = conditions.map(({ key, sign, value }) =>
    value === null
      ? `${key.quoted} IS ${sign === '<>' ? 'NOT ' : ''}NULL`
      : `${key.quoted}${sign}${bindParameter(build, key.column, value)}`,
  )
  if (query.where !== null) parts.push(compileFilter(build, query.where))
  let sql = shape.head
  if (parts.length > 0) sql += ` WHERE ${parts.join(' AND ')}`
  sql += ' ORDER BY '
  for (let at = orderFrom; at < shape.keys.length; at += 1) {
    const { term, quoted, column } = shape.keys[at]!
    const notNull = column.primary || (firstNotNull && at === orderFrom)
    sql += (at === orderFrom ? '' : ',') + dialect.orderTerm(term, quoted, notNull)
  }
  sql += ` LIMIT ${dialect.placeholder(build.parameters.length + 1)}`
  if (query.offset > 0) sql += ` OFFSET ${dialect.placeholder(build.parameters.length + 2)}`
  return {
    sql: sql + shape.tail,
    parameters: build.parameters,
    hasOffset: query.offset > 0,
    comparisons: build.comparisons,
  }
}

/** A count of the records that a filter holds for. */
export function compileCount(dialect: Dialect, table: TableDeclaration, query: Pick<Query, 'where'>): PageStatement {
  const build: SqlBuild = { dialect, table, parameters: [], comparisons: 0 }
  const where = query.where === null ? '' : ` WHERE ${compileFilter(build, query.where)}`
  const sql = `SELECT count(*) FROM ${dialect.quote(table.name)}${where}`
  return { sql, parameters: build.parameters, hasOffset: false, comparisons: build.comparisons }
}

/** Deletes records of a filter, the first by primary key; the last parameter is how many at most. */
export function compileRemove(dialect: Dialect, table: TableDeclaration, where: Filter): PageStatement {
  const build: SqlBuild = { dialect, table, parameters: [], comparisons: 0 }
  const condition = compileFilter(build, where)
  const [name, key] = [dialect.quote(table.name), dialect.quote(table.primaryKey)]
  const limit = dialect.placeholder(build.parameters.length + 1)
  const sql = `DELETE FROM ${name} WHERE ${key} IN (SELECT ${key} FROM ${name} WHERE ${condition} ORDER BY ${key} LIMIT ${limit})`
  return { sql, parameters: build.parameters, hasOffset: false, comparisons: build.comparisons }
}
