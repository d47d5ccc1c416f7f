import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { isConflict } from '../../storage/index.ts'
import type { TableDeclaration } from '../declaration.ts'
import type { LoadOptions, LoadValue, RecordLoader } from '../record-store.ts'
import { quoteName } from './dialect.ts'
import { forgetWide, noteWide } from './wide-columns.ts'
import { conflictReason, storageError } from './errors.ts'

/** SQLite takes 32,766 parameters; beyond some hundred, longer statements are no faster. */
const PARAMETERS_MAX = 600
/** How many records one statement takes at most. */
const BATCH_RECORDS_MAX = 100

/**
 * Fills a table in one transaction on a connection of its own, which it closes. Records go in many to a statement; when
 * one of them is refused, the statement is undone and its records go in one by one, so that only the guilty is rejected.
 */
export class SqliteRecordLoader implements RecordLoader {
  readonly #database: DatabaseSync
  readonly #table: TableDeclaration
  readonly #onRejected: LoadOptions['onRejected']
  readonly #batchRecords: number
  readonly #many: StatementSync
  readonly #one: StatementSync
  #values: (null | number | bigint | string)[] = []
  #tags: number[] = []
  #inserted = 0
  readonly #wide = new Set<number>()

  constructor(database: DatabaseSync, table: TableDeclaration, options: LoadOptions) {
    this.#database = database
    this.#table = table
    this.#onRejected = options.onRejected
    this.#batchRecords = Math.max(1, Math.min(BATCH_RECORDS_MAX, Math.floor(PARAMETERS_MAX / table.columns.length)))
    try {
      database.exec('BEGIN IMMEDIATE')
      if (options.replace) {
        database.exec(`DELETE FROM ${quoteName(table.name)}`)
        forgetWide(database, table)
      }
      this.#many = database.prepare(this.#insert(this.#batchRecords))
      this.#one = database.prepare(this.#insert(1))
    } catch (error) {
      database.close()
      throw storageError(error, table)
    }
  }

  add(values: readonly LoadValue[], tag: number): void {
    // NULL as an integer primary key is what lets SQLite count it up.
    for (let at = 0; at < values.length; at += 1) {
      const value = values[at]
      if (typeof value === 'bigint' && !this.#wide.has(at)) this.#markWide(at)
      this.#values.push(value === undefined ? null : value)
    }
    this.#tags.push(tag)
    if (this.#tags.length === this.#batchRecords) this.flush()
  }

  flush(): void {
    const values = this.#values
    const tags = this.#tags
    if (tags.length === 0) return
    this.#values = []
    this.#tags = []
    try {
      if (tags.length === this.#batchRecords) {
        this.#many.run(...values)
        this.#inserted += tags.length
        return
      }
    } catch (error) {
      if (!isConflict(error)) throw storageError(error, this.#table)
    }
    const width = this.#table.columns.length
    tags.forEach((tag, at) => this.#insertOne(values.slice(at * width, (at + 1) * width), tag))
  }

  commit(): number {
    try {
      this.flush()
      this.#database.exec('COMMIT')
      // Moves the new records from the log into the database file before the next query needs them.
      this.#database.exec('PRAGMA wal_checkpoint(PASSIVE); PRAGMA optimize')
    } catch (error) {
      throw storageError(error, this.#table)
    }
    this.#database.close()
    return this.#inserted
  }

  rollback(): void {
    if (!this.#database.isOpen) return
    try {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK')
    } finally {
      this.#database.close()
    }
  }

  #markWide(at: number): void {
    this.#wide.add(at)
    noteWide(this.#database, this.#table, this.#table.columns[at]!.name)
  }

  #insertOne(values: readonly (null | number | bigint | string)[], tag: number): void {
    try {
      this.#one.run(...values)
      this.#inserted += 1
    } catch (error) {
      if (!isConflict(error)) throw storageError(error, this.#table)
      this.#onRejected(tag, conflictReason(error, this.#table))
    }
  }

  #insert(records: number): string {
    const columns = this.#table.columns.map((column) => quoteName(column.name)).join(',')
    const record = `(${this.#table.columns.map(() => '?').join(',')})`
    return `INSERT INTO ${quoteName(this.#table.name)} (${columns}) VALUES ${Array.from({ length: records }, () => record).join(',')}`
  }
}
