import { StreamstackError, type Value } from '@streamstack/protocol'
import type { Issue } from '../definition/types.ts'
import type { TableDeclaration } from './declaration.ts'
import type { Filter } from './filter.ts'
import type { Page, Query, RecordInput, Row } from './query.ts'
import type { LoadOptions, RecordLoader, RecordStore } from './record-store.ts'
import { after } from '../storage/index.ts'

/**
 * Delay after a failure before the records are opened again, because each attempt reads the disk.
 */
const PAUSE_MS = 1_000

export interface ReopeningOptions {
  /** Opens the records and declares these tables. */
  readonly open: (tables: readonly TableDeclaration[]) => Promise<RecordStore>
  readonly tables: readonly TableDeclaration[]
  /** Why they could not be opened so far. */
  readonly failure: StreamstackError
  readonly onDelay: (failure: null) => void
}

/** Records that could not be opened yet. Every call that needs them tries again, at most once a second, and fails as the last try did. */
export class ReopeningStore implements RecordStore {
  readonly #options: ReopeningOptions
  #store: RecordStore | null = null
  #opening: Promise<RecordStore> | null = null
  #tables: readonly TableDeclaration[]
  #failure: StreamstackError
  #failedAtMs = performance.now()

  constructor(options: ReopeningOptions) {
    this.#options = options
    this.#tables = options.tables
    this.#failure = options.failure
  }

  declare(tables: readonly TableDeclaration[]): readonly Issue[] | Promise<readonly Issue[]> {
    this.#tables = tables
    return this.#store?.declare(tables) ?? []
  }

  tables(): readonly TableDeclaration[] {
    return this.#store?.tables() ?? this.#tables
  }

  table(name: string): TableDeclaration {
    if (this.#store !== null) return this.#store.table(name)
    const table = this.#tables.find((one) => one.name === name)
    if (table === undefined) throw this.#failure
    return table
  }

  page(query: Query, as: 'rows' | 'json'): Page | Promise<Page> {
    return after(this.#opened(), (store) => store.page(query, as))
  }

  count(table: string, where: Filter | null = null): number | Promise<number> {
    return after(this.#opened(), (store) => store.count(table, where))
  }

  get(
    table: string,
    column: string,
    value: Value,
    columns: readonly string[] | null = null,
  ): Row | null | Promise<Row | null> {
    return after(this.#opened(), (store) => store.get(table, column, value, columns))
  }

  add(table: string, record: RecordInput, allowed: Filter | null = null): Row | Promise<Row> {
    return after(this.#opened(), (store) => store.add(table, record, allowed))
  }

  addMany(
    table: string,
    records: readonly RecordInput[],
    allowed: Filter | null = null,
  ): readonly Row[] | Promise<readonly Row[]> {
    return after(this.#opened(), (store) => store.addMany(table, records, allowed))
  }

  edit(
    table: string,
    column: string,
    value: Value,
    changes: RecordInput,
    allowed: Filter | null = null,
  ): Row | Promise<Row> {
    return after(this.#opened(), (store) => store.edit(table, column, value, changes, allowed))
  }

  remove(table: string, column: string, value: Value): boolean | Promise<boolean> {
    return after(this.#opened(), (store) => store.remove(table, column, value))
  }

  removeMany(table: string, where: Filter, limit: number): number | Promise<number> {
    return after(this.#opened(), (store) => store.removeMany(table, where, limit))
  }

  load(table: string, options: LoadOptions): RecordLoader | Promise<RecordLoader> {
    return after(this.#opened(), (store) => store.load(table, options))
  }

  async close(): Promise<void> {
    await this.#opening?.catch(() => undefined)
    await this.#store?.close()
  }

  #opened(): RecordStore | Promise<RecordStore> {
    if (this.#store !== null) return this.#store
    if (this.#opening !== null) return this.#opening
    if (performance.now() - this.#failedAtMs < PAUSE_MS) throw this.#failure
    return (this.#opening = this.#open().finally(() => (this.#opening = null)))
  }

  async #open(): Promise<RecordStore> {
    const tables = this.#tables
    try {
      const store = await this.#options.open(tables)
      // Files may have changed while it was opened.
      if (tables !== this.#tables) await store.declare(this.#tables)
      this.#store = store
    } catch (error) {
      if (error instanceof StreamstackError) this.#failure = error
      this.#failedAtMs = performance.now()
      throw error
    }
    this.#options.onDelay(null)
    return this.#store
  }
}
