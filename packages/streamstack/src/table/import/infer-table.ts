import type { Value } from '@streamstack/protocol'
import { Document } from 'yaml'
import { columnCodecs, isMisfit } from '../column-type.ts'
import type { ColumnType } from '../column-type.ts'
import { nameProblem } from '../declaration.ts'
import { readSource } from './read-source.ts'
import type { SourceOptions } from './read-source.ts'

/** Tried in this order; the first that all values of a column fit is its type. */
const candidates: readonly ColumnType[] = ['boolean', 'integer', 'number', 'uuid', 'timestamp', 'json', 'text']

/** The first records of a file, for `inferTable`; rows with a problem are left out. */
export async function sampleRows(options: SourceOptions, rowsMax = 50_000): Promise<readonly Value[]> {
  const rows: Value[] = []
  for await (const batch of readSource(options, { bytesRead: 0 })) {
    for (const source of batch) if (source.problem === null) rows.push(source.row)
    if (rows.length >= rowsMax) break
  }
  return rows
}

/**
 * A declaration for records like these: the text of a new `tables/<name>.yaml`. A column `id` without gaps and doubles
 * becomes the primary one. The more records, the better the types; a type never promises more than the sample shows.
 */
export function inferTable(rows: readonly Value[]): string {
  const columns = new Map<string, ColumnSample>()
  for (const row of rows) {
    for (const [name, value] of Object.entries(row ?? {})) {
      let sample = columns.get(name)
      if (sample === undefined) columns.set(name, (sample = new ColumnSample()))
      sample.add(value)
    }
  }
  const declared: Record<string, Record<string, Value>> = {}
  const leftOut: string[] = []
  for (const [name, sample] of columns) {
    if (nameProblem(name) !== null) {
      leftOut.push(name)
      continue
    }
    const type = sample.type()
    const key = name.toLowerCase() === 'id' && ['integer', 'text', 'uuid'].includes(type) && sample.isKey(rows.length)
    // An `id` with gaps or doubles is a column like any other, and the key gets another name than it would get unasked.
    if (name.toLowerCase() === 'id' && !key) declared['record_id'] = { type: 'integer', primary: true }
    declared[name] = key ? { type, primary: true } : { type }
  }
  const document = new Document({ columns: declared })
  for (const name of Object.keys(declared)) {
    const node = document.getIn(['columns', name], true)
    if (typeof node === 'object' && node !== null) Object.assign(node, { flow: true })
  }
  if (leftOut.length > 0)
    document.commentBefore = ` Left out, for these cannot be names of columns: ${JSON.stringify(leftOut)}`
  return document.toString({ lineWidth: 0 })
}

class ColumnSample {
  private fitting = candidates
  private present = 0
  private readonly seen = new Set<Value>()

  add(value: Value): void {
    if (value === null || value === '') return
    this.present += 1
    this.seen.add(value)
    this.fitting = this.fitting.filter((type) => fits(type, value))
  }

  type(): ColumnType {
    return this.present === 0 ? 'text' : (this.fitting[0] ?? 'json')
  }

  isKey(rows: number): boolean {
    return this.present === rows && this.seen.size === rows
  }
}

function fits(type: ColumnType, value: Value): boolean {
  if (type === 'text') return typeof value !== 'object'
  if (type === 'json') return typeof value === 'object'
  if (type === 'boolean') return typeof value === 'boolean' || value === 'true' || value === 'false'
  if (typeof value === 'boolean' || typeof value === 'object') return false
  // Digits behind a leading zero are a code, as of a post office, and a sum with them would lose it.
  if ((type === 'integer' || type === 'number') && typeof value === 'string' && /^[+-]?0\d/.test(value.trim()))
    return false
  // A number may be a time and a text of digits an id; only text that looks like a time is one.
  if (type === 'timestamp' && typeof value !== 'string') return false
  const digits = typeof value === 'string' && /^\s*[+-]?\d+\s*$/.test(value)
  if (type === 'integer' && typeof value === 'string' && !digits) return false
  // A number would lose digits of it; where 64 bits do not hold it either, its column is text.
  if (type === 'number' && digits && !Number.isSafeInteger(Number(value))) return false
  return !isMisfit(columnCodecs[type].coerce(value))
}
