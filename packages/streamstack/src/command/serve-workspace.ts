import { type Issue, type LongTimer, startLongTimer } from '../definition/index.ts'
import type { CompiledWorkspace, Engine, Mode } from '../engine/index.ts'
import { type CallReport, type StreamstackServer, startServer } from '../http/index.ts'
import type { Logger } from '../run/index.ts'
import { CommandFailure } from './failure.ts'
import { type CommandIo, Stopped } from './io.ts'
import { openEngine } from './open-engine.ts'
import type { WorkspaceDir } from './workspace-dir.ts'

export interface ServeOptions {
  port?: number
  host?: string
  data?: string
}

/** A change of files that the server took up. */
export interface Reload {
  readonly before: CompiledWorkspace
  readonly after: CompiledWorkspace
  /** Files that changed, relative to the workspace. */
  readonly changed: readonly string[]
}

/** What a server tells while it runs, and how it behaves: for a developer at a terminal, or for a production log. */
export interface ServeManner {
  readonly mode: Mode
  readonly log: Logger
  readonly watches: boolean
  /** `log.level` of the settings, at the start and after each reload. */
  setLevel(level: string): void
  issues(issues: readonly Issue[]): void
  /** Fills empty tables that declare a seed, and tells what that came to. */
  seed(engine: Engine): Promise<void>
  started(workspace: CompiledWorkspace, url: string): void | Promise<void>
  reloaded(reload: Reload): void
  called(call: CallReport): void
  /** `graceMs`: how long runs may still go on; 0: they are cancelled. */
  stopping(graceMs: number): void
}

/** After the grace time: finally blocks get 5 s, then what is kept is closed. Whatever does not end then, such as a disk that hangs, is left. */
const CLOSE_MS_MAX = 20_000

/** Serves a workspace until the command is to end. */
export async function serveWorkspace(
  io: CommandIo,
  dir: WorkspaceDir,
  options: ServeOptions,
  manner: ServeManner,
): Promise<void> {
  const { signal } = io
  const { mode, log } = manner
  const engine = await openEngine(io, dir, { log, data: options.data, serves: true, mode })
  let cutOff: LongTimer | undefined
  try {
    manner.setLevel(engine.settings.log.level)
    const { issues, plans, channels } = engine.workspace
    manner.issues(issues)
    if (plans.size === 0 && channels.channels.length === 0) {
      const why =
        issues.length > 0
          ? 'Mend what is written above.'
          : 'Put an endpoint into its folder endpoints/, or a channel into channels/.'
      throw new CommandFailure(`The workspace has no endpoint and no channel that can be served. ${why}`)
    }
    await manner.seed(engine)
    if (signal.aborted) return
    const server = await listen(engine, options, manner)
    let graceMs = 0
    try {
      if (manner.watches) watch(engine, manner)
      await manner.started(engine.workspace, server.url)
      await aborted(signal)
      graceMs = stopGraceMs(signal, engine)
      manner.stopping(engine.runs.activeCount > 0 ? graceMs : 0)
      cutOff = exitAfter(io, log, graceMs + CLOSE_MS_MAX)
    } finally {
      await server.close({ graceMs })
    }
  } finally {
    await engine.close()
    cutOff?.clear()
  }
}

async function listen(engine: Engine, options: ServeOptions, manner: ServeManner): Promise<StreamstackServer> {
  const { host, port } = engine.settings.server
  try {
    return await startServer({
      engine,
      host: options.host ?? (manner.mode === 'dev' ? '127.0.0.1' : host),
      port: options.port ?? port,
      onCall: (call) => manner.called(call),
    })
  } catch (error) {
    // It says what is wrong and what to do: a port in use, a certificate that cannot be read.
    if (error instanceof Error) throw new CommandFailure(error.message, { cause: error })
    throw error
  }
}

function watch(engine: Engine, manner: ServeManner): void {
  let before = engine.workspace
  engine.watch(async (issues, changed) => {
    const after = { ...engine.workspace, issues }
    manner.reloaded({ before, after, changed })
    before = after
    manner.setLevel(after.settings.log.level)
    await manner.seed(engine)
  })
}

/** Ctrl-C stops at once; SIGTERM lets runs come to their own end. */
function stopGraceMs({ reason }: AbortSignal, { settings }: Engine): number {
  return reason instanceof Stopped && reason.by === 'SIGTERM' ? settings.server.stopGraceMs : 0
}

function exitAfter(io: CommandIo, log: Logger, ms: number): LongTimer {
  const exit = (): void => {
    log.error({}, 'the server did not come to its end in time and is left as it is')
    io.exit(1)
  }
  return startLongTimer(exit, ms).unref()
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
