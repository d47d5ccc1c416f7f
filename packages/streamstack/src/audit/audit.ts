import { join } from 'node:path'
import { StreamstackError, type Value } from '@streamstack/protocol'
import { holdLock, makePrivateFolder } from '../storage/index.ts'
import { type AuditedCall, callFields, refusalOf } from './call-entry.ts'
import { AuditStream } from './audit-stream.ts'
import type { Head } from './entry.ts'
import { HeadReport, type HeadReportOptions, type HeadSettings } from './head-report.ts'
import { type AuditedInputs, type InputMode, inputKeyIn, recordedInputs } from './input-values.ts'
import { Journal, type Retention } from './journal.ts'
import type { AuditNumbers } from '../observe/index.ts'
import { Refusals } from './refusals.ts'
import { type ComparedSettings, SettingsRecord } from './settings-record.ts'

/** `audit` in `streamstack.yaml`. */
export interface AuditSettings extends Retention {
  readonly isEnabled: boolean
  /** Absolute. */
  readonly folder: string
  readonly calls: 'all' | 'refused'
  /** Inputs that are recorded, by name. */
  readonly inputs: Readonly<Record<string, InputMode>>
  /** What happens to calls while the audit cannot be written. */
  readonly onFailure: 'refuse' | 'continue'
  readonly head: HeadSettings
}

export interface AuditOptions extends HeadReportOptions {
  readonly log: HeadReportOptions['log'] & { error(fields: object, message: string): void }
}

const TICK_MS = 1_000
const RETAIN_MS = 60_000

/** How long callers wait that the audit keeps from being served. */
const RETRY_AFTER_MS = 5_000

/** Its lock says that a server writes the folder. */
const LOCK_FILE = 'writer.lock'
const IN_USE = 'Another server writes this audit. Give each a folder of its own (`audit.folder`).'

/** Names in one entry about files or settings. */
const NAMES_MAX = 100

/** An audit that is on. */
interface Running {
  readonly journal: Journal
  readonly stream: AuditStream
  readonly refusals: Refusals
  readonly record: SettingsRecord
  readonly inputKey: string
  /** Lets another server write the folder. */
  readonly release: () => void
}

/** Records who did what, in a chain of entries on disk. While it is off it records nothing. */
export class Audit {
  readonly #options: AuditOptions
  readonly #timer: NodeJS.Timeout
  readonly #headReport: HeadReport
  #settings: AuditSettings | null = null
  #running: Running | null = null
  /** It is to be on, and its folder cannot be opened. */
  #cannotOpen = false
  #retainedAtMs = -Infinity
  #closing: Promise<void> = Promise.resolve()

  constructor(options: AuditOptions) {
    this.#options = options
    this.#headReport = new HeadReport(options)
    this.#timer = setInterval(() => this.#tick(), TICK_MS).unref()
  }

