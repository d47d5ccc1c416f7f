import type { Value } from './value.ts'

/** First characters that make a spreadsheet evaluate a cell as a formula (OWASP, CSV injection). */
const FORMULA = /^[=+\-@\t\r\n]/

/**
 * One line of CSV (RFC 4180), with a line feed. Null is an empty cell and empty text a quoted one, which keeps them apart; objects and lists are
 * JSON. `escapesFormulas` puts a quotation mark before text that a spreadsheet would compute; numbers stay.
 */
export function csvLine(values: readonly Value[], escapesFormulas: boolean): string {
  return `${values.map((value) => cell(value, escapesFormulas)).join(',')}\n`
}

function cell(value: Value, escapesFormulas: boolean): string {
  if (value === null) return ''
  if (typeof value !== 'string') return quoted(JSON.stringify(value))
  return value === '' ? '""' : quoted(escapesFormulas && FORMULA.test(value) ? `'${value}` : value)
}

function quoted(text: string): string {
  return /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
