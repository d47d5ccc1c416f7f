import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import type { Issue } from '../definition/index.ts'
import { compileWorkspace } from '../engine/index.ts'
import type { TableDeclaration } from '../table/index.ts'
import { inspectTls, readWorkspace } from '../workspace/index.ts'
import { type CommandIo, colorsOf } from './io.ts'
import { countIssues, counted, issueLines, placed, sortedIssues } from './issue-lines.ts'
import { workspaceDir } from './workspace-dir.ts'

interface CheckOptions {
  json?: true
}

/** `check`: every problem of a workspace's files. Touches nothing, not even the data folder. */
export function addCheck(program: Command, io: CommandIo): void {
  program
    .command('check')
    .description('Find every problem in the files of a workspace, without serving it.')
    .argument('[dir]', 'the workspace folder (default: this one)')
    .option('--json', 'print the problems as a JSON list')
    .addHelpText(
      'after',
      '\nPrints `file:line:column message` for each problem. Exit code 1 when one is an error, 0 with warnings only.',
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
  if (issues.some(({ severity }) => severity === 'error')) io.setExitCode(1)
  if (options.json === true) {
    const list = sortedIssues(issues).map((issue) => {
      const { severity, message, position } = placed(issue, prefix)
      return { ...position, severity, message }
    })
    io.stdout.write(`${JSON.stringify(list, null, 2)}\n`)
    return
  }
  const colors = colorsOf(io.stdout, io.env)
  for (const line of issueLines(issues, prefix, colors)) io.stdout.write(`${line}\n`)
  const scope = [
    counted(files.endpointFiles.length, 'endpoint'),
    counted(files.tableFiles.length, 'table'),
    counted(files.functionFiles.length, 'function'),
    ...(files.channelFiles.length === 0 ? [] : [counted(files.channelFiles.length, 'channel')]),
  ]
  io.stdout.write(`${colors.bold(countIssues(issues))} in ${scope.join(', ')}\n`)
}
