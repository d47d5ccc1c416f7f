import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { StreamstackError } from '@streamstack/protocol'
import type { Value } from '@streamstack/protocol'
import type { Issue } from '../../definition/types.ts'
import { after, makePrivateFolder } from '../../storage/index.ts'
import { didYouMean, didYouMeanOr } from '../../text/did-you-mean.ts'
import type { StoredValue } from '../column-type.ts'
import type { TableDeclaration } from '../declaration.ts'
import type { Filter } from '../filter.ts'
import type { Page, Query, RecordInput, Row } from '../query.ts'
import type { LoadOptions, RecordLoader, RecordStore } from '../record-store.ts'
import { requireColumn } from '../require-column.ts'
import { StatementCache, databaseFile, openConnection } from './connection.ts'
import type { Connection } from './connection.ts'
import { storageError } from './errors.ts'
import { PageReader } from './page-reader.ts'
import { ReaderPool } from './reader-pool.ts'
import { SqliteRecordLoader } from './record-loader.ts'
import { RecordWriter } from './record-writer.ts'
import { syncSchema } from './schema.ts'
import type { WideColumns } from './wide-columns.ts'

export interface SqliteStoreOptions {
  /** The data folder; made when it is missing. */
  folder: string
  /** How many records one page without a limit may give. Default 100,000. */
  recordsMax?: number
  /** How many characters of JSON one page may make. Default 64 Mi. */
  pageBytesMax?: number
  /** How many threads read what may take long. Default: one less than the processors, 1 to 4. */
  readersMax?: number
}

/** How long SQLite itself waits for another writer on the main thread, which stands still meanwhile. */
const BUSY_TIMEOUT_MS = 5
/** An import and the start of a server have nothing better to do than to wait. */
const PATIENT_TIMEOUT_MS = 30_000

/** Opens the records in a data folder; several processes may have the same one open. Throws `storage_failed`. */
export function openSqliteStore(options: SqliteStoreOptions): RecordStore {
  const path = join(options.folder, databaseFile)
  try {
    makePrivateFolder(options.folder)
  } catch (error) {
    throw new StreamstackError(
      'storage_failed',
      'The data folder cannot be made; set `data` in streamstack.yaml, or `--data`, to a folder that can be written.',
      { cause: error },
    )
  }
  try {
    return new SqliteRecordStore(
      openConnection(path, { readOnly: false, busyTimeoutMs: PATIENT_TIMEOUT_MS }),
      path,
      options,
    )
  } catch (error) {
    throw storageError(error, null)
  }
}

class SqliteRecordStore implements RecordStore {
  readonly #database: DatabaseSync
  readonly #wide: WideColumns
  readonly #path: string
  readonly #statements: StatementCache
  readonly #pool: ReaderPool
  readonly #reader: PageReader
  readonly #writer: RecordWriter
  #declared: ReadonlyMap<string, TableDeclaration> = new Map()
  /** Tables whose declaration does not fit what is stored, and why. */
  #unfit: ReadonlyMap<string, string> = new Map()

