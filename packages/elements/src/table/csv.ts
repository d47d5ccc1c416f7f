import { valueText } from '../base/pick.ts'
import { type RowStore, type TableColumn, cellOf } from './row-store.ts'

/** Lines of a file are made in parts of so many rows, so that no text grows without bound. */
const ROWS_A_PART = 5_000

/** The rows as CSV (RFC 4180), in the order in which they are shown. */
export function csvOf(store: RowStore, columns: readonly TableColumn[]): Blob {
  const parts = [`\uFEFF${columns.map(({ path, label }) => cell(label ?? path)).join(',')}\r\n`]
  let lines: string[] = []
  for (let index = 0; index < store.length; index++) {
    const row = store.at(index)
    lines.push(columns.map(({ path }) => cell(cellOf(row, path))).join(','))
    if (lines.length < ROWS_A_PART && index < store.length - 1) continue
    parts.push(`${lines.join('\r\n')}\r\n`)
    lines = []
  }
  return new Blob(parts, { type: 'text/csv;charset=utf-8' })
}

/** A text that a spreadsheet would run as a formula begins with an apostrophe. */
function cell(value: unknown): string {
  if (typeof value === 'number') return String(value)
  const text = valueText(value)
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
