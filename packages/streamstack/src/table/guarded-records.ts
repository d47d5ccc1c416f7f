import { StreamstackError, type Value } from '@streamstack/protocol'
import type { Issue } from '../definition/types.ts'
import { after } from '../storage/index.ts'
import type { TableDeclaration } from './declaration.ts'
import type { Filter } from './filter.ts'
import type { Page, Query, RecordInput, Row } from './query.ts'
import type { RecordAct, RecordRules } from './record-rule.ts'
import type { LoadOptions, RecordLoader, RecordStore } from './record-store.ts'
import { requireColumn } from './require-column.ts'
import { ruleFilter } from './rule-filter.ts'

/**
 * The records as one caller may see and change them, by the `allow` of their tables. The rules go into each query, so that
 * pages, counts and cursors know no other records. Nothing that is refused differs from what does not exist, except
 * that a record which the caller may not add, or may not change so, is `forbidden`.
 */
export class GuardedRecords implements RecordStore {
  readonly origin: RecordStore
  readonly #auth: Value
  readonly #onFailure: (table: string, error: unknown) => void
  readonly #filters = new Map<string, { readonly rules: RecordRules; readonly filter: Filter | null }>()

  /** `auth`: the claims of the caller, null without a token. `onFailure`: called with an expression's failure. */
  constructor(origin: RecordStore, auth: Value, onFailure: (table: string, error: unknown) => void) {
    this.origin = origin
    this.#auth = auth
    this.#onFailure = onFailure
  }

  tables(): readonly TableDeclaration[] {
    return this.origin.tables()
  }

  table(name: string): TableDeclaration {
    return this.origin.table(name)
  }

  page(query: Query, as: 'rows' | 'json'): Page | Promise<Page> {
    const allowed = this.#filter(query.table, 'read')
    return this.origin.page(allowed === null ? query : { ...query, where: both(query.where, allowed) }, as)
  }

  count(table: string, where: Filter | null = null): number | Promise<number> {
    return this.origin.count(table, both(where, this.#filter(table, 'read')))
  }

  get(
    table: string,
    column: string,
    value: Value,
    columns: readonly string[] | null = null,
  ): Row | null | Promise<Row | null> {
    const allowed = this.#filter(table, 'read')
    if (allowed === null) return this.origin.get(table, column, value, columns)
    return after(this.#find(table, { column, value, allowed, limit: 1, columns }), (rows) => rows[0] ?? null)
  }

  add(table: string, record: RecordInput): Row | Promise<Row> {
    return this.origin.add(table, record, this.#filter(table, 'add'))
  }

  addMany(table: string, records: readonly RecordInput[]): readonly Row[] | Promise<readonly Row[]> {
    return this.origin.addMany(table, records, this.#filter(table, 'add'))
  }

  /** The record must be one that the caller may read and edit, before and after. */
  edit(table: string, column: string, value: Value, changes: RecordInput): Row | Promise<Row> {
    const allowed = both(this.#filter(table, 'read'), this.#filter(table, 'edit'))
    if (allowed === null) return this.origin.edit(table, column, value, changes)
    return after(this.#keyOf(table, column, value, allowed), (key) => {
      if (key === null) throw missing(table, column)
      return this.origin.edit(table, this.table(table).primaryKey, key, changes, allowed)
    })
  }

  remove(table: string, column: string, value: Value): boolean | Promise<boolean> {
    const allowed = both(this.#filter(table, 'read'), this.#filter(table, 'delete'))
    if (allowed === null) return this.origin.remove(table, column, value)
    return after(this.#keyOf(table, column, value, allowed), (key) => {
      if (key === null) return false
      const { primaryKey } = this.table(table)
      // In one statement with the rule: the record may have changed since it was found.
      const where = both({ kind: 'compare', column: primaryKey, operator: 'eq', value: key }, allowed)
      return after(this.origin.removeMany(table, where, 1), (count) => count > 0)
    })
  }

  removeMany(table: string, where: Filter, limit: number): number | Promise<number> {
    const allowed = both(this.#filter(table, 'read'), this.#filter(table, 'delete'))
    return this.origin.removeMany(table, both(where, allowed), limit)
  }

  declare(): readonly Issue[] {
    throw operatorOnly()
  }

  load(_table: string, _options: LoadOptions): RecordLoader {
    throw operatorOnly()
  }

  close(): void {
    throw operatorOnly()
  }

  /** Null: every record. */
  #filter(name: string, act: RecordAct): Filter | null {
    const table = this.table(name)
    const { rules } = table
    if (rules === null) return null
    const key = `${act} ${name}`
    const known = this.#filters.get(key)
    // Other rules hold for runs that are under way, too.
    if (known?.rules === rules) return known.filter
    const filter = ruleFilter(table, rules[act], this.#auth, (error) => this.#onFailure(name, error))
    this.#filters.set(key, { rules, filter })
    return filter
  }

  #find(name: string, { column, value, allowed, limit, columns }: Lookup): readonly Row[] | Promise<readonly Row[]> {
    const table = this.table(name)
    requireColumn(table, column, 'The lookup')
    if (value === null && column === table.primaryKey) return []
    const where = both({ kind: 'compare', column, operator: 'eq', value }, allowed)
    const query: Query = { table: name, where, order: [], limit, offset: 0, columns, after: null }
    return after(this.origin.page(query, 'rows'), ({ rows }) => rows)
  }

  /** Key of the one allowed record whose column holds the value; null: there is none. Throws `query_invalid` when there are several. */
  #keyOf(name: string, column: string, value: Value, allowed: Filter): Value | Promise<Value> {
    const { primaryKey } = this.table(name)
    const found = this.#find(name, { column, value, allowed, limit: 2, columns: [primaryKey] })
    return after(found, (rows): Value => {
      if (rows.length < 2) return rows[0]?.[primaryKey] ?? null
      throw new StreamstackError(
        'query_invalid',
        `Several records of table "${name}" have this "${column}"; name the one by "${primaryKey}".`,
      )
    })
  }
}

interface Lookup {
  readonly column: string
  readonly value: Value
  readonly allowed: Filter
  readonly limit: number
  readonly columns: readonly string[] | null
}

function both(first: Filter, second: Filter | null): Filter
function both(first: Filter | null, second: Filter): Filter
function both(first: Filter | null, second: Filter | null): Filter | null
function both(first: Filter | null, second: Filter | null): Filter | null {
  if (first === null || second === null) return first ?? second
  return { kind: 'all', filters: [first, second] }
}

function missing(table: string, column: string): StreamstackError {
  return new StreamstackError('record_missing', `The table "${table}" has no record with this "${column}".`)
}

function operatorOnly(): TypeError {
  return new TypeError('A view for one caller declares, loads and closes nothing.')
}
