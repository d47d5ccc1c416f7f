import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { join, resolve } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { type Value, csvLine } from '@streamstack/protocol'
import { type Command, InvalidArgumentError, Option } from 'commander'
import {
  type Entry,
  type Head,
  type Verification,
  hashOfInput,
  inputKeyIn,
  listSegments,
  parseEntry,
  parseHead,
  readLines,
  verifyAudit,
} from '../audit/index.ts'
import { WorkspaceError } from '../engine/index.ts'
import { readWorkspace } from '../workspace/index.ts'
import { CommandFailure } from './failure.ts'
import { type CommandIo, colorsOf } from './io.ts'
import { placed } from './issue-lines.ts'
import { workspaceDir } from './workspace-dir.ts'
import { writeTo } from './write-to.ts'

interface FolderOptions {
  /** The folder of the audit itself. */
  folder?: string
  /** The data folder. */
  data?: string
}

interface VerifyOptions extends FolderOptions {
  head: readonly Head[]
  heads?: string
  json?: true
}

interface ExportOptions extends FolderOptions {
  from?: number
  to?: number
  type?: string
  subject?: string
  address?: string
  endpoint?: string
  format: 'ndjson' | 'csv'
  output?: string
}

/** Columns of the CSV export; fields that only some types have are in `more`. */
const COLUMNS: readonly string[] = [
  'seq',
  'time',
  'type',
  'caller',
  'subject',
  'address',
  'transport',
  'method',
  'route',
  'endpoint',
  'resource',
  'run',
  'inputs',
  'outcome',
  'status',
  'error',
  'reason',
  'bytes',
  'duration_ms',
]

/** `audit`: verifies and exports what a server recorded. */
export function addAudit(program: Command, io: CommandIo): void {
  const audit = program.command('audit').description('Verify and export the audit of a server: who called what.')
  withFolder(
    audit.command('verify').description('Find out whether entries were changed, removed, reordered or inserted.'),
  )
    .option('--head <seq:hash>', 'a head that was kept elsewhere: entries up to it must be there; repeatable', head, [])
    .option('--heads <file>', 'a log with heads, as the server writes them (`audit_head`); - for standard input')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      '\nA server may be running meanwhile. Exits with 1 at the first bad entry.\nWithout a head that was kept elsewhere, entries that are missing at the end are not found.\n\nExample:\n  journalctl -u streamstack -o cat | streamstack audit verify --heads -',
    )
    .action((dir: string | undefined, options: VerifyOptions) => verify(io, dir, options))
  withFolder(audit.command('export').description('Write entries as lines of JSON, which can be verified, or as CSV.'))
    .option('--from <time>', 'entries from this time on: 2026-11-30, or 2026-11-30T12:00:00Z', time)
    .option('--to <time>', 'entries before this time', time)
    .option('--type <type>', 'entries of this type: call, refusals, key, settings, …')
    .option('--subject <subject>', 'entries about this subject')
    .option('--address <address>', 'entries about this address')
    .option('--endpoint <name>', 'entries about this endpoint')
    .addOption(new Option('--format <format>', 'how they are written').choices(['ndjson', 'csv']).default('ndjson'))
    .option('--output <file>', 'write to a new file instead')
    .action((dir: string | undefined, options: ExportOptions) => exportEntries(io, dir, options))
  audit
    .command('hash')
    .description('Print the hash by which entries name the value of an input, to find its calls.')
    .argument('<value>', 'the value: JSON, or else text')
    .argument('[dir]', 'the workspace folder (default: this one)')
    .option('--folder <folder>', 'the folder of the audit (default: that of the settings)')
    .option('--data <folder>', "instead of the workspace's own data folder")
    .action(async (value: string, dir: string | undefined, options: FolderOptions) => {
      const folder = await folderOf(io, dir, options)
      if (listSegments(folder).length === 0) throw noAudit(folder)
      io.stdout.write(`${hashOfInput(valueOf(value), inputKeyIn(folder))}\n`)
    })
}

function withFolder(command: Command): Command {
  return command
    .argument('[dir]', 'the workspace folder (default: this one)')
    .option('--folder <folder>', 'the folder of the audit (default: that of the settings)')
    .option('--data <folder>', "instead of the workspace's own data folder")
}

function head(text: string, before: readonly Head[]): readonly Head[] {
  const parsed = parseHead(text)
  if (parsed === null)
    throw new InvalidArgumentError('Use the number of an entry and its hash: 1204:9f86d0…, 64 digits.')
  return [...before, parsed]
}

function time(text: string): number {
  const milliseconds = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d))?$/.test(text)
    ? Date.parse(text)
    : NaN
  if (Number.isNaN(milliseconds))
    throw new InvalidArgumentError('Use a day or a time: 2026-11-30, 2026-11-30T12:00:00Z.')
  return milliseconds
}

function valueOf(text: string): Value {
  try {
    return JSON.parse(text) as Value
  } catch {
    return text
  }
}

async function folderOf(io: CommandIo, named: string | undefined, { folder, data }: FolderOptions): Promise<string> {
  if (folder !== undefined) return resolve(io.cwd, folder)
  const { path, prefix } = workspaceDir(io, named)
  const { settings, issues } = await readWorkspace(path, io.env)
  if (settings === null) throw new WorkspaceError(issues.map((issue) => placed(issue, prefix)))
  return settings.audit.folder ?? join(data === undefined ? settings.dataFolder : resolve(io.cwd, data), 'audit')
}

