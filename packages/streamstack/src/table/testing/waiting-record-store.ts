import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Value } from '@streamstack/protocol'
import type { Issue } from '../../definition/types.ts'
import type { TableDeclaration } from '../declaration.ts'
import type { Filter } from '../filter.ts'
import type { Page, Query, RecordInput, Row } from '../query.ts'
import type { LoadOptions, LoadValue, RecordLoader, RecordStore } from '../record-store.ts'

/**
 * A store whose answers all wait, as those of a database on another machine do: each comes one to three turns of the
 * event loop late, so that reads overtake one another. Writes keep their order, and are done before a later read begins.
 */
export class WaitingRecordStore implements RecordStore {
  readonly #store: RecordStore
  #writes: Promise<unknown> = Promise.resolve()
  #turns = 0

  constructor(store: RecordStore) {
    this.#store = store
  }

  async declare(tables: readonly TableDeclaration[]): Promise<readonly Issue[]> {
    return this.#written(() => this.#store.declare(tables))
  }

  tables(): readonly TableDeclaration[] {
    return this.#store.tables()
  }

  table(name: string): TableDeclaration {
    return this.#store.table(name)
  }

  page(query: Query, as: 'rows' | 'json'): Promise<Page> {
    return this.#read(() => this.#store.page(query, as))
  }

  count(table: string, where: Filter | null = null): Promise<number> {
    return this.#read(() => this.#store.count(table, where))
  }

  get(table: string, column: string, value: Value, columns: readonly string[] | null = null): Promise<Row | null> {
    return this.#read(() => this.#store.get(table, column, value, columns))
  }

  add(table: string, record: RecordInput, allowed: Filter | null = null): Promise<Row> {
    return this.#written(() => this.#store.add(table, record, allowed))
  }

  addMany(table: string, records: readonly RecordInput[], allowed: Filter | null = null): Promise<readonly Row[]> {
    return this.#written(() => this.#store.addMany(table, records, allowed))
  }

  edit(table: string, column: string, value: Value, changes: RecordInput, allowed: Filter | null = null): Promise<Row> {
    return this.#written(() => this.#store.edit(table, column, value, changes, allowed))
  }

  remove(table: string, column: string, value: Value): Promise<boolean> {
    return this.#written(() => this.#store.remove(table, column, value))
  }

  removeMany(table: string, where: Filter, limit: number): Promise<number> {
    return this.#written(() => this.#store.removeMany(table, where, limit))
  }

  async load(table: string, options: LoadOptions): Promise<RecordLoader> {
    const loader = await this.#written(() => this.#store.load(table, options))
    return {
      add: (values: readonly LoadValue[], tag: number) => loader.add(values, tag),
      flush: () => this.#read(() => loader.flush()),
      commit: () => this.#read(() => loader.commit()),
      rollback: () => this.#read(() => loader.rollback()),
    }
  }

  async close(): Promise<void> {
    await this.#writes
    await this.#store.close()
  }

  async #read<T>(answer: () => T | Promise<T>): Promise<T> {
    await this.#writes
    this.#turns += 1
    const turns = 1 + (this.#turns % 3)
    try {
      return await answer()
    } finally {
      for (let turn = 0; turn < turns; turn += 1) await nextTurn()
    }
  }

  #written<T>(write: () => T | Promise<T>): Promise<T> {
    const written = this.#writes.then(async () => {
      try {
        return await write()
      } finally {
        await nextTurn()
      }
    })
    this.#writes = written.catch(() => undefined)
    return written
  }
}
