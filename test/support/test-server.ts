import type { Value } from '@streamstack/protocol'
import { type ServeOptions, serve } from 'streamstack'
import { type Answer, type CallOptions, type OpenCall, call, openCall } from './http-client.ts'
import { type Files, tempWorkspace } from './temp-workspace.ts'

export interface TestServer extends AsyncDisposable {
  readonly url: string
  readonly dir: string
  /** Calls and waits for the whole answer. */
  call(path: string, options?: CallOptions): Promise<Answer>
  /** Calls and gives the answer while it arrives. */
  open(path: string, options?: CallOptions): Promise<OpenCall>
  write(file: string, content: unknown): Promise<void>
  close(): Promise<void>
}

export interface TestTable {
  /** As in `tables/<name>.yaml`. */
  readonly declaration: { readonly [key: string]: Value }
  readonly records: readonly { readonly [column: string]: Value }[]
}

export interface TestServerOptions extends Omit<ServeOptions, 'dir'> {
  /** Tables with their records, which the server imports as seeds when it starts. */
  tables?: Readonly<Record<string, TestTable>>
}

/** Serves files as a workspace on a free port. The settings get a silent log and detailed errors; everything else is as written. */
export async function testServer(files: Files, options: TestServerOptions = {}): Promise<TestServer> {
  const { tables = {}, ...serveOptions } = options
  const settings = files['streamstack.yaml'] ?? {}
  const tableFiles = Object.entries(tables).map(([name, { declaration, records }]) => {
    return [`tables/${name}.yaml`, records.length === 0 ? declaration : { ...declaration, seed: records }]
  })
  const workspace = await tempWorkspace({
    ...Object.fromEntries(tableFiles),
    ...files,
    'streamstack.yaml': typeof settings === 'string' ? settings : withTestDefaults(settings),
  })
  try {
    const server = await serve({ dir: workspace.dir, port: 0, ...serveOptions })
    let closed: Promise<void> | null = null
    const close = (): Promise<void> => (closed ??= server.close())
    return {
      url: server.url,
      dir: workspace.dir,
      call: (path, callOptions) => call(server.url, path, callOptions),
      open: (path, callOptions) => openCall(server.url, path, callOptions),
      write: (file, content) => workspace.write(file, content),
      close,
      async [Symbol.asyncDispose]() {
        await close()
        await workspace[Symbol.asyncDispose]()
      },
    }
  } catch (error) {
    await workspace[Symbol.asyncDispose]()
    throw error
  }
}

interface TestSettings {
  readonly server?: object
}

/** Tests look at the messages of failures, which `serve` keeps for the log. */
function withTestDefaults(settings: TestSettings): object {
  return { log: { level: 'silent' }, ...settings, server: { errors: 'detailed', ...settings.server } }
}

/** An endpoint file from its parts. */
export function endpoint(
  path: string,
  stack: readonly unknown[],
  more: { method?: string; settings?: object; inputs?: object } = {},
): object {
  return {
    endpoint_settings: { method: more.method ?? 'GET', path, ...more.settings },
    ...(more.inputs === undefined ? {} : { input_parameters: more.inputs }),
    function_stack: stack,
  }
}

/** A step that sends a chunk. */
export function send(content: unknown, metadata?: unknown): object {
  return { function: 'Streaming API Response', content, ...(metadata === undefined ? {} : { metadata }) }
}
