import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import type { Issue } from '../definition/index.ts'
import { compileWorkspace } from '../engine/index.ts'
import { reviewWorkspace } from '../review/index.ts'
import type { TableDeclaration } from '../table/index.ts'
import { inspectTls, readWorkspace } from '../workspace/index.ts'
import { type CommandIo, colorsOf } from './io.ts'
import { countIssues, counted, issueLines, placed, sortedIssues } from './issue-lines.ts'
import { reviewLines } from './review-lines.ts'
import { workspaceDir } from './workspace-dir.ts'

const NOT_REVIEWED = 'Security: not reviewed. Mend streamstack.yaml first: what it opens and closes is not known.'

interface CheckOptions {
  json?: true
  security?: true
}

/** `check`: every problem of a workspace's files. Touches nothing, not even the data folder. */
export function addCheck(program: Command, io: CommandIo): void {
  program
    .command('check')
    .description('Find every problem in the files of a workspace, without serving it.')
    .argument('[dir]', 'the workspace folder (default: this one)')
    .option('--security', 'also find what an attacker may use, with severity and cure')
    .option('--json', 'print the problems as a JSON list')
    .addHelpText(
      'after',
      '\nPrints `file:line:column message` for each problem. Exit code 1 when one is an error, 0 with warnings only.\nWith --security a finding of high severity counts as an error. A comment `security-accepted: <rule>` in a file accepts a finding there.',
    )
    .action((dir: string | undefined, options: CheckOptions) => check(io, dir, options))
}

/** Seeds that the server would not find. */
function missingSeeds(tables: readonly TableDeclaration[], dir: string): readonly Issue[] {
  return tables.flatMap(({ name, seed }) => {
    if (seed === null || seed.kind !== 'file' || existsSync(resolve(dir, seed.file))) return []
    const message = `There is no file ${seed.file}, which is to be the seed of table "${name}"; name one from the workspace folder.`
    return [{ severity: 'error', message, position: seed.position }]
  })
}

async function check(io: CommandIo, named: string | undefined, options: CheckOptions): Promise<void> {
  const { path, prefix } = workspaceDir(io, named)
  const files = await readWorkspace(path, io.env)
  const compiled = compileWorkspace(files, null)
  const issues = [
    ...compiled.issues,
    ...(files.settings === null ? [] : await inspectTls(files.settingsTree, files.settings)),
    ...(compiled.settings === null ? [] : missingSeeds(compiled.tables, path)),
  ]
  const review =
    options.security === true && compiled.settings !== null
      ? reviewWorkspace({ files, workspace: compiled })
      : { findings: [], accepted: 0 }
  const isBad =
    issues.some(({ severity }) => severity === 'error') || review.findings.some(({ severity }) => severity === 'high')
  if (isBad) io.setExitCode(1)
  if (options.json === true) {
    const list = sortedIssues(issues).map((issue) => {
      const { severity, message, position } = placed(issue, prefix)
      return { ...position, severity, message }
    })
    const found = review.findings.map(({ position, ...finding }) => ({
      ...position,
      file: prefix + position.file,
      ...finding,
    }))
    io.stdout.write(`${JSON.stringify([...list, ...found], null, 2)}\n`)
    return
  }
  const colors = colorsOf(io.stdout, io.env)
  for (const line of issueLines(issues, prefix, colors)) io.stdout.write(`${line}\n`)
  const scope = [
    counted(files.endpointFiles.length, 'endpoint'),
    counted(files.tableFiles.length, 'table'),
    counted(files.functionFiles.length, 'function'),
    ...(files.channelFiles.length === 0 ? [] : [counted(files.channelFiles.length, 'channel')]),
    ...(files.dashboardFiles.length === 0 ? [] : [counted(files.dashboardFiles.length, 'dashboard')]),
  ]
  io.stdout.write(`${colors.bold(countIssues(issues))} in ${scope.join(', ')}\n`)
  if (options.security !== true) return
  if (compiled.settings === null) io.stdout.write(`${colors.bold(NOT_REVIEWED)}\n`)
  else for (const line of reviewLines(review, prefix, colors)) io.stdout.write(`${line}\n`)
}
