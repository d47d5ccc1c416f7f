import { createWriteStream, existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { resolve } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { type Value, csvLine } from '@streamstack/protocol'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { WorkspaceError, compileWorkspace } from '../engine/index.ts'
import {
  type Filter,
  type PageMark,
  type Query,
  type RecordStore,
  type Row,
  type TableDeclaration,
  filterFromValue,
  hasRecords,
  openRecordStore,
  parseOrder,
} from '../table/index.ts'
import { didYouMean, didYouMeanOr } from '../text/did-you-mean.ts'
import { readWorkspace } from '../workspace/index.ts'
import { CommandFailure } from './failure.ts'
import { type CommandIo, colorsOf } from './io.ts'
import { counted, placed } from './issue-lines.ts'
import { textTable } from './text-table.ts'
import { type WorkspaceDir, workspaceDir } from './workspace-dir.ts'
import { writeTo } from './write-to.ts'

type RecordsFormat = 'table' | 'csv' | 'ndjson' | 'json'

interface RecordsOptions {
  where?: string
  order?: string
  limit?: number
  columns?: readonly string[]
  format: RecordsFormat
  output?: string
  escapeFormulas?: true
  data?: string
}

/** Records of a table on the screen, unless `--limit` asks for more. */
const SHOWN_MAX = 20

/** Records that are read at once. */
const PAGE_RECORDS = 1_000

/** `records`: looks into a table, and exports it. */
export function addRecords(program: Command, io: CommandIo): void {
  program
    .command('records')
    .description('List, filter and export the records of a table; without a table, list the tables.')
    .argument('[table]', 'the name of the table')
    .argument('[dir]', 'the workspace folder (default: this one)')
    .option('--where <filter>', 'as in Get Records: "delay > 60 && origin == \'JFK\'", or JSON')
    .option('--order <order>', 'as in Get Records: "delay DESC, id"')
    .option('--limit <count>', `how many at most (default: ${SHOWN_MAX} for a table, else all)`, wholeNumber)
    .option('--columns <names>', 'which columns, in which order: id,origin (default: all but private ones)', names)
    .addOption(
      new Option('--format <format>', 'how they are written')
        .choices(['table', 'csv', 'ndjson', 'json'])
        .default('table'),
    )
    .option('--output <file>', 'write to a new file instead')
    .option('--escape-formulas', "csv: put ' before cells that a spreadsheet would compute")
    .option('--data <folder>', "instead of the workspace's own data folder")
    .addHelpText(
      'after',
      `\nA server may be running meanwhile. Exports are read page by page, so records that are written then may be in or not.

Example:
  streamstack records flights examples --where "delay > 600" --order "delay DESC" --format csv --output late.csv`,
    )
    .action((table: string | undefined, dir: string | undefined, options: RecordsOptions) =>
      records(io, table, dir, options),
    )
}

function wholeNumber(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('It must be a whole number.')
}

function names(text: string): readonly string[] {
  return text.split(',').map((name) => name.trim())
}

async function records(
  io: CommandIo,
  table: string | undefined,
  named: string | undefined,
  options: RecordsOptions,
): Promise<void> {
  // `records my-api` is the folder, where there is no such table.
  const isFolder = table !== undefined && named === undefined && isWorkspace(io, table)
  const dir = workspaceDir(io, isFolder ? table : named)
  const { store, tables } = await openRecords(io, dir, options)
  try {
    const declared = tables.find(({ name }) => name === table)
    if (declared !== undefined) await writeRecords(io, store, declared, options)
    else if (table === undefined || isFolder) await listTables(io, store, tables)
    else throw unknownTable(table, tables)
  } finally {
    await store?.close()
  }
}

function isWorkspace(io: CommandIo, named: string): boolean {
  const path = resolve(io.cwd, named)
  return existsSync(resolve(path, 'tables')) || existsSync(resolve(path, 'streamstack.yaml'))
}

/** The records as they are kept; null: nothing is kept yet. */
async function openRecords(
  io: CommandIo,
  dir: WorkspaceDir,
  { data }: RecordsOptions,
): Promise<{ store: RecordStore | null; tables: readonly TableDeclaration[] }> {
  const compiled = compileWorkspace(await readWorkspace(dir.path, io.env), null)
  if (compiled.settings === null) throw new WorkspaceError(compiled.issues.map((issue) => placed(issue, dir.prefix)))
  const { tables, settings } = compiled
  const folder = data === undefined ? settings.dataFolder : resolve(io.cwd, data)
  if (!hasRecords(folder)) return { store: null, tables }
  const { store } = await openRecordStore({ folder, tables })
  return { store, tables }
}

async function listTables(
  io: CommandIo,
  store: RecordStore | null,
  tables: readonly TableDeclaration[],
): Promise<void> {
  const { bold, dim } = colorsOf(io.stdout, io.env)
  const usable = new Set(store?.tables().map(({ name }) => name))
  const rows: string[][] = []
  for (const { name, columns, description } of tables) {
    const count = store === null || !usable.has(name) ? 0 : await store.count(name)
    rows.push([name, count.toLocaleString('en-US'), columns.map((column) => column.name).join(', '), description ?? ''])
  }
  const lines = textTable(['TABLE', 'RECORDS', 'COLUMNS', ''], rows, { head: bold, last: dim, right: [1] })
  for (const line of lines) io.stdout.write(`${line}\n`)
}

async function writeRecords(
  io: CommandIo,
  store: RecordStore | null,
  table: TableDeclaration,
  options: RecordsOptions,
): Promise<void> {
  const { format, limit, output } = options
  const query: Query = {
    table: table.name,
    where: filterOf(options.where),
    order: options.order === undefined ? [] : parseOrder(options.order),
    limit: limit ?? (format === 'table' ? SHOWN_MAX : null),
    offset: 0,
    columns: options.columns ?? table.columns.filter((column) => !column.private).map(({ name }) => name),
    after: null,
  }
  const pages = store === null ? [] : pagesOf(store, query, io.signal)
  if (format === 'table') return showTable(io, pages, { query, store, table })
  const text = exportText(pages, format, query.columns ?? [], options.escapeFormulas === true)
  if (output === undefined) return writeTo(io.stdout, text)
  const path = resolve(io.cwd, output)
  try {
    await pipeline(text, createWriteStream(path, { flags: 'wx', mode: 0o600 }))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') {
      // Half an export must not be taken for a whole one.
      await rm(path, { force: true })
      throw error
    }
    throw new CommandFailure(`${output} is there already; name a new file, or remove it first.`, { cause: error })
  }
}

