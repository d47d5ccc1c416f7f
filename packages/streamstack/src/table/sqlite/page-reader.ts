import type { DatabaseSync } from 'node:sqlite'
import { ArgumentError } from '../../expression/index.ts'
import { StreamstackError } from '@streamstack/protocol'
import type { Value } from '@streamstack/protocol'
import { columnReads } from '../column-type.ts'
import type { ColumnDeclaration, TableDeclaration } from '../declaration.ts'
import type { Filter } from '../filter.ts'
import { markKeys } from '../query.ts'
import type { Page, PageMark, Query, Row } from '../query.ts'
import { PageShapes, compileCount, compilePage } from '../sql/compile-page.ts'
import type { PageShape, PageStatement } from '../sql/compile-page.ts'
import type { Cells, Connection, StatementCache } from './connection.ts'
import { quoteName, sqliteDialect } from './dialect.ts'
import type { ReaderPool } from './reader-pool.ts'
import { mayScan } from './scan.ts'
import { TextWorkExceeded } from './text-functions.ts'
import type { TextWork } from './text-functions.ts'
import type { WideColumns } from './wide-columns.ts'

/** Up to this many records are read, skipped or sorted on the main thread: a few milliseconds. */
const INLINE_RECORDS_MAX = 5000
/** Counting walks an index without looking into records, many times faster. */
const INLINE_COUNT_MAX = 200_000

/** How much text a statement looks through on the main thread: some milliseconds. What takes more begins anew in a thread of its own. */
const INLINE_TEXT_STEPS_MAX = 2_000_000

export interface PageBounds {
  /** How many records one page may hold. */
  readonly recordsMax: number
  /** How much JSON text, in characters, the records of one page may make. */
  readonly pageBytesMax: number
}

/** Reads pages and counts: at once where an index leads there, in a reader thread where it may take long. */
export class PageReader {
  readonly #database: DatabaseSync
  readonly #statements: StatementCache
  readonly #pool: ReaderPool
  readonly #bounds: PageBounds
  readonly #textWork: TextWork
  readonly #shapes = new PageShapes(sqliteDialect)
  readonly #wide: WideColumns

  constructor(
    { database, textWork, wide }: Connection,
    statements: StatementCache,
    pool: ReaderPool,
    bounds: PageBounds,
  ) {
    this.#database = database
    this.#textWork = textWork
    this.#wide = wide
    this.#statements = statements
    this.#pool = pool
    this.#bounds = bounds
  }

  page(table: TableDeclaration, query: Query, as: 'rows' | 'json'): Page | Promise<Page> {
    checkNumbers(query)
    // One more than allowed tells that there are more.
    const limit = Math.min(query.limit ?? Infinity, this.#bounds.recordsMax + 1)
    const shape = this.#shapes.shape(table, query, as === 'rows' ? 'values' : 'json', this.#wide.of(table))
    const statements = compilePage(sqliteDialect, table, shape, query)
    if (limit === 0) return { rows: [], json: as === 'json' ? '[]' : '', length: 0, mark: null }
    if (!this.#isQuick(table, statements, limit + query.offset)) return this.#pageFromPool(table, query, as, limit)
    const page = this.#pageNow(shape, statements, limit, query.offset)
    if (page === 'too much text') return this.#pageFromPool(table, query, as, limit)
    if (page !== null) return this.#checked(page, table)
    // Another process has just stored the first integer beyond 2^53 of a column.
    const known = this.#wide.of(table).size
    this.#wide.forget()
    if (this.#wide.of(table).size > known) return this.page(table, query, as)
    // Another program stored the value without its type.
    return this.#pageFromPool(table, query, as, limit)
  }

  count(table: TableDeclaration, where: Filter | null): number | Promise<number> {
    const statement = compileCount(sqliteDialect, table, { where })
    const quick = this.#size(table) <= (where === null ? INLINE_COUNT_MAX : INLINE_RECORDS_MAX)
    if (quick) {
      this.#textWork.steps = INLINE_TEXT_STEPS_MAX
      try {
        return Number(this.#statements.prepare(statement.sql).statement.get(...statement.parameters)?.[0])
      } catch (error) {
        if (!(error instanceof TextWorkExceeded)) throw error
      }
    }
    return this.#pool.read({ ...noBounds, statements: [statement], count: true }, () => {}).then(({ count }) => count)
  }

  #isQuick(table: TableDeclaration, statements: readonly PageStatement[], reach: number): boolean {
    if (reach <= INLINE_RECORDS_MAX && statements.every((statement) => !this.#mayScan(statement))) return true
    return this.#size(table) <= INLINE_RECORDS_MAX
  }

  #mayScan({ sql, comparisons }: PageStatement): boolean {
    const prepared = this.#statements.prepare(sql)
    return (prepared.mayScan ??= mayScan(this.#database, sql, comparisons))
  }

  /** An upper bound of the number of records, at the price of two seeks. */
  #size(table: TableDeclaration): number {
    const name = quoteName(table.name)
    const sql = `SELECT min(ifnull((SELECT max(rowid) FROM ${name})-(SELECT min(rowid) FROM ${name})+1,0),1e9)`
    return Number(this.#statements.prepare(sql).statement.get()?.[0])
  }

  /** The statements of one page must see one state of the table, or a record that moves meanwhile would be missed. */
  #inTransaction<T>(needed: boolean, read: () => T): T {
    if (!needed) return read()
    this.#statements.prepare('BEGIN').statement.run()
    try {
      return read()
    } finally {
      this.#statements.prepare('COMMIT').statement.run()
    }
  }

  #all({ sql, parameters, hasOffset }: PageStatement, limit: number, offset: number): readonly Cells[] {
    const { statement } = this.#statements.prepare(sql)
    return hasOffset ? statement.all(...parameters, limit, offset) : statement.all(...parameters, limit)
  }

  /** Null when more columns hold integers beyond 2^53 than the shape knows. */
  #pageNow(
    shape: PageShape,
    statements: readonly PageStatement[],
    limit: number,
    offset: number,
  ): Page | null | 'too much text' {
    this.#textWork.steps = INLINE_TEXT_STEPS_MAX
    try {
      return this.#inTransaction(statements.length > 1, () =>
        shape.output === 'values'
          ? this.#rowsPage(shape, statements, limit, offset)
          : this.#jsonPage(shape, statements, limit, offset),
      )
    } catch (error) {
      // What node:sqlite throws for an integer that a number cannot hold.
      if (error instanceof RangeError && 'code' in error && error.code === 'ERR_OUT_OF_RANGE') return null
      if (error instanceof TextWorkExceeded) return 'too much text'
      throw error
    }
  }

  #rowsPage(shape: PageShape, statements: readonly PageStatement[], limit: number, offset: number): Page {
    const rows: Row[] = []
    let last: Cells | undefined
    for (const statement of statements) {
      const cells = this.#all(statement, limit - rows.length, offset)
      appendRows(rows, shape.columns, cells)
      last = cells.at(-1) ?? last
      if (rows.length >= limit) break
    }
    return { rows, json: '', length: rows.length, mark: markOf(shape, last) }
  }

  #jsonPage(shape: PageShape, statements: readonly PageStatement[], limit: number, offset: number): Page | null {
    let texts = ''
    let length = 0
    let last: Cells | undefined
    for (const statement of statements) {
      const cells = this.#all(statement, limit - length, offset)
      if (shape.output === 'array') {
        // One row: the array, how many records it holds, the last key.
        const row = cells[0]!
        if (row[3] !== shape.wide.size) return null
        const json = String(row[0])
        if (statements.length === 1)
          return { rows: [], json, length: Number(row[1]), mark: row[1] === 0 ? null : markOf(shape, row) }
        if (row[1] === 0) continue
        texts += (length === 0 ? '' : ',') + json.slice(1, -1)
        length += Number(row[1])
        last = row
      } else {
        for (const row of cells) {
          texts += length === 0 ? String(row[0]) : `,${String(row[0])}`
          length += 1
        }
        last = cells.at(-1) ?? last
      }
      if (length >= limit) break
    }
    return { rows: [], json: `[${texts}]`, length, mark: markOf(shape, last) }
  }

