import { extname } from 'node:path'
import { StreamstackError } from '@streamstack/protocol'
import { decodeFile } from './decode-file.ts'
import type { DecodeProgress } from './decode-file.ts'
import { JsonSplitter } from './json-splitter.ts'
import { readCsv } from './read-csv.ts'
import { parsedRow } from './source-row.ts'
import type { SourceRow } from './source-row.ts'

/** The kinds of files that can be imported. */
export const importFormats = ['csv', 'json', 'ndjson'] as const
export type ImportFormat = (typeof importFormats)[number]

export interface SourceOptions {
  file: string
  /** Default: by the file's ending. */
  format?: ImportFormat | null
  /** Default: UTF-8, or UTF-16 when the file says so. */
  encoding?: string | null
}

const endings: ReadonlyMap<string, ImportFormat> = new Map<string, ImportFormat>([
  ['.csv', 'csv'],
  ['.tsv', 'csv'],
  ['.json', 'json'],
  ['.geojson', 'json'],
  ['.ndjson', 'ndjson'],
  ['.jsonl', 'ndjson'],
])

/** A line longer than this, in characters, is refused. */
const lineLengthMax = 64 * 1024 * 1024

/** The records of a file, some at a time; `progress` follows the reading. Throws `file_unreadable`. */
export function readSource(options: SourceOptions, progress: DecodeProgress): AsyncGenerator<readonly SourceRow[]> {
  const ending = extname(options.file).toLowerCase()
  const format = options.format ?? endings.get(ending)
  if (format === undefined) {
    throw new StreamstackError(
      'file_unreadable',
      `The ending "${ending}" does not tell what the file holds; say it with \`--format\` and one of: ${importFormats.join(', ')}.`,
    )
  }
  const texts = decodeFile(options.file, options.encoding ?? null, progress)
  if (format === 'csv') return readCsv(texts)
  return format === 'json' ? readJson(texts) : readLines(texts)
}

async function* readJson(texts: AsyncIterable<string>): AsyncGenerator<readonly SourceRow[]> {
  const splitter = new JsonSplitter()
  for await (const text of texts) {
    const rows = splitter.push(text)
    if (rows.length > 0) yield rows
  }
  splitter.end()
}

async function* readLines(texts: AsyncIterable<string>): AsyncGenerator<readonly SourceRow[]> {
  let rest = ''
  let line = 1
  for await (const text of texts) {
    const lines = (rest + text).split('\n')
    rest = lines.pop() ?? ''
    if (rest.length > lineLengthMax)
      throw new StreamstackError(
        'file_unreadable',
        `The file cannot be imported: line ${line + lines.length} is too long.`,
      )
    const rows: SourceRow[] = []
    for (const one of lines) {
      if (one.trim() !== '') rows.push(parsedRow(one, line))
      line += 1
    }
    if (rows.length > 0) yield rows
  }
  if (rest.trim() !== '') yield [parsedRow(rest, line)]
}
