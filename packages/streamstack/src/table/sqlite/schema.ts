import type { DatabaseSync } from 'node:sqlite'
import { isConflict } from '../../storage/index.ts'
import type { Issue, Position } from '../../definition/types.ts'
import type { StoredValue } from '../column-type.ts'
import type { ColumnDeclaration, TableDeclaration } from '../declaration.ts'
import { quoteName, storageTypes } from './dialect.ts'
import { syncWideColumns } from './wide-columns.ts'

/** Keeps the declared type of each column, which the storage type alone does not tell: a boolean is stored as a number. */
const TYPES_TABLE = 'streamstack_columns'

/** Indexes of this prefix are ours: they go when the declaration no longer names them. */
const INDEX_PREFIX = 'streamstack:'

/**
 * Brings the database in line with the declarations: creates tables, columns and indexes that are missing. Nothing that
 * holds records is ever changed or dropped: a column whose type changed is an error, unless the table is empty; a column
 * that is no longer declared is a warning. Gives the tables that can be used.
 */
export function syncSchema(
  database: DatabaseSync,
  tables: readonly TableDeclaration[],
): { usable: readonly TableDeclaration[]; issues: readonly Issue[] } {
  const issues: Issue[] = []
  const usable: TableDeclaration[] = []
  database.exec('BEGIN IMMEDIATE')
  try {
    database.exec(
      `CREATE TABLE IF NOT EXISTS ${TYPES_TABLE} (table_name TEXT, column_name TEXT, type TEXT, PRIMARY KEY (table_name, column_name)) STRICT`,
    )
    for (const table of tables) {
      const twin = usable.find((other) => other.name.toLowerCase() === table.name.toLowerCase())
      const problems =
        twin === undefined
          ? new TableSync(database, table).run()
          : [
              error(
                table.position,
                `The tables "${twin.name}" and "${table.name}" differ in nothing but case; rename one.`,
              ),
            ]
      issues.push(...problems)
      if (problems.every((issue) => issue.severity === 'warning')) usable.push(table)
    }
    syncWideColumns(database, usable)
    database.exec('COMMIT')
  } catch (problem) {
    if (database.isTransaction) database.exec('ROLLBACK')
    throw problem
  }
  return { usable, issues }
}

class TableSync {
  readonly #issues: Issue[] = []
  readonly #database: DatabaseSync
  readonly #table: TableDeclaration
  readonly #name: string

  constructor(database: DatabaseSync, table: TableDeclaration) {
    this.#database = database
    this.#table = table
    this.#name = quoteName(table.name)
  }

