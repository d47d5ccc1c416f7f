import type { Issue } from '../definition/types.ts'
import { type TokenVerifier, createTokenVerifier } from '../access/index.ts'
import { type Outbound, createOutbound } from '../outbound/index.ts'
import type { Logger } from '../run/index.ts'
import { type RecordStore, openSqliteStore } from '../table/index.ts'
import { type Settings, readWorkspace, watchWorkspace } from '../workspace/index.ts'
import { type CompiledWorkspace, compileWorkspace } from './compile-workspace.ts'
import { Runs } from './runs.ts'

export interface EngineOptions {
  /** The workspace folder. */
  dir: string
  log: Logger
  /** Replaces the data folder of the settings. */
  dataFolder?: string
}

/** A workspace could not be opened: the settings are broken, or there is none. */
export class WorkspaceError extends Error {
  override readonly name = 'WorkspaceError'
  readonly issues: readonly Issue[]

  constructor(issues: readonly Issue[]) {
    super(issues.map(({ message }) => message).join('\n'))
    this.issues = issues
  }
}

/** An opened workspace: plans, records, the outward door and the runs. HTTP and the command line drive it. */
export class Engine {
  readonly dir: string
  readonly records: RecordStore
  readonly runs: Runs
  readonly log: Logger
  #workspace: CompiledWorkspace
  #outbound: Outbound
  #verifier: TokenVerifier | null
  #unwatch: (() => void) | null = null

  private constructor(options: EngineOptions, workspace: CompiledWorkspace, records: RecordStore) {
    this.dir = options.dir
    this.log = options.log
    this.records = records
    this.#workspace = workspace
    this.#outbound = createOutbound(workspace.settings.outbound)
    this.#verifier = this.#newVerifier(workspace.settings)
    // The door is looked up for each call: a reload with other settings replaces it.
    const engine = this
    this.runs = new Runs({
      records,
      log: options.log,
      get outbound() {
        return engine.#outbound
      },
    })
  }

  /** Reads and compiles a workspace and opens its records. Throws WorkspaceError, or StreamstackError `storage_failed`. */
  static async open(options: EngineOptions): Promise<Engine> {
    const compiled = compileWorkspace(await readWorkspace(options.dir), null)
    if (compiled.settings === null) throw new WorkspaceError(compiled.issues)
    const records = openSqliteStore({ folder: options.dataFolder ?? compiled.settings.dataFolder })
    const issues = records.declare(compiled.tables)
    return new Engine(options, { ...compiled, issues: [...compiled.issues, ...issues] }, records)
  }

  get workspace(): CompiledWorkspace {
    return this.#workspace
  }

  get settings(): Settings {
    return this.#workspace.settings
  }

  /** Checks tokens; null: the settings have no `auth.jwt`. */
  get verifier(): TokenVerifier | null {
    return this.#verifier
  }

  /** Reads the workspace again. Runs that go on keep their plans; broken files keep the plans they had. */
  async reload(): Promise<readonly Issue[]> {
    const previous = this.#workspace
    const compiled = compileWorkspace(await readWorkspace(this.dir), previous)
    if (compiled.settings === null) return compiled.issues
    const issues = [...compiled.issues, ...this.records.declare(compiled.tables)]
    this.#workspace = { ...compiled, issues }
    if (JSON.stringify(compiled.settings.outbound) !== JSON.stringify(previous.settings.outbound)) {
      const old = this.#outbound
      this.#outbound = createOutbound(compiled.settings.outbound)
      // Calls that are under way come to their end through the old door.
      setTimeout(() => void old.close(), compiled.settings.limits.maxDurationMs).unref()
    }
    this.#verifier = this.#newVerifier(compiled.settings)
    return issues
  }

  /** Reloads whenever a file changes, and tells the issues. */
  watch(onReload: (issues: readonly Issue[], changed: readonly string[]) => void): void {
    let reloading: Promise<void> = Promise.resolve()
    this.#unwatch = watchWorkspace(this.dir, (changed) => {
      reloading = reloading.then(async () => {
        try {
          onReload(await this.reload(), changed)
        } catch (error) {
          this.log.error({ err: error }, 'the workspace could not be read again; the server goes on with what it had')
        }
      })
    })
  }

  async close(): Promise<void> {
    this.#unwatch?.()
    this.runs.close()
    await this.#outbound.close()
    await this.records.close()
  }

  #newVerifier({ auth }: Settings): TokenVerifier | null {
    if (auth.jwt === null) return null
    return createTokenVerifier(auth.jwt, async (url) => {
      const answer = await this.#outbound.request({
        url,
        signal: AbortSignal.timeout(this.settings.outbound.timeoutMs),
      })
      return answer.body
    })
  }
}
