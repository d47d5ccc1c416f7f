import type { Position } from '../definition/types.ts'
import type { ColumnType, StoredValue } from './column-type.ts'
import type { RecordInput } from './query.ts'
import type { RecordRules } from './record-rule.ts'

/** What a record gets in a column that it leaves out: a stored value, or one made at that moment. */
export type ColumnDefault =
  | { readonly kind: 'value'; readonly value: Exclude<StoredValue, null> }
  | { readonly kind: 'now' }
  | { readonly kind: 'random' }

export interface ColumnDeclaration {
  readonly name: string
  readonly type: ColumnType
  readonly primary: boolean
  /** Whether it must not be null. */
  readonly required: boolean
  readonly unique: boolean
  /** Read only where a query names it. */
  readonly private: boolean
  readonly default: ColumnDefault | null
  /** The only values allowed, as stored; null: any. */
  readonly values: readonly StoredValue[] | null
  readonly description: string | null
  readonly position: Position
}

export interface IndexDeclaration {
  readonly columns: readonly string[]
  readonly unique: boolean
  readonly position: Position
}

/** The first records of a table, which it gets when the server starts and finds it empty. */
export type SeedDeclaration =
  /** A file to import, named from the workspace folder. */
  | { readonly kind: 'file'; readonly file: string; readonly position: Position }
  | { readonly kind: 'records'; readonly records: readonly RecordInput[]; readonly position: Position }

/** A table of the workspace, checked and complete. */
export interface TableDeclaration {
  readonly name: string
  readonly description: string | null
  readonly columns: readonly ColumnDeclaration[]
  /** The name of the primary column. */
  readonly primaryKey: string
  readonly indexes: readonly IndexDeclaration[]
  readonly seed: SeedDeclaration | null
  /** `allow`: which records callers may read and change; null: all. */
  readonly rules: RecordRules | null
  readonly position: Position
}

/** More columns than this are refused: databases bound the arguments of the functions that write JSON. */
export const COLUMNS_MAX = 250

export const NAME_LENGTH_MAX = 63

/** Why a name cannot be that of a table or column; null when it can. */
export function nameProblem(name: string): string | null {
  if (name === '' || name.trim() !== name) return 'must not be empty or start or end with a blank'
  if (Buffer.byteLength(name) > NAME_LENGTH_MAX) return `must not be longer than ${NAME_LENGTH_MAX} bytes`
  if (/[\p{Cc}"`{}]/u.test(name)) return 'must not hold quotes, braces or control characters'
  if (/^(?:sqlite_|streamstack|pg_)/i.test(name)) return 'must not start with sqlite_, pg_ or streamstack'
  if (['__proto__', 'constructor', 'prototype', 'rowid', '_rowid_', 'oid'].includes(name.toLowerCase()))
    return 'is reserved'
  return null
}

/** The column of that name, or undefined. */
export function columnOf(table: TableDeclaration, name: string): ColumnDeclaration | undefined {
  return table.columns.find((column) => column.name === name)
}

/** The columns that a record shows unless a query names its columns: all that are not private. */
export function shownColumns({ columns }: TableDeclaration): readonly ColumnDeclaration[] {
  return columns.some((column) => column.private) ? columns.filter((column) => !column.private) : columns
}
