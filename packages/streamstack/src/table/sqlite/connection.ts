import { randomUUID } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'
import { mapFile, openDatabase } from '../../storage/index.ts'
import type { OpenDatabaseOptions } from '../../storage/index.ts'
import type { StoredValue } from '../column-type.ts'
import { defineTextFunctions } from './text-functions.ts'
import type { TextWork } from './text-functions.ts'
import { WideColumns } from './wide-columns.ts'

/** The file in the data folder that holds all records. */
export const databaseFile = 'records.sqlite'

/** An open database, and what its statements may still look through. */
export interface Connection {
  readonly database: DatabaseSync
  readonly textWork: TextWork
  readonly wide: WideColumns
}

/** Opens the records with the functions that every connection shares. Throws what SQLite throws. */
export function openConnection(path: string, options: OpenDatabaseOptions): Connection {
  const database = openDatabase(path, options)
  try {
    mapFile(database)
    // Deleted rows are overwritten, not only unlinked: a user who deletes a conversation means its text. No cost was measurable.
    if (!options.readOnly) database.exec('PRAGMA secure_delete = ON')
    database.function('random_uuid', () => randomUUID())
    return { database, textWork: defineTextFunctions(database), wide: new WideColumns(database) }
  } catch (error) {
    database.close()
    throw error
  }
}

/** The values of one row of a result, in the order of its columns. */
export type Cells = readonly StoredValue[]

/** A statement that gives rows as arrays; `StatementSync` after `setReturnArrays(true)`, whose types do not tell. */
export interface ArrayStatement {
  all(...parameters: readonly StoredValue[]): readonly Cells[]
  get(...parameters: readonly StoredValue[]): Cells | undefined
  iterate(...parameters: readonly StoredValue[]): Iterable<Cells>
  run(...parameters: readonly StoredValue[]): { changes: number | bigint }
}

/** A prepared statement and what the planner says of it, asked when first needed. */
export interface Prepared {
  readonly statement: ArrayStatement
  /** Set once known: whether it may look at many records that it does not give. */
  mayScan: boolean | null
}

/** Keeps the statements used last prepared: preparing costs more than running most of them. */
export class StatementCache {
  readonly #database: DatabaseSync
  readonly #entries = new Map<string, Prepared>()
  readonly #entriesMax: number

  constructor(database: DatabaseSync, entriesMax = 200) {
    this.#database = database
    this.#entriesMax = entriesMax
  }

  /** The statement, giving rows as arrays. */
  prepare(sql: string): Prepared {
    const known = this.#entries.get(sql)
    if (known !== undefined) return known
    const plain = this.#database.prepare(sql)
    plain.setReturnArrays(true)
    // The types of node:sqlite know rows as objects alone.
    const prepared = { statement: plain as unknown as ArrayStatement, mayScan: null }
    const oldest = this.#entries.keys().next()
    if (this.#entries.size >= this.#entriesMax && oldest.done === false) this.#entries.delete(oldest.value)
    this.#entries.set(sql, prepared)
    return prepared
  }

  /** After tables have changed. */
  clear(): void {
    this.#entries.clear()
  }
}
