import { randomUUID } from 'node:crypto'
import { StreamstackError } from '@streamstack/protocol'
import type { Value } from '@streamstack/protocol'
import { columnCodecs, isMisfit } from './column-type.ts'
import type { Misfit, StoredValue } from './column-type.ts'
import type { ColumnDeclaration, TableDeclaration } from './declaration.ts'
import type { RecordInput } from './query.ts'
import { requireColumn } from './require-column.ts'

/**
 * A record as it is stored, in the order of the table's columns, defaults filled in; undefined leaves the primary key to
 * the database. Throws `column_unknown` and `record_invalid`.
 */
export function storedRecord(table: TableDeclaration, record: RecordInput): readonly (StoredValue | undefined)[] {
  for (const name of Object.keys(record)) requireColumn(table, name, 'The record')
  return table.columns.map((column) => {
    const value = Object.hasOwn(record, column.name) ? record[column.name] : undefined
    const stored = storedValue(column, value, 'store')
    if (stored !== undefined && isMisfit(stored)) throw invalid(table, column, stored)
    return stored
  })
}

/** The changes of a record as they are stored. Throws `column_unknown` and `record_invalid`. */
export function storedChanges(
  table: TableDeclaration,
  changes: RecordInput,
): readonly { readonly column: ColumnDeclaration; readonly value: StoredValue }[] {
  return Object.entries(changes).map(([name, value]) => {
    const column = requireColumn(table, name, 'The change')
    const stored = checkedValue(column, value, 'store')
    if (isMisfit(stored)) throw invalid(table, column, stored)
    return { column, value: stored }
  })
}

/**
 * One value as it is stored, with the column's default for undefined, or why it does not fit. undefined comes back only
 * for a primary key that the database counts up.
 */
export function storedValue(
  column: ColumnDeclaration,
  value: Value | undefined,
  how: 'store' | 'coerce',
): StoredValue | undefined | Misfit {
  if (value === undefined || (value === null && column.primary)) {
    if (column.primary && column.type === 'integer') return undefined
    const made = defaultValue(column)
    return made === null && column.required ? missing : made
  }
  return checkedValue(column, value, how)
}

function checkedValue(column: ColumnDeclaration, value: Value, how: 'store' | 'coerce'): StoredValue | Misfit {
  if (value === null) return column.required ? missing : null
  const stored = columnCodecs[column.type][how](value)
  if (column.values === null || isMisfit(stored) || column.values.includes(stored)) return stored
  return { misfit: `must be one of: ${column.values.join(', ')}` }
}

const missing: Misfit = { misfit: 'must not be empty' }

function defaultValue(column: ColumnDeclaration): StoredValue {
  if (column.default === null) return column.primary && column.type === 'uuid' ? randomUUID() : null
  if (column.default.kind === 'value') return column.default.value
  return column.default.kind === 'now' ? new Date().toISOString() : randomUUID()
}

function invalid(table: TableDeclaration, column: ColumnDeclaration, misfit: Misfit): StreamstackError {
  return new StreamstackError(
    'record_invalid',
    `The column "${column.name}" of table "${table.name}" ${misfit.misfit}.`,
  )
}
