import { StreamstackError } from '@streamstack/protocol'
import type { Issue } from '../definition/types.ts'
import { Access, type AccessPolicy, Gate, KeyUseLog } from '../access/index.ts'
import { Audit } from '../audit/index.ts'
import { OpenStreams, RateLimits, RunQueues } from '../limit/index.ts'
import { Channels } from '../channel/index.ts'
import { Conversations } from '../conversation/index.ts'
import type { Logger } from '../run/index.ts'
import type { RecordStore } from '../table/index.ts'
import { Observation } from '../observe/index.ts'
import type { HeldFolder } from '../storage/index.ts'
import { type StreamStore, hasStreams, openStreamStore, steadyNowMs } from '../stream-store/index.ts'
import { type Settings, watchWorkspace } from '../workspace/index.ts'
import type { CompiledWorkspace } from './compile-workspace.ts'
import { hidingLog } from './hiding-log.ts'
import { accessPolicy } from './access-policy.ts'
import { startConversationSweep } from './conversation-sweep.ts'
import type { Mode } from './mode.ts'
import {
  type EngineOptions,
  type OpenedWorkspace,
  openWorkspace,
  readFiles,
  recompileWorkspace,
} from './open-workspace.ts'
import { OutwardDoor } from './outward-door.ts'
import { runServices } from './run-services.ts'
import { Runs } from './runs.ts'
import { SecretTexts, secretValues } from './secret-texts.ts'
import { type AuditPlace, configureAudit, openAudit } from './workspace-audit.ts'
import { type SeedProgress, type SeededTable, seedTables } from './seed-tables.ts'

/** An opened workspace: plans, records, the outward door and the runs. HTTP and the command line drive it. */
export class Engine {
  readonly dir: string
  readonly mode: Mode
  readonly records: RecordStore
  readonly runs: Runs
  readonly channels: Channels
  readonly conversations: Conversations
  readonly observation = new Observation()
  readonly access: Access
  readonly rateLimits = new RateLimits()
  readonly openStreams = new OpenStreams()
  readonly runQueues = new RunQueues()
  readonly audit: Audit
  readonly gate: Gate
  readonly log: Logger
  #workspace: CompiledWorkspace
  #secrets: { readonly of: CompiledWorkspace; readonly texts: SecretTexts } | null = null
  #policy: AccessPolicy
  readonly #door: OutwardDoor
  #hasUnsettledRuns = false
  #unwatch: (() => void) | null = null
  readonly #stopSweep: () => void
  #streams: StreamStore | null = null
  readonly #dataFolder: string
  readonly #options: EngineOptions
  readonly #heldFolder: HeldFolder | null
  readonly #keyUses: KeyUseLog | null
  /** Where this workspace is served, for `self` in `outbound.allow`. */
  #ownUrl: string | null = null

