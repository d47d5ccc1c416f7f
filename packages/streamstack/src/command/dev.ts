import type { Command } from 'commander'
import { callLines } from './call-lines.ts'
import { developerLog } from './developer-log.ts'
import { developerToken } from './developer-token.ts'
import { type CommandIo, colorsOf } from './io.ts'
import { issueLines } from './issue-lines.ts'
import { portOf } from './port-option.ts'
import { reloadReport } from './reload-report.ts'
import { seedTables } from './seed-tables.ts'
import { type ServeOptions, serveWorkspace } from './serve-workspace.ts'
import { welcomeLines } from './welcome-lines.ts'
import { workspaceDir } from './workspace-dir.ts'

/** `dev`: a workspace on its builder's machine, with every saved file live at once and a line for each call. */
export function addDev(program: Command, io: CommandIo): void {
  program
    .command('dev')
    .description('Serve a workspace on this machine while you build it: saved files are live at once, calls are shown.')
    .argument('[dir]', 'the workspace folder (default: this one)')
    .option('-p, --port <port>', 'the port to listen on; 0 for any free one (default: server.port, 8080)', portOf)
    .option('--host <host>', 'the loopback address to listen on (default: 127.0.0.1)')
    .option('--data <folder>', "instead of the workspace's own data folder")
    .addHelpText(
      'after',
      '\nListens on this machine only. Answers name errors in detail. Without `auth.jwt` in streamstack.yaml, tokens are signed\nwith a generated secret that the data folder keeps. For production use `streamstack serve`. Ctrl-C stops.',
    )
    .action((dir: string | undefined, options: ServeOptions) => dev(io, dir, options))
}

async function dev(io: CommandIo, named: string | undefined, options: ServeOptions): Promise<void> {
  const dir = workspaceDir(io, named)
  const colors = colorsOf(io.stdout, io.env)
  const print = (lines: readonly string[]): void => {
    for (const line of lines) io.stdout.write(`${line}\n`)
  }
  const log = developerLog(io, dir.prefix)
  await serveWorkspace(io, dir, options, {
    mode: 'dev',
    log,
    watches: true,
    setLevel(level) {
      log.level = level
    },
    issues: (issues) => print(issueLines(issues, dir.prefix, colors)),
    seed: (engine) => seedTables(io, engine, dir),
    async started(workspace, url) {
      print(welcomeLines({ workspace, url, dir, program: io.program, colors, token: await developerToken(workspace) }))
    },
    reloaded({ before, after, changed }) {
      const time = colors.dim(timeNow())
      print(reloadReport({ before, after, changed, prefix: dir.prefix, colors }).map((line) => `${time} ${line}`))
    },
    called(call) {
      const [first = '', ...more] = callLines(call, colors)
      print([`${colors.dim(timeNow())} ${first}`, ...more.map((line) => `${' '.repeat(9)}${line}`)])
    },
    stopping: (graceMs) => print([graceMs > 0 ? `Stopping; runs have ${graceMs / 1000} s to end.` : 'Stopping.']),
  })
}

function timeNow(): string {
  return new Date().toTimeString().slice(0, 8)
}
