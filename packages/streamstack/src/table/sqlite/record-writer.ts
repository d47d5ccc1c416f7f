import { setTimeout as sleep } from 'node:timers/promises'
import type { DatabaseSync } from 'node:sqlite'
import { StreamstackError, type Value } from '@streamstack/protocol'
import { isBusy } from '../../storage/index.ts'
import type { StoredValue } from '../column-type.ts'
import { type TableDeclaration, shownColumns } from '../declaration.ts'
import type { Filter } from '../filter.ts'
import type { Row } from '../query.ts'
import type { RecordInput } from '../query.ts'
import { storedChanges, storedRecord } from '../stored-record.ts'
import { compileCount, compileRemove } from '../sql/compile-page.ts'
import type { Cells, Connection, StatementCache } from './connection.ts'
import { quoteName, sqliteDialect } from './dialect.ts'
import { storageError } from './errors.ts'
import { appendRows } from './page-reader.ts'
import type { TextWork } from './text-functions.ts'
import { isWide } from './wide-columns.ts'
import type { WideColumns } from './wide-columns.ts'

/** How much text a filter of records that are written looks through: some ten milliseconds. */
const TEXT_STEPS_MAX = 10_000_000

/** How long a write waits for another writer, such as an import, before it fails. */
const BUSY_WAIT_MS_MAX = 30_000

/** Adds, edits and deletes records. */
export class RecordWriter {
  readonly #database: DatabaseSync
  readonly #textWork: TextWork
  readonly #wide: WideColumns
  readonly #statements: StatementCache

  constructor({ database, textWork, wide }: Connection, statements: StatementCache) {
    this.#database = database
    this.#textWork = textWork
    this.#wide = wide
    this.#statements = statements
  }

  add(table: TableDeclaration, record: RecordInput, allowed: Filter | null): Row | Promise<Row> {
    const stored = storedRecord(table, record)
    if (allowed !== null || stored.some(isWide)) {
      return this.#attempt(table, () => this.#transaction(() => this.#insertAll(table, [stored], allowed)[0]!))
    }
    return this.#attempt(table, () => this.#insert(table, stored))
  }

  addMany(
    table: TableDeclaration,
    records: readonly RecordInput[],
    allowed: Filter | null,
  ): readonly Row[] | Promise<readonly Row[]> {
    const stored = records.map((record) => storedRecord(table, record))
    return this.#attempt(table, () => this.#transaction(() => this.#insertAll(table, stored, allowed)))
  }

