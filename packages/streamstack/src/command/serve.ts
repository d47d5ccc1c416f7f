import { StreamstackError } from '@streamstack/protocol'
import type { Command } from 'commander'
import { pino } from 'pino'
import type { Issue, Position } from '../definition/types.ts'
import { WorkspaceError } from '../engine/index.ts'
import type { CallReport } from '../http/index.ts'
import { callFields } from './call-fields.ts'
import { CommandFailure } from './failure.ts'
import type { CommandIo } from './io.ts'
import { LineBuffer } from './line-buffer.ts'
import { placed, sortedIssues } from './issue-lines.ts'
import { changedStartSettings } from '../workspace/index.ts'
import { portOf } from './port-option.ts'
import { type ServeOptions, serveWorkspace } from './serve-workspace.ts'
import { workspaceDir } from './workspace-dir.ts'

const NO_HOSTS =
  '`server.hosts` is not set: the server answers to every Host, also to names that a foreign page made lead here (DNS rebinding). List the hosts by which clients call it.'

interface ServeCommandOptions extends ServeOptions {
  watch: boolean
}

/** `serve`: a workspace in production. */
export function addServe(program: Command, io: CommandIo): void {
  program
    .command('serve')
    .description('Serve a workspace in production. To build one, use `streamstack dev`.')
    .argument('[dir]', 'the workspace folder (default: this one)')
    .option('-p, --port <port>', 'the port to listen on; 0 for any free one (default: server.port, 8080)', portOf)
    .option('--host <host>', 'the address to listen on (default: server.host, 127.0.0.1)')
    .option('--data <folder>', "instead of the workspace's own data folder")
    .option('--no-watch', 'do not reload files that change')
    .addHelpText(
      'after',
      '\nThe log goes to stderr, one JSON object a line: problems in files, one entry for each call, failed runs.\nAn endpoint with an error answers 503 and does not keep the others from being served.\nSIGTERM lets runs end within `server.stop_grace`; Ctrl-C cancels them.',
    )
    .action((dir: string | undefined, options: ServeCommandOptions) => serve(io, dir, options))
}

async function serve(io: CommandIo, named: string | undefined, options: ServeCommandOptions): Promise<void> {
  const dir = workspaceDir(io, named)
  const output = new LineBuffer(io.stderr)
  const log = pino({ name: 'streamstack', level: 'info' }, output)
  const tellIssues = (issues: readonly Issue[]): void => {
    for (const issue of sortedIssues(issues)) {
      const { severity, message, position } = placed(issue, dir.prefix)
      log[severity === 'error' ? 'error' : 'warn']({ place: placeText(position) }, message)
    }
  }
  try {
    await serveWorkspace(io, dir, options, {
      mode: 'serve',
      log,
      watches: options.watch,
      setLevel(level) {
        log.level = level
      },
      issues: tellIssues,
      async seed(engine) {
        const { seeded, issues } = await engine.seedTables({ signal: io.signal })
        for (const { table, inserted } of seeded) log.info({ table, records: inserted }, 'a table got its seed')
        tellIssues(issues)
      },
      started({ settings }, url) {
        log.info({ url, mode: 'serve' }, 'serving')
        if (settings.server.hosts === null && settings.streams.access === 'closed') log.warn({}, NO_HOSTS)
        io.stdout.write(`${settings.name ?? 'Streamstack'} is served at ${url}. Ctrl-C stops.\n`)
      },
      reloaded({ changed, before, after }) {
        const restart = changedStartSettings(before.settings, after.settings)
        if (restart.length > 0)
          log.warn({ settings: restart }, 'settings have changed that hold from the next start on')
        log.info({ changed, endpoints: after.plans.size }, 'files were read again')
      },
      called: (call: CallReport) => log.info(callFields(call), 'call'),
      stopping(graceMs) {
        log.info({ grace_ms: graceMs }, 'stopping')
      },
    })
  } catch (error) {
    // Every line of the log is JSON, the last one, too.
    if (!(error instanceof Error)) throw error
    if (error instanceof WorkspaceError) {
      for (const { message, position } of error.issues) log.fatal({ place: placeText(position) }, message)
    } else if (error instanceof CommandFailure || error instanceof StreamstackError) {
      log.fatal(error.cause === undefined ? {} : { err: error.cause }, error.message)
    } else throw error
    io.setExitCode(1)
  } finally {
    output.close()
  }
}

function placeText({ file, line, column }: Position): string {
  return `${file}:${line}:${column}`
}
