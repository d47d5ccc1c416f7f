import { join } from 'node:path'
import { StreamstackError, type Value } from '@streamstack/protocol'
import type { Caller } from '../access/index.ts'
import { addressKey } from '../limit/index.ts'
import { holdLock, makePrivateFolder } from '../storage/index.ts'
import { AuditStream } from './audit-stream.ts'
import type { Head } from './entry.ts'
import { type AuditedInputs, type InputMode, inputKeyIn, recordedInputs, safeText } from './input-values.ts'
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
  readonly head: {
    readonly everyMs: number
    /** Null: heads go to the log alone. */
    readonly webhook: string | null
    /** Header of requests to the webhook; null: none. */
    readonly authorization: string | null
  }
}

/** A call as the audit records it. */
export interface AuditedCall {
  readonly caller: { readonly kind: Caller['kind']; readonly subject: string | null }
  readonly address: string | null
  readonly transport: 'http' | 'websocket'
  readonly method: string
  /** As it is declared, with its placeholders; null: there is none at the path. */
  readonly route: string | null
  readonly endpoint: string | null
  /** The channel, stream, dashboard or conversation that is meant; null: none, or the caller was refused before. */
  readonly resource: string | null
  readonly run: string | null
  /** Of `inputsOf`; null: none are recorded. */
  readonly inputs: AuditedInputs | null
  /** How the stream that was read ended; null: the answer is no stream. */
  readonly outcome: string | null
  /** Null: the client disconnected before there was an answer. */
  readonly status: number | null
  readonly error: { readonly code: string; readonly reason: string | null } | null
  readonly bytes: number | null
  readonly durationMs: number
}

export interface AuditOptions {
  /** Name of the workspace, for webhooks; null: it has none. */
  readonly workspace: () => string | null
  readonly log: AuditLogger
  /** Sends a head through the outward door of the workspace. */
  readonly post: (url: string, authorization: string | null, body: object) => Promise<unknown>
}

interface AuditLogger {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
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
  #settings: AuditSettings | null = null
  #running: Running | null = null
  /** It is to be on, and its folder cannot be opened. */
  #cannotOpen = false
  #headToldAtMs = -Infinity
  #headTold = 0
  #headFailures = 0
  #retainedAtMs = -Infinity
  #closing: Promise<void> = Promise.resolve()

  constructor(options: AuditOptions) {
    this.#options = options
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
    const headFailures = this.#headFailures
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
      const { address, caller, error } = call
      const key = addressKey(address)
      const by = caller.subject === null ? key : `subject ${caller.subject}`
      const subject = caller.subject === null ? null : safeText(caller.subject)
      const refusal = { by, address, subject, route: call.route, error: error.code, reason: error.reason }
      if (running.refusals.isFirst(refusal, Date.now())) this.#append(this.#fieldsOf(call, 'refused'))
    } else if (this.#settings.calls === 'all')
      this.#append(this.#fieldsOf(call, call.outcome ?? (call.status === null ? 'disconnected' : 'answered')))
  }

  /** Records that a call goes on: its own entry comes when it is over, or never, should the process be killed. */
  opened(call: AuditedCall): void {
    if (this.#settings?.calls === 'all') this.#append({ ...this.#fieldsOf(call, 'open'), type: 'open' })
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
      this.#headTold = journal.kept.seq
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
      return this.#tellHead(running.journal.kept)
    })
  }

  #tick(): void {
    const running = this.#running
    const settings = this.#settings
    if (running === null || settings === null) return
    running.refusals.tick(Date.now())
    const nowMs = performance.now()
    const { kept } = running.journal
    if (nowMs - this.#headToldAtMs >= settings.head.everyMs && kept.seq > this.#headTold) {
      this.#headToldAtMs = nowMs
      this.#headTold = kept.seq
      void this.#tellHead(kept)
    }
    if (nowMs - this.#retainedAtMs >= RETAIN_MS) {
      this.#retainedAtMs = nowMs
      running.journal
        .retain(settings)
        .catch((error: unknown) =>
          this.#options.log.error({ err: error }, 'old entries of the audit could not be removed'),
        )
    }
  }

  /** Puts the head where an attacker who can write the files cannot change it. */
  async #tellHead({ seq, hash }: Head): Promise<void> {
    const { log, post, workspace } = this.#options
    log.info({ audit_head: `${seq}:${hash}` }, 'audit head')
    const { webhook = null, authorization = null } = this.#settings?.head ?? {}
    if (webhook === null) return
    try {
      await post(webhook, authorization, {
        type: 'audit_head',
        workspace: workspace(),
        seq,
        hash,
        time: new Date().toISOString(),
      })
    } catch (error) {
      this.#headFailures++
      log.warn({ err: error }, 'the head of the audit could not be sent to its webhook')
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

  #fieldsOf(call: AuditedCall, outcome: string): object {
    const { caller, inputs, error, durationMs } = call
    return {
      type: 'call',
      caller: caller.kind,
      subject: caller.subject === null ? null : safeText(caller.subject),
      address: call.address,
      transport: call.transport,
      method: call.method,
      route: call.route,
      endpoint: call.endpoint,
      ...(call.resource === null ? {} : { resource: safeText(call.resource) }),
      run: call.run,
      ...(inputs === null ? {} : { inputs }),
      outcome,
      status: call.status,
      ...(error === null ? {} : { error: error.code, ...(error.reason === null ? {} : { reason: error.reason }) }),
      bytes: call.bytes,
      duration_ms: Math.round(durationMs * 10) / 10,
    }
  }
}
