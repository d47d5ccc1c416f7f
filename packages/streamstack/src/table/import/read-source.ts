import { extname } from 'node:path'
import { StreamstackError } from '@streamstack/protocol'
import { decodeFile } from './decode-file.ts'
import type { DecodeProgress } from './decode-file.ts'
import { jsonRow } from './json-members.ts'
import { JsonSplitter } from './json-splitter.ts'
import { CsvSource } from './read-csv.ts'
import type { Source, SourceRow } from './source-row.ts'

/** The kinds of files that can be imported. */
export const IMPORT_FORMATS = ['csv', 'json', 'ndjson'] as const
export type ImportFormat = (typeof IMPORT_FORMATS)[number]

export interface SourceOptions {
  file: string
  /** Default: by the file's ending. */
  format?: ImportFormat | null
  /** Default: UTF-8, or UTF-16 when the file says so. */
  encoding?: string | null
  /** The character between cells, for CSV. Default: found in the first line; a tab for `.tsv`. */
  delimiter?: string | null
  /** The character that quotes cells, for CSV, or `none`. Default: `"`; `none` for `.tsv`. */
  quote?: string | null
}

const endings: ReadonlyMap<string, ImportFormat> = new Map<string, ImportFormat>([
  ['.csv', 'csv'],
  ['.tsv', 'csv'],
  ['.tab', 'csv'],
  ['.json', 'json'],
  ['.geojson', 'json'],
  ['.ndjson', 'ndjson'],
  ['.jsonl', 'ndjson'],
])

/** A line longer than this, in characters, is refused. */
const LINE_LENGTH_MAX = 64 * 1024 * 1024

/** The records of a file, which is read once; `progress` follows the reading. Throws `file_unreadable`. */
export function readSource(options: SourceOptions, progress: DecodeProgress): Source {
  const ending = extname(options.file).toLowerCase()
  const format = options.format ?? endings.get(ending)
  if (format === undefined) {
    throw new StreamstackError(
      'file_unreadable',
      `The ending "${ending}" does not tell what the file holds; say it with \`--format\` and one of: ${IMPORT_FORMATS.join(', ')}.`,
    )
  }
  const delimiter = delimiterOf(options.delimiter ?? null)
  const quote = quoteOf(options.quote ?? null)
  if (format !== 'csv' && (delimiter !== null || quote !== undefined)) {
    throw new StreamstackError(
      'file_unreadable',
      `\`--delimiter\` and \`--quote\` are for CSV, and the file is read as ${format}; leave them out, or add \`--format csv\`.`,
    )
  }
  const texts = decodeFile(options.file, options.encoding ?? null, progress)
  if (format === 'json') return { header: null, rows: () => readJson(texts) }
  if (format === 'ndjson') return { header: null, rows: () => readLines(texts) }
  const tabs = ending === '.tsv' || ending === '.tab'
  return new CsvSource(texts, {
    delimiter: delimiter ?? (tabs ? '\t' : undefined),
    // text/tab-separated-values (IANA) has no quoting.
    quote: quote === undefined ? (tabs ? null : undefined) : quote,
  })
}

function delimiterOf(written: string | null): string | null {
  if (written === null) return null
  const delimiter = written === 'tab' || written === String.raw`\t` ? '\t' : written
  if (delimiter.length === 1 && !/["\r\n]/.test(delimiter)) return delimiter
  throw new StreamstackError(
    'file_unreadable',
    `The delimiter "${written}" cannot be used; write one character, such as \`--delimiter ";"\`, or \`--delimiter tab\`.`,
  )
}

function quoteOf(written: string | null): string | null | undefined {
  if (written === null) return undefined
  if (written === 'none') return null
  if (written.length === 1 && !/[\r\n]/.test(written)) return written
  throw new StreamstackError(
    'file_unreadable',
    `The quote "${written}" cannot be used; write one character, such as \`--quote "'"\`, or \`--quote none\`.`,
  )
}

async function* readJson(texts: AsyncIterable<string>): AsyncGenerator<readonly SourceRow[]> {
  const splitter = new JsonSplitter()
  for await (const text of texts) {
    const rows = splitter.push(text)
    if (rows.length > 0) yield rows
  }
  splitter.end()
}

/** One object a line; a raw CR cannot stand in JSON text, so it ends a line as well. */
async function* readLines(texts: AsyncIterable<string>): AsyncGenerator<readonly SourceRow[]> {
  let parts: string[] = []
  let partsLength = 0
  let line = 1
  let afterReturn = false
  for await (const piece of texts) {
    const text = afterReturn && piece.startsWith('\n') ? piece.slice(1) : piece
    if (piece !== '') afterReturn = piece.endsWith('\r')
    const lines = text.split(/\r\n|\n|\r/)
    const last = lines.pop() ?? ''
    const rows: SourceRow[] = []
    for (const one of lines) {
      const whole = parts.length === 0 ? one : parts.join('') + one
      parts = []
      partsLength = 0
      if (whole.trim() !== '') rows.push(jsonRow(whole, line))
      line += 1
    }
    if (last !== '') parts.push(last)
    partsLength += last.length
    if (partsLength > LINE_LENGTH_MAX) {
      throw new StreamstackError('file_unreadable', `The file cannot be imported: line ${line} is too long.`)
    }
    if (rows.length > 0) yield rows
  }
  const rest = parts.join('')
  if (rest.trim() !== '') yield [jsonRow(rest, line)]
}
