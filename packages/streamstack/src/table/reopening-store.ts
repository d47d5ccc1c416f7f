import { StreamstackError, type Value } from '@streamstack/protocol'
import type { Issue } from '../definition/types.ts'
import type { TableDeclaration } from './declaration.ts'
import type { Filter } from './filter.ts'
import type { Page, Query, Row } from './query.ts'
import type { LoadOptions, RecordInput, RecordLoader, RecordStore } from './record-store.ts'

/** How long after a failure the records are not opened again: each try costs a look at the disk. */
const PAUSE_MS = 1_000

/** Records that could not be opened yet. Every call that needs them tries again, at most once a second, and fails as the last try did. */
export class ReopeningStore implements RecordStore {
  readonly #open: () => RecordStore
  readonly #onDelay: (failure: null) => void
  #store: RecordStore | null = null
  #tables: readonly TableDeclaration[] = []
  #failure: StreamstackError
  #failedAtMs = performance.now()

  constructor(open: () => RecordStore, onDelay: (failure: null) => void, failure: StreamstackError) {
    this.#open = open
    this.#onDelay = onDelay
    this.#failure = failure
  }

  declare(tables: readonly TableDeclaration[]): readonly Issue[] {
    this.#tables = tables
    return this.#store?.declare(tables) ?? []
  }

  tables(): readonly TableDeclaration[] {
    return this.#store?.tables() ?? this.#tables
  }

  table(name: string): TableDeclaration {
    return this.#opened().table(name)
  }

  page(query: Query, as: 'rows' | 'json'): Page | Promise<Page> {
    return this.#opened().page(query, as)
  }

  count(table: string, where: Filter | null = null): number | Promise<number> {
    return this.#opened().count(table, where)
  }

  get(
    table: string,
    column: string,
    value: Value,
    columns: readonly string[] | null = null,
  ): Row | null | Promise<Row | null> {
    return this.#opened().get(table, column, value, columns)
  }

  add(table: string, record: RecordInput): Row | Promise<Row> {
    return this.#opened().add(table, record)
  }

  addMany(table: string, records: readonly RecordInput[]): readonly Row[] | Promise<readonly Row[]> {
    return this.#opened().addMany(table, records)
  }

  edit(table: string, column: string, value: Value, changes: RecordInput): Row | Promise<Row> {
    return this.#opened().edit(table, column, value, changes)
  }

  remove(table: string, column: string, value: Value): boolean | Promise<boolean> {
    return this.#opened().remove(table, column, value)
  }

  removeMany(table: string, where: Filter, limit: number): number | Promise<number> {
    return this.#opened().removeMany(table, where, limit)
  }

  load(table: string, options: LoadOptions): RecordLoader | Promise<RecordLoader> {
    return this.#opened().load(table, options)
  }

  async close(): Promise<void> {
    await this.#store?.close()
  }

  #opened(): RecordStore {
    if (this.#store !== null) return this.#store
    if (performance.now() - this.#failedAtMs < PAUSE_MS) throw this.#failure
    let store: RecordStore | null = null
    try {
      store = this.#open()
      store.declare(this.#tables)
    } catch (error) {
      void store?.close()
      if (error instanceof StreamstackError) this.#failure = error
      this.#failedAtMs = performance.now()
      throw error
    }
    this.#store = store
    this.#onDelay(null)
    return store
  }
}
