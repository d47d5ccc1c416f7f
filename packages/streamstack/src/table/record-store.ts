import type { Value } from '@streamstack/protocol'
import type { Issue } from '../definition/types.ts'
import type { TableDeclaration } from './declaration.ts'
import type { Filter } from './filter.ts'
import type { Page, Query, RecordInput, Row } from './query.ts'

/**
 * Tables and their records. Methods answer at once where the engine does, and with a promise where the work would hold
 * up other runs or the engine is elsewhere. Errors are StreamstackErrors: `table_unknown`, `column_unknown`,
 * `query_invalid`, `record_invalid`, `record_conflict`, `record_missing`, `storage_failed`.
 */
export interface RecordStore {
  /** The store behind a view for one caller; absent: it is no view. */
  readonly origin?: RecordStore
  /** Takes the workspace's declarations, brings the database in line (only ever adding), and reports what cannot be. */
  declare(tables: readonly TableDeclaration[]): readonly Issue[] | Promise<readonly Issue[]>
  tables(): readonly TableDeclaration[]
  /** Throws `table_unknown`. */
  table(name: string): TableDeclaration
  page(query: Query, as: 'rows' | 'json'): Page | Promise<Page>
  count(table: string, where?: Filter | null): number | Promise<number>
  /**
   * The record whose column holds the value, the first by primary key when there are several; null when there is none. `columns`: which
   * columns; null or absent: all that are not private.
   */
  get(table: string, column: string, value: Value, columns?: readonly string[] | null): Row | null | Promise<Row | null>
  /**
   * Stores a record and gives it back with defaults and keys filled in. `allowed`: the stored record must fit this filter, or it is not
   * stored and `forbidden` is thrown; null or absent: any may be stored.
   */
  add(table: string, record: RecordInput, allowed?: Filter | null): Row | Promise<Row>
  /** Stores all records or, when one does not fit, none. `allowed` as for `add`. */
  addMany(
    table: string,
    records: readonly RecordInput[],
    allowed?: Filter | null,
  ): readonly Row[] | Promise<readonly Row[]>
  /**
   * Changes the one record whose column holds the value and gives it back; throws `record_missing`, and `query_invalid` when several fit.
   * `allowed`: the record must fit this filter before, or it counts as missing, and after, or nothing changes and `forbidden` is thrown.
   */
  edit(table: string, column: string, value: Value, changes: RecordInput, allowed?: Filter | null): Row | Promise<Row>
  /** Deletes the one record whose column holds the value; false when there is none, `query_invalid` when several fit. */
  remove(table: string, column: string, value: Value): boolean | Promise<boolean>
  /** Deletes up to `limit` of the records of a filter, the first by primary key; gives how many. */
  removeMany(table: string, where: Filter, limit: number): number | Promise<number>
  /** Starts filling a table with many records at once, in one transaction. */
  load(table: string, options: LoadOptions): RecordLoader | Promise<RecordLoader>
  close(): void | Promise<void>
}

export interface LoadOptions {
  /** Whether the records that are there go first, in the same transaction. */
  replace: boolean
  /** Called for a record that the database refuses, with its tag and the reason. */
  onRejected: (tag: number, reason: string) => void
}

/** A large write in progress. Nothing is seen by others before `commit`; a crash leaves the table as it was. */
export interface RecordLoader {
  /**
   * Takes a record of stored values in the order of the declaration's columns; undefined lets the database fill in.
   * `tag` comes back with `onRejected`, which may be called later than this.
   */
  add(values: readonly LoadValue[], tag: number): void
  /** Hands over what was added so far; every `onRejected` for it has been called then. */
  flush(): void | Promise<void>
  /** Makes the records last; gives how many went in. */
  commit(): number | Promise<number>
  /** Takes everything back. Safe after a failed commit. */
  rollback(): void | Promise<void>
}

export type LoadValue = null | number | bigint | string | undefined