  /** The record after its change, or null when its key is gone. */
  edit(
    table: TableDeclaration,
    key: StoredValue,
    changes: RecordInput,
    allowed: Filter | null,
  ): Row | null | Promise<Row | null> {
    const stored = storedChanges(table, changes)
    const primary = table.columns.find((column) => column.primary)!
    // A change of nothing still gives the record back.
    const sets = stored.length === 0 ? [{ column: primary, value: key }] : stored
    const assigned = sets.map(({ column }) => `${quoteName(column.name)}=?`).join(',')
    const sql = `UPDATE ${quoteName(table.name)} SET ${assigned} WHERE ${quoteName(table.primaryKey)}=?`
    const parameters = [
      ...sets.map(({ column, value }) => sqliteDialect.bind(column, value)),
      sqliteDialect.bind(primary, key),
    ]
    const update = (): Row | null =>
      this.#rowOf(table, this.#statements.prepare(sql + this.#returning(table)).statement.all(...parameters))
    if (allowed === null && !sets.some(({ value }) => isWide(value))) return this.#attempt(table, update)
    return this.#attempt(table, () =>
      this.#transaction(() => {
        if (allowed !== null && !this.#fits(table, typeof key === 'bigint' ? String(key) : key, allowed)) return null
        this.#wide.note(
          table,
          sets.map(({ column, value }) => [column, value]),
        )
        const row = update()
        if (allowed !== null && row !== null && !this.#fits(table, keyOf(table, row), allowed)) throw notAllowed(table)
        return row
      }),
    )
  }

  remove(table: TableDeclaration, key: StoredValue): boolean | Promise<boolean> {
    const primary = table.columns.find((column) => column.primary)!
    const sql = `DELETE FROM ${quoteName(table.name)} WHERE ${quoteName(table.primaryKey)}=?`
    return this.#attempt(
      table,
      () => this.#statements.prepare(sql).statement.run(sqliteDialect.bind(primary, key)).changes !== 0,
    )
  }

  removeMany(table: TableDeclaration, where: Filter, limit: number): number | Promise<number> {
    const statement = compileRemove(sqliteDialect, table, where)
    this.#textWork.steps = TEXT_STEPS_MAX
    return this.#attempt(table, () =>
      Number(this.#statements.prepare(statement.sql).statement.run(...statement.parameters, limit).changes),
    )
  }

  #transaction<T>(write: () => T): T {
    this.#database.exec('BEGIN IMMEDIATE')
    try {
      const result = write()
      this.#database.exec('COMMIT')
      return result
    } finally {
      if (this.#database.isTransaction) {
        this.#database.exec('ROLLBACK')
        this.#wide.forget()
      }
    }
  }

  /** Columns become wide before the first record goes in, so that all records come back alike. */
  #insertAll(
    table: TableDeclaration,
    records: readonly (readonly (StoredValue | undefined)[])[],
    allowed: Filter | null,
  ): readonly Row[] {
    for (const stored of records) {
      if (stored.some(isWide))
        this.#wide.note(
          table,
          table.columns.map((column, at) => [column, stored[at]]),
        )
    }
    return records.map((stored) => {
      const row = this.#insert(table, stored)
      if (allowed !== null && !this.#fits(table, keyOf(table, row), allowed)) throw notAllowed(table)
      return row
    })
  }

  /** Whether the record of a key fits a filter, as it is now in this transaction. */
  #fits(table: TableDeclaration, key: Value, allowed: Filter): boolean {
    const ofKey: Filter = { kind: 'compare', column: table.primaryKey, operator: 'eq', value: key }
    const { sql, parameters } = compileCount(sqliteDialect, table, {
      where: { kind: 'all', filters: [ofKey, allowed] },
    })
    this.#textWork.steps = TEXT_STEPS_MAX
    const [cells] = this.#statements.prepare(sql).statement.all(...parameters)
    return Number(cells?.[0]) > 0
  }

  #insert(table: TableDeclaration, stored: readonly (StoredValue | undefined)[]): Row {
    const given = table.columns.flatMap((column, at) =>
      stored[at] === undefined ? [] : [{ column, value: stored[at] }],
    )
    const columns = given.map(({ column }) => quoteName(column.name)).join(',')
    const values = given.length === 0 ? 'DEFAULT VALUES' : `(${columns}) VALUES (${given.map(() => '?').join(',')})`
    const { statement } = this.#statements.prepare(
      `INSERT INTO ${quoteName(table.name)} ${values}${this.#returning(table)}`,
    )
    return this.#rowOf(table, statement.all(...given.map(({ value }) => value)))!
  }

  /**
   * The record that a statement gave back. Statements that write are asked for all their rows: `get` takes the first before SQLite
   * commits, and says nothing when the commit then fails, as on a full disk.
   */
  #rowOf(table: TableDeclaration, cells: readonly Cells[]): Row | null {
    const rows: Row[] = []
    appendRows(rows, shownColumns(table), cells.slice(0, 1))
    return rows[0] ?? null
  }

  /** Writes at once; while another process writes, tries again without holding up the thread. */
  #attempt<T>(table: TableDeclaration, write: () => T): T | Promise<T> {
    try {
      return write()
    } catch (error) {
      if (isBusy(error)) return this.#retry(table, write)
      throw storageError(error, table)
    }
  }

  async #retry<T>(table: TableDeclaration, write: () => T): Promise<T> {
    const start = performance.now()
    for (let delayMs = 5; ; delayMs = Math.min(delayMs * 2, 100)) {
      await sleep(delayMs)
      try {
        return write()
      } catch (error) {
        if (!isBusy(error) || performance.now() - start > BUSY_WAIT_MS_MAX) throw storageError(error, table)
      }
    }
  }

  #returning(table: TableDeclaration): string {
    const wide = this.#wide.of(table)
    const columns = shownColumns(table).map((column) =>
      sqliteDialect.readable(column, quoteName(column.name), wide, false),
    )
    return ` RETURNING ${columns.join(',')}`
  }
}

function keyOf(table: TableDeclaration, row: Row): Value {
  return row[table.primaryKey] ?? null
}

function notAllowed(table: TableDeclaration): StreamstackError {
  return new StreamstackError(
    'forbidden',
    `The rules of table "${table.name}" do not allow this record: \`allow\` in tables/${table.name}.yaml.`,
  )
}