async function verify(io: CommandIo, dir: string | undefined, options: VerifyOptions): Promise<void> {
  const folder = await folderOf(io, dir, options)
  const heads = [...options.head, ...(options.heads === undefined ? [] : await headsIn(io, options.heads))]
  if (heads.length === 0 && listSegments(folder).length === 0) throw noAudit(folder)
  const verification = await verifyAudit(folder, heads)
  if (options.json === true) io.stdout.write(`${JSON.stringify(verification)}\n`)
  else for (const line of report(io, verification, heads)) io.stdout.write(`${line}\n`)
  if (verification.fault !== null) io.setExitCode(1)
}

/** Heads in the lines of a log. */
async function headsIn(io: CommandIo, file: string): Promise<readonly Head[]> {
  const heads: Head[] = []
  for await (const { text } of readLines(file === '-' ? '/dev/stdin' : resolve(io.cwd, file))) {
    const found = parseHead(/"audit_head":"(\d{1,15}:[0-9a-f]{64})"/.exec(text)?.[1] ?? '')
    if (found !== null) heads.push(found)
  }
  if (heads.length > 0) return heads
  throw new CommandFailure(
    `${file} holds no head. The server writes them to its log as "audit_head":"<number>:<hash>".`,
  )
}

function report(io: CommandIo, found: Verification, heads: readonly Head[]): readonly string[] {
  const { entries, first, head: last, removedByRetention, tornBytes, lost, fault } = found
  const { green, red } = colorsOf(io.stdout, io.env)
  const lines = [first === null ? 'There are no entries.' : `${entries} entries verified, ${first} to ${last.seq}.`]
  if (removedByRetention > 0) lines.push(`Retention removed those up to ${removedByRetention}.`)
  if (lost > 0)
    lines.push(`${lost} entries were lost while the audit could not be written; entries of the type "lost" say when.`)
  if (tornBytes > 0) {
    lines.push(
      `${tornBytes} bytes follow the last entry: the server is writing them, or was killed while it wrote. This is no tampering.`,
    )
  }
  if (fault !== null) {
    const { kind, message, place } = fault
    return [...lines, `${red(kind.toUpperCase())}${place === null ? '' : ` ${place}`}: ${message}`]
  }
  lines.push(`Head: ${last.seq}:${last.hash}`, green('The entries are as they were written.'))
  if (heads.length === 0) lines.push('Entries that are missing at the end can only be found with --head or --heads.')
  return lines
}

async function exportEntries(io: CommandIo, dir: string | undefined, options: ExportOptions): Promise<void> {
  const folder = await folderOf(io, dir, options)
  const segments = listSegments(folder)
  if (segments.length === 0) throw noAudit(folder)
  const file =
    options.output === undefined
      ? null
      : createWriteStream(resolve(io.cwd, options.output), { flags: 'wx', mode: 0o600 })
  if (file !== null)
    await once(file, 'open').catch((error: Error) => Promise.reject(new CommandFailure(cannotWrite(error))))
  const damaged = { count: 0 }
  const lines = exportLines(segments, options, damaged)
  if (file === null) await writeTo(io.stdout, lines)
  else await pipeline(lines, file)
  if (damaged.count > 0) {
    throw new CommandFailure(
      `${damaged.count} lines are no entries and were left out. \`streamstack audit verify\` says more.`,
    )
  }
}

async function* exportLines(
  segments: ReturnType<typeof listSegments>,
  options: ExportOptions,
  damaged: { count: number },
): AsyncGenerator<string> {
  const isCsv = options.format === 'csv'
  if (isCsv) yield csvLine([...COLUMNS, 'more'], false)
  for (const { path } of segments) {
    for await (const { text, isWhole } of readLines(path)) {
      const entry = parseEntry(text)
      if (entry === null) damaged.count += isWhole ? 1 : 0
      else if (isWanted(entry, options)) yield isCsv ? csvOf(entry) : `${text}\n`
    }
  }
}

function isWanted(entry: Entry, { from, to, type, subject, address, endpoint }: ExportOptions): boolean {
  const atMs = Date.parse(entry.time)
  return (
    (from === undefined || atMs >= from) &&
    (to === undefined || atMs < to) &&
    (type === undefined || entry.type === type) &&
    (subject === undefined || entry['subject'] === subject) &&
    (address === undefined || entry['address'] === address) &&
    (endpoint === undefined || entry['endpoint'] === endpoint)
  )
}

/** Subjects and inputs are made by callers, so what a spreadsheet would compute is escaped. */
function csvOf(entry: Entry): string {
  const known = COLUMNS.map((name) => (entry[name] ?? null) as Value)
  const rest = Object.entries(entry).filter(([name]) => !COLUMNS.includes(name))
  return csvLine([...known, Object.fromEntries(rest) as Value], true)
}

function noAudit(folder: string): CommandFailure {
  return new CommandFailure(
    `There is no audit in ${folder}. \`audit: { enabled: true }\` in streamstack.yaml turns it on; --folder names another place.`,
  )
}

function cannotWrite(error: Error): string {
  return `The file cannot be written: ${error.message}. Name one that does not exist.`
}
