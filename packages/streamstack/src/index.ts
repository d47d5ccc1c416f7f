/** Streamstack: streaming APIs from files. The door for programs that embed it. */
import { pino } from 'pino'
import { Engine, type Mode } from './engine/index.ts'
import { type CloseOptions, type StreamstackServer, startServer } from './http/index.ts'

export { StreamstackError } from '@streamstack/protocol'
export { type Mode, WorkspaceError } from './engine/index.ts'
export type { CloseOptions, StreamstackServer } from './http/index.ts'

export interface ServeOptions {
  /** The workspace folder. */
  dir: string
  /** Instead of the settings' own. */
  host?: string
  /** Instead of the settings' own; 0: any free port. */
  port?: number
  /** Instead of the settings' own data folder. */
  data?: string
  /** Whether files that change are read again. Default: false. */
  watch?: boolean
  /**
   * `dev`: for building; listens on this machine only, names errors in detail, generates a secret for tokens where the settings have none.
   * Default: `serve`.
   */
  mode?: Mode
}

/**
 * Serves a workspace; empty tables get their seeds first. Throws WorkspaceError with every issue when it cannot be opened.
 *
 * @example
 * const server = await serve({ dir: './api', port: 8080 })
 */
export async function serve(options: ServeOptions): Promise<StreamstackServer> {
  const log = pino({ name: 'streamstack', level: 'warn' })
  const engine = await Engine.open({
    dir: options.dir,
    log,
    serves: true,
    ...(options.mode === undefined ? {} : { mode: options.mode }),
    ...(options.data === undefined ? {} : { dataFolder: options.data }),
  })
  log.level = engine.settings.log.level
  const { host, port } = engine.settings.server
  try {
    const { issues } = await engine.seedTables()
    for (const { message, position } of issues) {
      log.warn({ place: `${position.file}:${position.line}:${position.column}` }, message)
    }
    const server = await startServer({
      engine,
      host: options.host ?? (options.mode === 'dev' ? '127.0.0.1' : host),
      port: options.port ?? port,
    })
    if (options.watch === true) engine.watch(() => undefined)
    const close = async (closeOptions?: CloseOptions): Promise<void> => {
      await server.close(closeOptions)
      await engine.close()
    }
    let closed: Promise<void> | null = null
    return { url: server.url, close: (closeOptions) => (closed ??= close(closeOptions)) }
  } catch (error) {
    await engine.close()
    throw error
  }
}