function filterOf(where: string | undefined): Filter | null {
  if (where === undefined) return null
  if (!where.trimStart().startsWith('{')) return filterFromValue(where)
  try {
    return filterFromValue(JSON.parse(where) as Value)
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    throw new CommandFailure(`--where is neither a filter nor JSON: ${error.message}.`, { cause: error })
  }
}

/** Pages by key: each costs the same, however far in. */
async function* pagesOf(store: RecordStore, query: Query, signal: AbortSignal): AsyncGenerator<readonly Row[]> {
  let after: PageMark | null = null
  for (let left = query.limit ?? Infinity; left > 0;) {
    if (signal.aborted) throw new CommandFailure('Stopped.')
    const limit: number = Math.min(left, PAGE_RECORDS)
    const page: { rows: readonly Row[]; mark: PageMark | null } = await store.page({ ...query, limit, after }, 'rows')
    if (page.rows.length > 0) yield page.rows
    if (page.rows.length < limit || page.mark === null) return
    left -= page.rows.length
    after = page.mark
  }
}

async function showTable(
  io: CommandIo,
  pages: AsyncIterable<readonly Row[]> | readonly (readonly Row[])[],
  { query, store, table }: { query: Query; store: RecordStore | null; table: TableDeclaration },
): Promise<void> {
  const { bold, dim } = colorsOf(io.stdout, io.env)
  const columns = query.columns ?? []
  const rows: Row[] = []
  for await (const page of pages) rows.push(...page)
  const isNumber = (name: string): boolean =>
    ['integer', 'number'].includes(table.columns.find((column) => column.name === name)?.type ?? '')
  const lines = textTable(
    columns,
    rows.map((row) => columns.map((column) => cellText(row[column] ?? null))),
    { head: bold, right: columns.flatMap((name, at) => (isNumber(name) ? [at] : [])) },
  )
  for (const line of lines) io.stdout.write(`${line}\n`)
  const total = store === null ? 0 : await store.count(table.name, query.where)
  const more = total > rows.length ? '; --limit shows more, --format csv exports all' : ''
  io.stdout.write(dim(`${rows.length.toLocaleString('en-US')} of ${counted(total, 'record')}${more}\n`))
}

async function* exportText(
  pages: AsyncIterable<readonly Row[]> | readonly (readonly Row[])[],
  format: Exclude<RecordsFormat, 'table'>,
  columns: readonly string[],
  escapesFormulas: boolean,
): AsyncGenerator<string> {
  if (format === 'csv') yield csvLine(columns, escapesFormulas)
  if (format === 'json') yield '['
  let separator = '\n'
  for await (const rows of pages) {
    let text = ''
    for (const row of rows) {
      if (format === 'csv') {
        text += csvLine(
          columns.map((column) => row[column] ?? null),
          escapesFormulas,
        )
      } else if (format === 'ndjson') text += `${JSON.stringify(row)}\n`
      else {
        text += separator + JSON.stringify(row)
        separator = ',\n'
      }
    }
    yield text
  }
  if (format === 'json') yield '\n]\n'
}

function cellText(value: Value): string {
  return value === null ? '' : typeof value === 'string' ? value : JSON.stringify(value)
}

function unknownTable(table: string, tables: readonly TableDeclaration[]): CommandFailure {
  const known = tables.map(({ name }) => name)
  const guess = didYouMean(table, known)
  const cure = didYouMeanOr(guess, `There are: ${known.join(', ') || 'none'}.`)
  return new CommandFailure(`There is no table ${table}. ${cure}`)
}
