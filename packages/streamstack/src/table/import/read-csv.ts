import { Readable } from 'node:stream'
import { CsvError, parse } from 'csv-parse'
import { StreamstackError } from '@streamstack/protocol'
import type { Value } from '@streamstack/protocol'
import type { SourceRow } from './source-row.ts'

const batchRows = 1000
/** A quote that is never closed would swallow the rest of the file. */
const recordLengthMax = 16 * 1024 * 1024
const delimiters = [',', ';', '\t', '|'] as const

interface CsvRecord {
  readonly record: readonly string[]
  readonly info: { readonly lines: number }
}

/**
 * Records of a CSV file (RFC 4180) whose first line names the columns; commas, semicolons, tabs and bars are told apart
 * by that line. Empty cells become null. Rows of another length than the first line have a problem.
 */
export async function* readCsv(texts: AsyncIterable<string>): AsyncGenerator<readonly SourceRow[]> {
  const iterator = texts[Symbol.asyncIterator]()
  const first = await iterator.next()
  if (first.done === true || first.value.trim() === '') throw wrong('it is empty', null)
  const parser = parse({
    delimiter: delimiterOf(first.value),
    bom: true,
    info: true,
    relax_column_count: true,
    skip_empty_lines: true,
    max_record_size: recordLengthMax,
  })
  const source = Readable.from(allTexts(first.value, iterator))
  source.on('error', (error) => parser.destroy(error))
  source.pipe(parser)
  try {
    yield* batches(parser)
  } catch (error) {
    throw error instanceof CsvError ? wrong(csvProblem(error), error) : error
  } finally {
    source.destroy()
    parser.destroy()
  }
}

async function* batches(records: AsyncIterable<CsvRecord>): AsyncGenerator<readonly SourceRow[]> {
  let header: readonly string[] | null = null
  let batch: SourceRow[] = []
  // A record's own line is the one behind the end of the record before.
  let line = 1
  for await (const { record, info } of records) {
    if (header === null) header = checkedHeader(record)
    else batch.push(rowOf(header, record, line))
    line = info.lines + 1
    if (batch.length < batchRows) continue
    yield batch
    batch = []
  }
  if (batch.length > 0) yield batch
}

async function* allTexts(first: string, rest: AsyncIterator<string>): AsyncGenerator<string> {
  yield first
  for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value
}

function checkedHeader(record: readonly string[]): readonly string[] {
  const header = record.map((name) => name.trim())
  const twin = header.find((name, at) => name !== '' && header.indexOf(name) !== at)
  if (twin !== undefined) throw wrong(`its first line names the column "${twin}" twice`, null)
  // An object cannot hold a value of this name like any other, and no column may have it.
  if (header.includes('__proto__'))
    throw wrong('its first line names a column "__proto__", which is a reserved name; rename the column there', null)
  return header
}

function rowOf(header: readonly string[], cells: readonly string[], line: number): SourceRow {
  if (cells.length !== header.length) {
    return { line, row: cells, problem: `has ${cells.length} cells where the first line has ${header.length}` }
  }
  const row: Record<string, Value> = {}
  for (let at = 0; at < header.length; at += 1) row[header[at]!] = cells[at] === '' ? null : cells[at]!
  return { line, row, problem: null }
}

/** The sign that stands most often in the first line, outside of quotes. */
function delimiterOf(text: string): string {
  const line = /^(?:"(?:[^"]|"")*"|[^"\r\n])*/.exec(text.replace(/^\uFEFF/, ''))?.[0] ?? ''
  const bare = line.replaceAll(/"(?:[^"]|"")*"/g, '')
  const counts = delimiters.map((sign) => bare.split(sign).length)
  return delimiters[counts.indexOf(Math.max(...counts))]!
}

function csvProblem(error: CsvError): string {
  const line = 'lines' in error && typeof error['lines'] === 'number' ? ` at line ${error['lines']}` : ''
  if (error.code === 'CSV_QUOTE_NOT_CLOSED') return `a quote is opened and never closed${line}`
  if (error.code === 'CSV_MAX_RECORD_SIZE')
    return `a record is longer than ${recordLengthMax} characters${line}; a quote may be missing its end`
  return `the quotes are wrong${line}; a quote inside of a quoted cell is written twice`
}

function wrong(problem: string, cause: unknown): StreamstackError {
  return new StreamstackError('file_unreadable', `The CSV file cannot be imported: ${problem}.`, {
    cause: cause ?? undefined,
  })
}
