import type { Value } from '@streamstack/protocol'
import type { StoredValue } from './column-type.ts'
import type { Filter } from './filter.ts'
import type { OrderTerm } from './order.ts'

/** A record as expressions and answers see it. */
export type Row = Readonly<Record<string, Value>>

/** A record as it is given for writing. */
export type RecordInput = { readonly [column: string]: Value }

/** The order keys of a page's last record, the primary key last: plain data. Integers beyond 2^53 are decimal text. */
export interface PageMark {
  readonly keys: readonly (null | number | string)[]
}

/** The keys of a mark from cells. Integers were read as numbers or text, so a bigint only comes from elsewhere. */
export function markKeys(cells: readonly StoredValue[]): PageMark['keys'] {
  return cells.map((cell) => (typeof cell === 'bigint' ? String(cell) : cell))
}

/** What is asked of a table. */
export interface Query {
  readonly table: string
  readonly where: Filter | null
  /** From `parseOrder`; may be empty. The primary key is always the last tie-breaker. */
  readonly order: readonly OrderTerm[]
  /** How many records at most; null: all, up to the store's bound. */
  readonly limit: number | null
  /** How many records are left out first; must be 0 when `after` is given. */
  readonly offset: number
  /** Which columns, in which order; null: all as declared. */
  readonly columns: readonly string[] | null
  /** Only records behind this mark, in this same order: a seek, where `offset` counts its way. */
  readonly after: PageMark | null
}

/** Some records of a table. */
export interface Page {
  /** The records when asked for `rows`, else empty. */
  readonly rows: readonly Row[]
  /** The records as the text of a JSON array, written by the database, when asked for `json`; else empty. */
  readonly json: string
  /** How many records it holds. */
  readonly length: number
  /** Where the next page starts; null when this one is empty. */
  readonly mark: PageMark | null
}
