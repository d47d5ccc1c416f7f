import type { DatabaseSync } from 'node:sqlite'
import type { StoredValue } from '../column-type.ts'
import type { ColumnDeclaration, TableDeclaration } from '../declaration.ts'
import { quoteName, WIDE_TABLE } from './dialect.ts'

const none: ReadonlySet<string> = new Set()

/** What tells that another connection has committed, and which columns hold integers beyond 2^53. */
interface Statements {
  readonly version: { get(): Record<string, unknown> | undefined }
  readonly all: { all(): readonly Record<string, unknown>[] }
}

/**
 * Knows the columns that hold integers beyond ±(2^53 − 1), which a JavaScript number cannot: such a column reads as text
 * throughout, so that a column has one type whatever the value. The database keeps the list beside the records, and each
 * entry is written in the transaction of the first such value.
 */
export class WideColumns {
  readonly #database: DatabaseSync
  #statements: Statements | null = null
  #version: unknown = null
  #known = new Map<string, Set<string>>()

  constructor(database: DatabaseSync) {
    this.#database = database
  }

  /** The names of the table's wide columns. */
  of(table: TableDeclaration): ReadonlySet<string> {
    this.#statements ??= {
      version: this.#database.prepare('PRAGMA data_version'),
      all: this.#database.prepare(`SELECT table_name, column_name FROM ${WIDE_TABLE}`),
    }
    const version = this.#statements.version.get()?.['data_version']
    if (version !== this.#version) {
      this.#known = new Map()
      for (const row of this.#statements.all.all()) this.#add(String(row['table_name']), String(row['column_name']))
      this.#version = version
    }
    return this.#known.get(table.name) ?? none
  }

  /** Notes the columns of a record that become wide with it. Within the transaction that stores it. */
  note(table: TableDeclaration, values: readonly (readonly [ColumnDeclaration, StoredValue | undefined])[]): void {
    const wide = values.filter(([{ name }, value]) => isWide(value) && !this.of(table).has(name))
    for (const [{ name }] of wide) {
      noteWide(this.#database, table, name)
      this.#add(table.name, name)
    }
  }

  /** After a transaction was taken back, and after tables were declared: the list is read again. */
  forget(): void {
    this.#version = null
    this.#statements = null
  }

  #add(table: string, column: string): void {
    const columns = this.#known.get(table)
    if (columns === undefined) this.#known.set(table, new Set([column]))
    else columns.add(column)
  }
}

/** Whether a stored value is an integer that a JavaScript number cannot hold. */
export function isWide(value: StoredValue | undefined): boolean {
  return typeof value === 'bigint'
}

/** Writes down that a column is wide. */
export function noteWide(database: DatabaseSync, table: TableDeclaration, column: string): void {
  database.prepare(`INSERT OR IGNORE INTO ${WIDE_TABLE} VALUES (?, ?)`).run(table.name, column)
}

/** Takes back that columns of a table are wide, in a transaction that takes all its records away. */
export function forgetWide(database: DatabaseSync, table: TableDeclaration): void {
  database.prepare(`DELETE FROM ${WIDE_TABLE} WHERE table_name = ?`).run(table.name)
}

/** The list of an earlier version named tables alone; it is replaced by one that names their columns. */
const EARLIER_TABLE = 'streamstack_wide'

/** Makes the list, and finds the wide columns of tables that an earlier version listed. */
export function syncWideColumns(database: DatabaseSync, tables: readonly TableDeclaration[]): void {
  database.exec(
    `CREATE TABLE IF NOT EXISTS ${WIDE_TABLE} (table_name TEXT, column_name TEXT, PRIMARY KEY (table_name, column_name)) STRICT, WITHOUT ROWID`,
  )
  const isThere = database.prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?").get(EARLIER_TABLE)
  if (isThere === undefined) return
  const listed = new Set(
    database
      .prepare(`SELECT table_name AS name FROM ${EARLIER_TABLE}`)
      .all()
      .map((row) => row['name']),
  )
  for (const table of tables) {
    if (!listed.has(table.name)) continue
    for (const { name, type } of table.columns) {
      if (type !== 'integer') continue
      const sql = `SELECT 1 FROM ${quoteName(table.name)} WHERE ${quoteName(name)} NOT BETWEEN -9007199254740991 AND 9007199254740991 LIMIT 1`
      if (database.prepare(sql).get() !== undefined) noteWide(database, table, name)
    }
    database.prepare(`DELETE FROM ${EARLIER_TABLE} WHERE table_name = ?`).run(table.name)
  }
}
