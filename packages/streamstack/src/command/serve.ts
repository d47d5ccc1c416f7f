import { type Command, InvalidArgumentError } from 'commander'
import { pino } from 'pino'
import type { Engine } from '../engine/index.ts'
import { type StreamstackServer, startServer } from '../http/index.ts'
import { CommandFailure } from './failure.ts'
import { type CommandIo, Stopped, colorsOf } from './io.ts'
import { issueLines } from './issue-lines.ts'
import { openEngine } from './open-engine.ts'
import { reloadReport } from './reload-report.ts'
import { seedTables } from './seed-tables.ts'
import { welcomeLines } from './welcome-lines.ts'
import { type WorkspaceDir, workspaceDir } from './workspace-dir.ts'

interface ServeOptions {
  port?: number
  host?: string
  data?: string
}

/** After the grace time: finally blocks get 5 s, then what is kept is closed. Whatever does not end then, such as a disk that hangs, is left. */
const CLOSE_MS_MAX = 20_000

/** `serve`: a workspace over HTTP, with every saved file live at once. */
export function addServe(program: Command, io: CommandIo): void {
  program
    .command('serve')
    .description('Serve a workspace; edited, added and removed files are live when they are saved.')
    .argument('[dir]', 'the workspace folder (default: this one)')
    .option('-p, --port <port>', 'the port to listen on; 0 for any free one (default: server.port, 8080)', portOf)
    .option('--host <host>', 'the address to listen on (default: server.host, 127.0.0.1)')
    .option('--data <folder>', "instead of the workspace's own data folder")
    .addHelpText(
      'after',
      '\nProblems are printed as `file:line:column message`; an endpoint with an error does not keep the others from being served.\nThe log goes to stderr as JSON lines. Ctrl-C stops.',
    )
    .action((dir: string | undefined, options: ServeOptions) => serveWorkspace(io, workspaceDir(io, dir), options))
}

function portOf(text: string): number {
  const port = Number(text)
  if (/^\d+$/.test(text) && port <= 65_535) return port
  throw new InvalidArgumentError('It must be a whole number from 0 to 65535.')
}

async function serveWorkspace(io: CommandIo, dir: WorkspaceDir, options: ServeOptions): Promise<void> {
  const { signal } = io
  const log = pino({ name: 'streamstack', level: 'warn' }, io.stderr)
  const engine = await openEngine(io, dir, { log, data: options.data, serves: true })
  try {
    log.level = engine.settings.log.level
    const colors = colorsOf(io.stdout, io.env)
    const { issues, plans, channels } = engine.workspace
    for (const line of issueLines(issues, dir.prefix, colors)) io.stdout.write(`${line}\n`)
    if (plans.size === 0 && channels.channels.length === 0) {
      const why =
        issues.length > 0
          ? 'Mend what is written above.'
          : 'Put an endpoint into its folder endpoints/, or a channel into channels/.'
      throw new CommandFailure(`The workspace has no endpoint and no channel that can be served. ${why}`)
    }
    await seedTables(io, engine, dir)
    if (signal.aborted) return
    const server = await listen(engine, options)
    let graceMs = 0
    try {
      watch(io, engine, dir, (level) => {
        log.level = level
      })
      for (const line of welcomeLines({ workspace: engine.workspace, url: server.url, dir, colors })) {
        io.stdout.write(`${line}\n`)
      }
      await aborted(signal)
      graceMs = stopGraceMs(signal, engine)
      const waits = graceMs > 0 && engine.runs.activeCount > 0
      io.stdout.write(waits ? `Stopping; runs have ${graceMs / 1000} s to end.\n` : 'Stopping.\n')
      exitAfter(io, graceMs + CLOSE_MS_MAX)
    } finally {
      await server.close({ graceMs })
    }
  } finally {
    await engine.close()
  }
}

async function listen(engine: Engine, options: ServeOptions): Promise<StreamstackServer> {
  const { host, port } = engine.settings.server
  try {
    return await startServer({ engine, host: options.host ?? host, port: options.port ?? port })
  } catch (error) {
    // It says what is wrong and what to do: a port in use, a certificate that cannot be read.
    if (error instanceof Error) throw new CommandFailure(error.message, { cause: error })
    throw error
  }
}

function watch(io: CommandIo, engine: Engine, dir: WorkspaceDir, setLevel: (level: string) => void): void {
  let before = engine.workspace
  engine.watch(async (issues, changed) => {
    const after = { ...engine.workspace, issues }
    const colors = colorsOf(io.stdout, io.env)
    const lines = reloadReport({ before, after, changed, prefix: dir.prefix, colors })
    const time = colors.dim(new Date().toTimeString().slice(0, 8))
    for (const line of lines) io.stdout.write(`${time} ${line}\n`)
    before = after
    setLevel(after.settings.log.level)
    await seedTables(io, engine, dir)
  })
}

/** Whoever presses Ctrl-C waits for nothing; a machine that sends SIGTERM lets runs come to their own end. */
function stopGraceMs({ reason }: AbortSignal, { settings }: Engine): number {
  return reason instanceof Stopped && reason.by === 'SIGTERM' ? settings.server.stopGraceMs : 0
}

function exitAfter(io: CommandIo, ms: number): void {
  const timer = setTimeout(() => {
    io.stderr.write('The server did not come to its end in time and is left as it is.\n')
    io.exit(1)
  }, ms)
  timer.unref()
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