  constructor(connection: Connection, path: string, options: SqliteStoreOptions) {
    const { database } = connection
    this.#database = database
    this.#wide = connection.wide
    this.#path = path
    this.#statements = new StatementCache(database)
    this.#pool = new ReaderPool(path, options.readersMax ?? Math.min(4, Math.max(1, availableParallelism() - 1)))
    this.#reader = new PageReader(connection, this.#statements, this.#pool, {
      recordsMax: options.recordsMax ?? 100_000,
      pageBytesMax: options.pageBytesMax ?? 64 * 1024 * 1024,
    })
    this.#writer = new RecordWriter(connection, this.#statements)
  }

  declare(tables: readonly TableDeclaration[]): readonly Issue[] {
    try {
      this.#database.exec(`PRAGMA busy_timeout = ${PATIENT_TIMEOUT_MS}`)
      const { usable, issues } = syncSchema(this.#database, tables)
      this.#declared = new Map(usable.map((table) => [table.name, table]))
      const unfit = tables.filter((table) => !usable.includes(table))
      this.#unfit = new Map(
        unfit.map((table) => [
          table.name,
          issues.find((issue) => unfitOf(issue, table))?.message ?? 'see the start of the server log',
        ]),
      )
      return issues
    } catch (error) {
      throw storageError(error, null)
    } finally {
      this.#statements.clear()
      this.#wide.forget()
      if (this.#database.isOpen) this.#database.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`)
    }
  }

  tables(): readonly TableDeclaration[] {
    return [...this.#declared.values()]
  }

  table(name: string): TableDeclaration {
    const table = this.#declared.get(name)
    if (table !== undefined) return table
    const unfit = this.#unfit.get(name)
    if (unfit !== undefined) throw new StreamstackError('table_unknown', `The table "${name}" cannot be used: ${unfit}`)
    const near = didYouMean(name, [...this.#declared.keys()])
    const cure = didYouMeanOr(near, `Declare it in tables/${name}.yaml.`)
    throw new StreamstackError('table_unknown', `There is no table "${name}". ${cure}`)
  }

  page(query: Query, as: 'rows' | 'json'): Page | Promise<Page> {
    const table = this.table(query.table)
    try {
      return this.#reader.page(table, query, as)
    } catch (error) {
      throw storageError(error, table)
    }
  }

  count(name: string, where: Filter | null = null): number | Promise<number> {
    const table = this.table(name)
    try {
      return this.#reader.count(table, where)
    } catch (error) {
      throw storageError(error, table)
    }
  }

  get(
    name: string,
    column: string,
    value: Value,
    columns: readonly string[] | null = null,
  ): Row | null | Promise<Row | null> {
    return after(this.#find(this.table(name), column, value, 1, columns), (rows) => rows[0] ?? null)
  }

  add(name: string, record: RecordInput, allowed: Filter | null = null): Row | Promise<Row> {
    return this.#writer.add(this.table(name), record, allowed)
  }

  addMany(
    name: string,
    records: readonly RecordInput[],
    allowed: Filter | null = null,
  ): readonly Row[] | Promise<readonly Row[]> {
    return this.#writer.addMany(this.table(name), records, allowed)
  }

  edit(
    name: string,
    column: string,
    value: Value,
    changes: RecordInput,
    allowed: Filter | null = null,
  ): Row | Promise<Row> {
    const table = this.table(name)
    const gone = (): never => {
      throw new StreamstackError('record_missing', `The table "${name}" has no record with this "${column}".`)
    }
    return after(this.#keyOf(table, column, value), (key) =>
      key === null ? gone() : after(this.#writer.edit(table, key, changes, allowed), (row) => row ?? gone()),
    )
  }

  remove(name: string, column: string, value: Value): boolean | Promise<boolean> {
    const table = this.table(name)
    return after(this.#keyOf(table, column, value), (key) => (key === null ? false : this.#writer.remove(table, key)))
  }

  removeMany(name: string, where: Filter, limit: number): number | Promise<number> {
    return this.#writer.removeMany(this.table(name), where, limit)
  }

  load(name: string, options: LoadOptions): RecordLoader {
    const table = this.table(name)
    try {
      return new SqliteRecordLoader(
        openConnection(this.#path, { readOnly: false, busyTimeoutMs: PATIENT_TIMEOUT_MS }).database,
        table,
        options,
      )
    } catch (error) {
      throw storageError(error, table)
    }
  }

  async close(): Promise<void> {
    await this.#pool.close()
    if (!this.#database.isOpen) return
    this.#statements.clear()
    this.#database.close()
  }

  #find(
    table: TableDeclaration,
    column: string,
    value: Value,
    limit: number,
    columns: readonly string[] | null,
  ): readonly Row[] | Promise<readonly Row[]> {
    requireColumn(table, column, 'The lookup')
    if (value === null && column === table.primaryKey) return []
    const where: Filter = { kind: 'compare', column, operator: 'eq', value }
    const page = this.page({ table: table.name, where, order: [], limit, offset: 0, columns, after: null }, 'rows')
    return after(page, ({ rows }) => rows)
  }

  /** The key of the one record whose column holds the value. */
  #keyOf(table: TableDeclaration, column: string, value: Value): StoredValue | Promise<StoredValue> {
    return after(this.#find(table, column, value, 2, [table.primaryKey]), (rows) => {
      if (rows.length > 1) {
        throw new StreamstackError(
          'query_invalid',
          `Several records of table "${table.name}" have this "${column}"; name the one by "${table.primaryKey}".`,
        )
      }
      const key = rows[0]?.[table.primaryKey]
      return typeof key === 'string' || typeof key === 'number' ? key : null
    })
  }
}

function unfitOf(issue: Issue, table: TableDeclaration): boolean {
  return issue.severity === 'error' && issue.message.includes(`"${table.name}"`)
}