  private constructor(options: EngineOptions, { workspace, records, heldFolder }: OpenedWorkspace) {
    this.dir = options.dir
    this.#options = options
    this.mode = options.mode ?? 'serve'
    this.#heldFolder = heldFolder
    this.log = hidingLog(options.log, () => this.#secretTexts())
    this.records = records
    this.#dataFolder = options.dataFolder ?? workspace.settings.dataFolder
    this.#workspace = workspace
    this.#policy = accessPolicy(workspace.settings, this.mode, this.#ownUrl)
    this.#door = new OutwardDoor(workspace.settings, this.#ownUrl, options.onUpstreamAnswer)
    this.gate = new Gate(() => this.#policy)
    this.access = new Access({
      policy: () => this.#policy,
      fetchKeys: (url) => this.#door.fetchKeys(url),
      onKeysMissing: (cause, url) => {
        this.log.warn({ url, err: cause }, 'the keys to check tokens with could not be fetched')
      },
      onRuleFailure: (err) => this.log.warn({ err }, '`streams.allow` failed and refuses a caller'),
      onKeyUse: (hash) => this.#keyUses?.note(hash),
      onError: (error) => this.log.error({ err: error }, 'a token could not be checked again'),
    })
    this.#keyUses = this.#openKeyUses(heldFolder)
    this.access.configure(workspace.settings.auth)
    this.audit = new Audit({
      workspace: () => this.settings.name,
      log: this.log,
      post: (url, authorization, body) => this.#door.postHead(url, authorization, body),
    })
    this.observation.metrics.audit = () => this.audit.numbers
    this.channels = new Channels({
      settings: () => ({ ...this.settings.channels, windowBytes: this.settings.streams.windowBytes }),
      store: () => this.streams,
      checksTokens: () => this.access.checksTokens,
      observer: this.observation.channelObserver,
      log: this.log,
      nowMs: steadyNowMs,
    })
    this.observation.observe(this.channels)
    this.observation.metrics.limits.gauges = () => ({
      openStreams: this.openStreams.total,
      queues: this.runQueues.byEndpoint,
    })
    this.channels.declare(workspace.channels)
    this.conversations = new Conversations(records, () => this.settings.conversations)
    this.#stopSweep = startConversationSweep(this.conversations, this.log)
    this.runs = new Runs(
      runServices({
        records,
        door: this.#door,
        settings: () => this.settings,
        hidesDetails: () => this.hidesDetails,
        conversations: this.conversations,
        channels: this.channels,
        log: this.log,
        hideSecrets: (text) => this.#secretTexts().hide(text),
      }),
      {
        open: () => this.streams,
        openKept: () => (this.#streams !== null || this.hasKeptStreams ? this.streams : null),
      },
      this.observation,
    )
  }

  /** Reads and compiles a workspace and opens its records. Throws WorkspaceError, or StreamstackError `storage_failed`. */
  static async open(options: EngineOptions): Promise<Engine> {
    const engine = Engine.#over(options, await openWorkspace(options))
    try {
      if (options.serves === true) openAudit(engine.audit, engine.#auditPlace)
      return engine
    } catch (error) {
      await engine.close()
      throw error
    }
  }

  static #over(options: EngineOptions, opened: OpenedWorkspace): Engine {
    try {
      return new Engine(options, opened)
    } catch (error) {
      opened.heldFolder?.release()
      throw error
    }
  }

  /**
   * Whether only the log gets details of failures inside the workspace (`server.errors`). Commands
   * that do not serve show them to their user.
   */
  get hidesDetails(): boolean {
    const { errors } = this.settings.server
    if (errors !== null) return errors === 'public'
    return this.mode === 'serve' && this.#options.serves === true
  }

  /** As `secretValues` in secret-texts.ts. */
  secretValues(): readonly string[] {
    return secretValues(this.#workspace)
  }

  #secretTexts(): SecretTexts {
    if (this.#secrets?.of !== this.#workspace) {
      this.#secrets = { of: this.#workspace, texts: new SecretTexts(this.secretValues()) }
    }
    return this.#secrets.texts
  }

  /** New calls are refused: the server is stopping. */
  isDraining = false

  get workspace(): CompiledWorkspace {
    return this.#workspace
  }

  get settings(): Settings {
    return this.#workspace.settings
  }

  /** Whether streams of an earlier time are in the data folder. */
  get hasKeptStreams(): boolean {
    return this.settings.streams.log === 'sqlite' && hasStreams(this.#dataFolder)
  }

  /** Streams by name, opened when they are first needed. Throws `storage_failed`. */
  get streams(): StreamStore {
    if (this.#streams !== null) return this.#streams
    const { log, memoryBytes, maxAgeMs, maxBytes } = this.settings.streams
    this.#streams = openStreamStore({
      log,
      memoryBytes,
      maxAgeMs,
      maxBytes,
      folder: this.#dataFolder,
      onError: (error) => this.log.error({ err: error }, 'streams could not be looked after'),
    })
    // Before the first run that this process keeps: what is not closed now was cut off.
    if (this.#hasUnsettledRuns) {
      this.#hasUnsettledRuns = false
      this.settleAbandoned().catch((error: unknown) => this.log.error({ err: error }, 'runs could not be settled'))
    }
    return this.#streams
  }

  /** Reads the workspace again. Runs that go on keep their plans; broken files keep the plans they had. */
  async reload(): Promise<readonly Issue[]> {
    const previous = this.#workspace
    const files = await readFiles(this.#options, this.#dataFolder)
    const compiled = await recompileWorkspace(files, previous, this.records)
    if (compiled.settings === null) return compiled.issues
    this.#workspace = compiled
    this.#policy = accessPolicy(compiled.settings, this.mode, this.#ownUrl)
    if (JSON.stringify(compiled.settings.outbound) !== JSON.stringify(previous.settings.outbound)) {
      this.#door.replace(compiled.settings, this.#ownUrl)
    }
    const verifiesOtherwise = this.access.configure(compiled.settings.auth)
    this.#keyUses?.keepOnly(compiled.settings.auth.keys.map(({ hash }) => hash))
    this.channels.declare(compiled.channels)
    try {
      if (this.#options.serves === true) configureAudit(this.audit, this.#auditPlace)
    } catch (error) {
      this.log.error({ err: error }, 'the audit cannot be opened; it is tried again when the settings are read next')
    }
    if (verifiesOtherwise) this.access.recheck()
    return compiled.issues
  }

  /** Gives runs that a crash cut off their outcome; where the disk is full, as soon as the streams can be opened. Throws `storage_failed`. */
  async settleAbandoned(): Promise<void> {
    try {
      const count = await this.runs.settleAbandoned(this.settings)
      if (count > 0) this.log.warn({ runs: count }, 'runs that the last stop cut off are now abandoned')
    } catch (error) {
      if (!(error instanceof StreamstackError) || error.code !== 'storage_full') throw error
      this.#hasUnsettledRuns = true
      this.log.error({ err: error }, 'runs that the last stop cut off could not be settled yet')
    }
  }

  /** Says where the workspace is being served: steps may then call it by path, when the settings allow `self`. */
  servedAt(url: string): void {
    this.#ownUrl = url
    this.#policy = accessPolicy(this.settings, this.mode, this.#ownUrl)
    if (this.settings.outbound.allow.includes('self')) this.#door.replace(this.settings, this.#ownUrl)
  }

  /** Fills tables that declare a seed and are empty. Seeds that cannot be imported are among the issues. */
  async seedTables(
    options: { onProgress?: SeedProgress; signal?: AbortSignal } = {},
  ): Promise<{ seeded: readonly SeededTable[]; issues: readonly Issue[] }> {
    const { records, dir } = this
    return seedTables({ records, dir, dataFolder: this.#dataFolder, ...options })
  }

  /** Reloads whenever a file changes, and tells the issues. */
  watch(onReload: (issues: readonly Issue[], changed: readonly string[]) => void | Promise<void>): void {
    let reloading: Promise<void> = Promise.resolve()
    this.#unwatch = watchWorkspace(this.dir, (changed) => {
      reloading = reloading.then(async () => {
        try {
          this.audit.reloaded(changed)
          await onReload(await this.reload(), changed)
        } catch (error) {
          this.log.error({ err: error }, 'the workspace could not be read again; the server goes on with what it had')
        }
      })
    })
  }

  /** Throws why the server should get no calls now: `unavailable` while it stops, `storage_failed` when streams can no longer be kept. */
  checkReady(): void {
    if (this.isDraining) throw new StreamstackError('unavailable', 'The server is stopping.')
    this.#streams?.checkWritable()
  }

  async close(): Promise<void> {
    this.#unwatch?.()
    this.#stopSweep()
    await this.runs.close()
    this.channels.close()
    await this.#keyUses?.close()
    this.observation.close()
    await this.audit.close()
    await this.#door.close()
    await this.records.close()
    await this.#streams?.close()
    this.#heldFolder?.release()
  }

  get #auditPlace(): AuditPlace {
    return { settings: this.settings, dataFolder: this.#dataFolder, mode: this.mode }
  }

  /** Only a server has the data folder for itself, and only it is called. */
  #openKeyUses(heldFolder: HeldFolder | null): KeyUseLog | null {
    if (heldFolder === null) return null
    return new KeyUseLog({
      folder: this.#dataFolder,
      onError: (err) => this.log.warn({ err }, 'when API keys were used last could not be written'),
    })
  }
}