  /** A table with an error is left wholly as it was. */
  run(): readonly Issue[] {
    this.#database.exec('SAVEPOINT one_table')
    const present = this.#presentColumns()
    if (present.size === 0) this.#create()
    else if (this.#differs(present) && this.#isEmpty()) this.#recreate()
    else this.#complete(present)
    if (!this.#failed) this.#indexes()
    this.#database.exec(this.#failed ? 'ROLLBACK TO one_table; RELEASE one_table' : 'RELEASE one_table')
    return this.#issues
  }

  get #failed(): boolean {
    return this.#issues.some((issue) => issue.severity === 'error')
  }

  #presentColumns(): ReadonlyMap<string, { primary: boolean; type: string }> {
    const types = new Map(
      this.#database
        .prepare(`SELECT column_name AS name, type FROM ${TYPES_TABLE} WHERE table_name = ?`)
        .all(this.#table.name)
        .map((row) => [String(row['name']), String(row['type'])]),
    )
    const rows = this.#database.prepare('SELECT name, pk FROM pragma_table_info(?)').all(this.#table.name)
    return new Map(
      rows.map((row) => [
        String(row['name']),
        { primary: row['pk'] !== 0, type: types.get(String(row['name'])) ?? '' },
      ]),
    )
  }

  #create(): void {
    const columns = this.#table.columns.map((column) => {
      const type = `${quoteName(column.name)} ${storageTypes[column.type]}`
      if (!column.primary) return type
      // AUTOINCREMENT: a key is never given twice, so a reader that goes on behind the last key misses nothing.
      return `${type} PRIMARY KEY ${column.type === 'integer' ? 'AUTOINCREMENT' : 'NOT NULL'}`
    })
    this.#database.exec(`CREATE TABLE ${this.#name} (${columns.join(', ')}) STRICT`)
    for (const column of this.#table.columns) this.#rememberType(column)
  }

  #differs(present: ReadonlyMap<string, { primary: boolean; type: string }>): boolean {
    return this.#table.columns.some(({ name, type, primary }) => {
      const there = present.get(name)
      return there === undefined ? primary : there.type !== type || there.primary !== primary
    })
  }

  #isEmpty(): boolean {
    return this.#database.prepare(`SELECT 1 FROM ${this.#name} LIMIT 1`).get() === undefined
  }

  /** A table without records takes any declaration. Keys that it has given are not given again. */
  #recreate(): void {
    const { name } = this.#table
    const sequence = this.#hasSequences()
      ? this.#database.prepare('SELECT seq FROM sqlite_sequence WHERE name = ?').get(name)?.['seq']
      : undefined
    this.#database.exec(`DROP TABLE ${this.#name}`)
    this.#database.prepare(`DELETE FROM ${TYPES_TABLE} WHERE table_name = ?`).run(name)
    this.#create()
    const isCounted = this.#table.columns.some((column) => column.primary && column.type === 'integer')
    if (sequence === undefined || !isCounted) return
    this.#database.prepare('INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)').run(name, sequence)
  }

  #hasSequences(): boolean {
    return this.#database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'sqlite_sequence'").get() !== undefined
  }

  #complete(present: ReadonlyMap<string, { primary: boolean; type: string }>): void {
    for (const column of this.#table.columns) {
      const there = present.get(column.name)
      if (there === undefined) this.#addColumn(column)
      else this.#compare(column, there)
    }
    const declared = new Set(this.#table.columns.map((column) => column.name))
    for (const name of present.keys()) {
      if (declared.has(name)) continue
      this.#issues.push({
        severity: 'warning',
        message: `The table "${this.#table.name}" is stored with a column "${name}" that is no longer declared; its values are kept and not shown. Declare it again to see them.`,
        position: this.#table.position,
      })
    }
  }

  #compare(column: ColumnDeclaration, there: { primary: boolean; type: string }): void {
    if (there.primary !== column.primary) {
      this.#fail(
        column.position,
        `The primary column of table "${this.#table.name}" cannot be changed to or from "${column.name}"; import the records into a new table.`,
      )
    } else if (there.type !== column.type) {
      // A column of text can show what was stored as a time or a UUID.
      if (column.type === 'text' && ['timestamp', 'uuid'].includes(there.type)) return this.#rememberType(column)
      this.#fail(
        column.position,
        `The column "${column.name}" of table "${this.#table.name}" is stored as ${there.type} and declared as ${column.type}; declare it as ${there.type} again, or add a new column.`,
      )
    }
  }

  #addColumn(column: ColumnDeclaration): void {
    if (column.primary) {
      this.#fail(
        column.position,
        `The table "${this.#table.name}" is stored with another primary column than "${column.name}"; import the records into a new table.`,
      )
      return
    }
    const holdsRecords = !this.#isEmpty()
    if (holdsRecords && column.required && column.default === null) {
      this.#fail(
        column.position,
        `The table "${this.#table.name}" holds records, so its new required column "${column.name}" needs a \`default\` for them.`,
      )
      return
    }
    const name = quoteName(column.name)
    this.#database.exec(`ALTER TABLE ${this.#name} ADD COLUMN ${name} ${storageTypes[column.type]}`)
    this.#rememberType(column)
    if (!holdsRecords || column.default === null) return
    if (column.default.kind === 'random') this.#database.exec(`UPDATE ${this.#name} SET ${name} = random_uuid()`)
    else {
      const value: StoredValue = column.default.kind === 'now' ? new Date().toISOString() : column.default.value
      this.#database.prepare(`UPDATE ${this.#name} SET ${name} = ?`).run(value)
    }
  }

  #indexes(): void {
    const wanted = new Map<string, { columns: readonly string[]; unique: boolean; position: Position }>()
    for (const column of this.#table.columns) {
      if (column.unique) this.#want(wanted, [column.name], true, column.position)
    }
    for (const index of this.#table.indexes) this.#want(wanted, index.columns, index.unique, index.position)
    const present = this.#database
      .prepare("SELECT name FROM sqlite_schema WHERE type = 'index' AND tbl_name = ?")
      .all(this.#table.name)
      .map((row) => String(row['name']))
    for (const name of present) {
      if (name.startsWith(INDEX_PREFIX) && !wanted.has(name)) this.#database.exec(`DROP INDEX ${quoteName(name)}`)
    }
    for (const [name, index] of wanted) {
      if (!present.includes(name)) this.#createIndex(name, index)
    }
  }

  #want(
    wanted: Map<string, { columns: readonly string[]; unique: boolean; position: Position }>,
    columns: readonly string[],
    unique: boolean,
    position: Position,
  ): void {
    const name = `${INDEX_PREFIX}${this.#table.name}:${columns.join(',')}${unique ? ':unique' : ''}`
    wanted.set(name, { columns, unique, position })
  }

  #createIndex(name: string, index: { columns: readonly string[]; unique: boolean; position: Position }): void {
    const columns = index.columns.map(quoteName).join(', ')
    try {
      this.#database.exec(
        `CREATE ${index.unique ? 'UNIQUE ' : ''}INDEX ${quoteName(name)} ON ${this.#name} (${columns})`,
      )
    } catch (problem) {
      if (!isConflict(problem)) throw problem
      this.#fail(
        index.position,
        `The table "${this.#table.name}" holds records with equal values in ${index.columns.join(', ')}, which cannot become unique; edit those records first.`,
      )
    }
  }

  #rememberType(column: ColumnDeclaration): void {
    this.#database
      .prepare(`INSERT OR REPLACE INTO ${TYPES_TABLE} (table_name, column_name, type) VALUES (?, ?, ?)`)
      .run(this.#table.name, column.name, column.type)
  }

  #fail(position: Position, message: string): void {
    this.#issues.push(error(position, message))
  }
}

function error(position: Position, message: string): Issue {
  return { severity: 'error', message, position }
}