  async #pageFromPool(table: TableDeclaration, query: Query, as: 'rows' | 'json', limit: number): Promise<Page> {
    const shape = this.#shapes.shape(table, query, 'objects', this.#wide.of(table))
    const statements = compilePage(sqliteDialect, table, shape, query)
    const texts: string[] = []
    const rows: Row[] = []
    let length = 0
    const { keys, overBytes } = await this.#pool.read(
      { statements, limit, offset: query.offset, bytesMax: this.#bounds.pageBytesMax, count: false },
      (json, slice) => {
        length += slice
        if (as === 'json') texts.push(json)
        else appendParsed(rows, JSON.parse(`[${json}]`))
      },
    )
    if (overBytes) throw tooMany(table, `more than ${Math.round(this.#bounds.pageBytesMax / 1024 / 1024)} MiB`)
    return this.#checked(
      { rows, json: as === 'json' ? `[${texts.join(',')}]` : '', length, mark: keys === null ? null : { keys } },
      table,
    )
  }

  #checked(page: Page, table: TableDeclaration): Page {
    if (page.length > this.#bounds.recordsMax) throw tooMany(table, `more than ${this.#bounds.recordsMax} records`)
    return page
  }
}

const noBounds = { limit: 0, offset: 0, bytesMax: 0 } as const

function tooMany(table: TableDeclaration, what: string): StreamstackError {
  return new StreamstackError(
    'query_invalid',
    `The query of table "${table.name}" gives ${what} at once; read it page by page, with "limit" and "offset" in a While Loop.`,
  )
}

function checkNumbers(query: Query): void {
  if (query.limit !== null && (!Number.isSafeInteger(query.limit) || query.limit < 0)) {
    throw new ArgumentError('query_invalid', 'The limit must be a whole number from 0, or null for all records.', {
      argument: 'limit',
    })
  }
  if (!Number.isSafeInteger(query.offset) || query.offset < 0) {
    throw new ArgumentError('query_invalid', 'The offset must be a whole number from 0.', { argument: 'offset' })
  }
  if (query.after !== null && query.offset > 0) {
    throw new StreamstackError('query_invalid', 'A page starts at an offset or behind a mark, not both.')
  }
}

function markOf(shape: PageShape, last: Cells | undefined): PageMark | null {
  if (last === undefined) return null
  return { keys: markKeys(shape.keyPositions.map((position) => last[position]!)) }
}

function appendParsed(rows: Row[], parsed: readonly Row[]): void {
  for (const row of parsed) rows.push(row)
}

/** Records from their cells. */
export function appendRows(rows: Row[], columns: readonly ColumnDeclaration[], cells: readonly Cells[]): void {
  const reads = columns.map((column) => columnReads[column.type])
  const names = columns.map((column) => column.name)
  for (const row of cells) {
    const record: Record<string, Value> = {}
    for (let at = 0; at < names.length; at += 1) record[names[at]!] = reads[at]!(row[at]!)
    rows.push(record)
  }
}
