import { existsSync } from 'node:fs'
import { access, mkdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join, relative, resolve } from 'node:path'
import { type Command, Option } from 'commander'
import { WorkspaceError, compileWorkspace } from '../engine/index.ts'
import {
  type ImportFormat,
  type ImportResult,
  type RecordStore,
  IMPORT_FORMATS,
  openRecordStore,
  type StagedFile,
  stageFile,
} from '../table/index.ts'
import { didYouMean, suggest } from '../text/did-you-mean.ts'
import { readWorkspace } from '../workspace/index.ts'
import { CommandFailure } from './failure.ts'
import { type CommandIo, colorsOf } from './io.ts'
import { counted, placed } from './issue-lines.ts'
import { ProgressBar, rowsPerSecond } from './progress-bar.ts'
import { visible } from './text-table.ts'
import { type WorkspaceDir, workspaceDir } from './workspace-dir.ts'

interface ImportCommandOptions {
  create?: true
  replace?: true
  ignoreUnknown?: true
  encoding?: string
  delimiter?: string
  quote?: string
  format?: ImportFormat
  rejected?: string
  data?: string
}

interface ImportTarget {
  table: string
  /** Absolute. */
  file: string
}

const TABLE_ENDINGS: readonly string[] = ['.yaml', '.yml', '.json', '.jsonc']

/** `import`: records of a file into a table, all in one transaction. */
export function addImport(program: Command, io: CommandIo): void {
  program
    .command('import')
    .description('Import the records of a CSV, JSON or NDJSON file into a table.')
    .argument('<table>', 'the table, as declared in tables/')
    .argument('<file>', 'the file: .csv, .tsv, .json, .ndjson or .jsonl; - for what is piped in')
    .argument('[dir]', 'the workspace folder (default: this one)')
    .option('--create', 'declare the table from what is in the file, when it is not declared yet')
    .option('--replace', 'put the new records in the place of those that are there')
    .option('--ignore-unknown', 'leave out columns that the table does not have')
    .option('--encoding <name>', 'the encoding of the file, such as windows-1252 (default: UTF-8)')
    .option(
      '--delimiter <character>',
      'what stands between the cells of a CSV file, or tab (default: found in its first line)',
    )
    .option('--quote <character>', 'what quotes the cells of a CSV file, or none (default: ", and none for .tsv)')
    .option('--rejected <file>', 'where records that do not fit are written (default: beside the file)')
    .addOption(
      new Option('--format <format>', 'what the file is, when its ending does not tell').choices([...IMPORT_FORMATS]),
    )
    .option('--data <folder>', "instead of the workspace's own data folder")
    .addHelpText(
      'after',
      `\nRecords that do not fit are left out and written, with line and reason, beside the file as <file>.rejected.ndjson.
Nothing is kept of an import that does not come to its end. Exit code 1 when no record went in.`,
    )
    .action((table: string, file: string, dir: string | undefined, options: ImportCommandOptions) =>
      importFile(
        io,
        workspaceDir(io, dir),
        { table, file: file === '-' ? '/dev/stdin' : resolve(io.cwd, file) },
        options,
      ),
    )
}

async function importFile(
  io: CommandIo,
  dir: WorkspaceDir,
  target: ImportTarget,
  options: ImportCommandOptions,
): Promise<void> {
  const isNew = options.create === true && (await isUndeclared(io, dir, target))
  // What is wrong with the workspace is told before a long file is read.
  if (!isNew) await (await openRecords(io, dir, target.table, options)).close()
  const bar = new ProgressBar(io)
  try {
    const staged = await stageFile(
      {
        file: target.file,
        encoding: options.encoding ?? null,
        format: options.format ?? null,
        delimiter: options.delimiter ?? null,
        quote: options.quote ?? null,
        stagingFolder: await stagingFolder(io, dir, options),
        onProgress: (progress) => bar.draw(target.table, progress),
        signal: io.signal,
      },
      isNew,
    )
    try {
      const created = isNew ? await createDeclaration(io, dir, target, staged) : null
      await storeStaged(io, dir, target, { staged, created, options })
    } finally {
      await staged.close()
    }
  } catch (error) {
    if (io.signal.aborted) throw new CommandFailure('Stopped. Nothing was imported; the table is as it was.')
    throw error
  } finally {
    bar.clear()
  }
}

interface StoreRequest {
  staged: StagedFile
  /** The declaration that was made for these records. */
  created: string | null
  options: ImportCommandOptions
}

async function storeStaged(
  io: CommandIo,
  dir: WorkspaceDir,
  target: ImportTarget,
  { staged, created, options }: StoreRequest,
): Promise<void> {
  let inserted = 0
  try {
    const store = await openRecords(io, dir, target.table, options)
    try {
      const result = await staged.storeIn(store, {
        table: target.table,
        replace: options.replace === true,
        ignoreUnknown: options.ignoreUnknown === true,
        ...(options.rejected === undefined ? {} : { rejectedFile: resolve(io.cwd, options.rejected) }),
      })
      inserted = tell(io, target, result)
    } finally {
      await store.close()
    }
  } finally {
    // A declaration that was made for these records goes with them.
    if (created !== null && inserted === 0) await rm(created, { force: true })
  }
}