  /** Goes on with these settings; the folder is read only when the audit is turned on. Throws what keeps the audit from being opened. */
  configure(settings: AuditSettings, compared: ComparedSettings, details: object = {}): void {
    const running = this.#running
    const wasOn = running !== null
    this.#settings = settings
    this.#cannotOpen = settings.isEnabled && !wasOn
    if (this.#cannotOpen) this.#start(settings)
    this.#cannotOpen = false
    if (this.#running !== null) {
      if (!wasOn) this.#append({ type: 'start', ...details })
      this.#compare(this.#running, compared)
    }
    if (!settings.isEnabled && wasOn) this.#stop()
  }

  get isOn(): boolean {
    return this.#running !== null
  }

  /** The entries as a stream. Throws `stream_unknown` while the audit is off. */
  get stream(): AuditStream {
    if (this.#running !== null) return this.#running.stream
    throw new StreamstackError(
      'stream_unknown',
      'The audit is off. `audit: { enabled: true }` in streamstack.yaml turns it on.',
    )
  }

  /** The place of the newest entry on disk; null: the audit is off. */
  get head(): Head | null {
    return this.#running?.journal.kept ?? null
  }

  get numbers(): AuditNumbers | null {
    if (this.#running === null) return null
    const { entriesTotal, lostTotal, pendingCount, failure } = this.#running.journal
    const { failures: headFailures } = this.#headReport
    return { entries: entriesTotal, lost: lostTotal, waiting: pendingCount, isFailing: failure !== null, headFailures }
  }

  /** Throws `unavailable` while the audit cannot be written and `audit.on_failure` is `refuse`. */
  checkWritable(): void {
    const isWritten = this.#running === null ? !this.#cannotOpen : this.#running.journal.failure === null
    if (isWritten || this.#settings?.onFailure !== 'refuse') return
    throw new StreamstackError('unavailable', 'The server cannot write its audit now. Call again in a moment.', {
      retryAfterMs: RETRY_AFTER_MS,
    })
  }

  /** Returns what is recorded of the inputs of a call; null: nothing. */
  inputsOf(inputs: Readonly<Record<string, Value>>): AuditedInputs | null {
    if (this.#running === null || this.#settings === null) return null
    return recordedInputs(inputs, this.#settings.inputs, this.#running.inputKey)
  }

  /** Records a call that is over. */
  called(call: AuditedCall): void {
    const running = this.#running
    if (running === null || this.#settings === null) return
    if (call.error !== null && call.outcome === null) {
      const refusal = refusalOf(call, call.error)
      if (running.refusals.isFirst(refusal, Date.now())) this.#append(callFields(call, 'refused'))
    } else if (this.#settings.calls === 'all')
      this.#append(callFields(call, call.outcome ?? (call.status === null ? 'disconnected' : 'answered')))
  }

  /** Records that a call goes on: its own entry comes when it is over, or never, should the process be killed. */
  opened(call: AuditedCall): void {
    if (this.#settings?.calls === 'all') this.#append({ ...callFields(call, 'open'), type: 'open' })
  }

  /** Records that files of the workspace were read again. */
  reloaded(files: readonly string[]): void {
    if (files.length > 0) this.#append({ type: 'reload', files: files.slice(0, NAMES_MAX), count: files.length })
  }

  /** Writes what waits, and ends. */
  async close(): Promise<void> {
    clearInterval(this.#timer)
    this.#stop()
    await this.#closing
  }

  #start(settings: AuditSettings): void {
    const { log } = this.#options
    let stream: AuditStream | null = null
    makePrivateFolder(settings.folder)
    const lock = holdLock(join(settings.folder, LOCK_FILE), () => IN_USE)
    try {
      const journal = new Journal({
        folder: settings.folder,
        now: () => new Date(),
        onKept: () => stream?.kept(),
        onFailure: (error) => {
          if (error === null) log.info({}, 'the audit is written again')
          else log.error({ err: error, folder: settings.folder }, 'the audit cannot be written')
        },
        onTampering: (message) =>
          log.error({ folder: settings.folder }, `${message} Run \`streamstack audit verify\`.`),
      })
      stream = new AuditStream(journal)
      const inputKey = inputKeyIn(settings.folder)
      const record = new SettingsRecord(settings.folder, inputKey)
      const refusals = new Refusals((count) => this.#append(count))
      this.#running = { journal, stream, refusals, record, inputKey, release: () => lock.close() }
      this.#headReport.opened(journal.kept)
    } catch (error) {
      lock.close()
      throw error
    }
  }

  #stop(): void {
    const running = this.#running
    if (running === null) return
    running.refusals.flush()
    this.#append({ type: 'stop' })
    this.#running = null
    this.#closing = running.journal.close().then(() => {
      running.release()
      return this.#settings === null ? undefined : this.#headReport.tell(running.journal.kept, this.#settings.head)
    })
  }

  #tick(): void {
    const running = this.#running
    const settings = this.#settings
    if (running === null || settings === null) return
    running.refusals.tick(Date.now())
    this.#headReport.tick(running.journal.kept, settings.head)
    const nowMs = performance.now()
    if (nowMs - this.#retainedAtMs >= RETAIN_MS) {
      this.#retainedAtMs = nowMs
      running.journal
        .retain(settings)
        .catch((error: unknown) =>
          this.#options.log.error({ err: error }, 'old entries of the audit could not be removed'),
        )
    }
  }

  #compare({ record }: Running, compared: ComparedSettings): void {
    try {
      const { settings, keys } = record.changeTo(compared)
      for (const { action, name, fingerprint } of keys) this.#append({ type: 'key', action, name, fingerprint })
      if (settings.length > 0) {
        this.#append({ type: 'settings', settings: settings.slice(0, NAMES_MAX), count: settings.length })
      }
    } catch (error) {
      this.#options.log.error({ err: error }, 'the settings could not be remembered for the audit')
    }
  }

  #append(fields: object): void {
    this.#running?.journal.append(fields)
  }
}