/** Says what the import came to; it is committed by now. */
function tell(io: CommandIo, { table }: ImportTarget, result: ImportResult): number {
  const { green, yellow } = colorsOf(io.stdout, io.env)
  const { inserted, rejected, seconds, rejectedFile } = result
  if (inserted > 0) {
    const speed = `in ${seconds.toFixed(1)} s (${rowsPerSecond(inserted + rejected, seconds)})`
    io.stdout.write(`${green('done:')} ${counted(inserted, 'record')} imported into ${table} ${speed}.\n`)
  }
  if (rejectedFile !== null) {
    const shown = relative(io.cwd, rejectedFile)
    const file = shown.startsWith('..') ? rejectedFile : shown
    io.stdout.write(`${yellow('rejected:')} ${counted(rejected, 'record')} did not fit; ${file} says why.\n`)
    for (const line of rejectLines(result)) io.stdout.write(`  ${line}\n`)
  }
  if (inserted > 0) return inserted
  io.setExitCode(1)
  io.stderr.write(rejected > 0 ? 'No record went in.\n' : 'The file holds no records; nothing was imported.\n')
  return 0
}

/** Reasons that are counted in the terminal. */
const REASONS_SHOWN_MAX = 5

/** The first rejected records and, where there are more, how many of them each reason has. */
function rejectLines({ rejected, rejects: { first, reasons } }: ImportResult): string[] {
  const lines = first.map(({ line, reason }) => `line ${line}: ${visible(reason)}`)
  if (rejected <= first.length) return lines
  const counts = reasons.slice(0, REASONS_SHOWN_MAX).map(({ reason, count }) => `${count} × ${visible(reason)}`)
  const others = rejected - reasons.slice(0, REASONS_SHOWN_MAX).reduce((sum, { count }) => sum + count, 0)
  return [...lines, '…', ...counts, ...(others > 0 ? [`${others} × other reasons`] : [])]
}

/** The data folder, whose disk has room for the records if any has; before there is one, the system's. */
async function stagingFolder(io: CommandIo, dir: WorkspaceDir, options: ImportCommandOptions): Promise<string> {
  const { settings } = compileWorkspace(await readWorkspace(dir.path, io.env), null)
  const folder = options.data === undefined ? settings?.dataFolder : resolve(io.cwd, options.data)
  return folder !== undefined && existsSync(folder) ? folder : tmpdir()
}

/** Opens the records of a workspace. Broken endpoints do not matter here; a broken declaration of the table does. */
async function openRecords(
  io: CommandIo,
  dir: WorkspaceDir,
  table: string,
  options: ImportCommandOptions,
): Promise<RecordStore> {
  const compiled = compileWorkspace(await readWorkspace(dir.path, io.env), null)
  const broken = compiled.issues.filter(
    ({ severity, position }) => severity === 'error' && isFileOf(table, position.file),
  )
  if (compiled.settings === null || broken.length > 0) {
    const issues = compiled.settings === null ? compiled.issues : broken
    throw new WorkspaceError(issues.map((issue) => placed(issue, dir.prefix)))
  }
  if (!compiled.tables.some(({ name }) => name === table)) throw unknownTable(table, compiled.tables)
  const folder = options.data === undefined ? compiled.settings.dataFolder : resolve(io.cwd, options.data)
  const { store, issues } = await openRecordStore({ folder, tables: compiled.tables })
  const unfit = issues.filter(({ position }) => isFileOf(table, position.file))
  if (!unfit.some(({ severity }) => severity === 'error')) return store
  await store.close()
  throw new WorkspaceError(unfit.map((issue) => placed(issue, dir.prefix)))
}

function unknownTable(table: string, tables: readonly { name: string }[]): CommandFailure {
  const names = tables.map(({ name }) => name)
  const guess = didYouMean(table, names)
  const cure =
    guess === null
      ? `Declare it in tables/${table}.yaml, or add --create to have it declared from the file.`
      : `${suggest(guess)} With --create it would be declared from the file.`
  return new CommandFailure(`There is no table ${table}. ${cure}`)
}

function isFileOf(table: string, file: string): boolean {
  return file.startsWith('tables/') && TABLE_ENDINGS.some((ending) => basename(file) === `${table}${ending}`)
}

/** Whether a table is still to be declared; throws when it cannot be. */
async function isUndeclared(io: CommandIo, dir: WorkspaceDir, { table }: ImportTarget): Promise<boolean> {
  const { tableFiles } = await readWorkspace(dir.path, io.env)
  if (tableFiles.some((one) => isFileOf(table, one.file))) return false
  if (!/^[\p{L}_][\p{L}\p{N}_ -]*$/u.test(table)) {
    throw new CommandFailure(`'${table}' cannot be the name of a table; use letters, digits and _.`)
  }
  await access(dir.path).catch((error: unknown) => {
    throw new CommandFailure(`There is no workspace ${dir.path}; \`streamstack init\` makes one.`, { cause: error })
  })
  return true
}

/** Writes tables/<name>.yaml for what the file holds; gives its path. */
async function createDeclaration(
  io: CommandIo,
  dir: WorkspaceDir,
  { table }: ImportTarget,
  staged: StagedFile,
): Promise<string> {
  const declaration = staged.declaration()
  const path = join(dir.path, 'tables', `${table}.yaml`)
  await mkdir(join(dir.path, 'tables'), { recursive: true })
  await writeFile(path, declaration, { flag: 'wx' })
  io.stdout.write(
    `${dir.prefix}tables/${table}.yaml declares the table ${table}; look at its columns and their types.\n`,
  )
  return path
}
