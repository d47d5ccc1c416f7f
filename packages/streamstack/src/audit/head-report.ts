import type { Head } from './entry.ts'

/** Where the newest head of the audit goes, and how often. */
export interface HeadSettings {
  readonly everyMs: number
  /** Null: heads go to the log alone. */
  readonly webhook: string | null
  /** Header of requests to the webhook; null: none. */
  readonly authorization: string | null
}

export interface HeadReportOptions {
  /** Name of the workspace, for webhooks; null: it has none. */
  readonly workspace: () => string | null
  readonly log: { info(fields: object, message: string): void; warn(fields: object, message: string): void }
  /** Sends a head through the outward door of the workspace. */
  readonly post: (url: string, authorization: string | null, body: object) => Promise<unknown>
}

/** Puts the head of the audit where an attacker who can write the files cannot change it. */
export class HeadReport {
  /** Heads that could not be sent to the webhook. */
  failures = 0
  readonly #options: HeadReportOptions
  #toldAtMs = -Infinity
  #toldSeq = 0

  constructor(options: HeadReportOptions) {
    this.#options = options
  }

  /** The entries up to this one were on disk when the audit was opened. */
  opened({ seq }: Head): void {
    this.#toldSeq = seq
  }

  /** Reports the head if there are new entries and it is time. */
  tick(head: Head, settings: HeadSettings): void {
    const nowMs = performance.now()
    if (nowMs - this.#toldAtMs < settings.everyMs || head.seq <= this.#toldSeq) return
    this.#toldAtMs = nowMs
    this.#toldSeq = head.seq
    void this.tell(head, settings)
  }

  /** Reports a head. Never rejects. */
  async tell({ seq, hash }: Head, { webhook, authorization }: HeadSettings): Promise<void> {
    const { log, post, workspace } = this.#options
    log.info({ audit_head: `${seq}:${hash}` }, 'audit head')
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
      this.failures++
      log.warn({ err: error }, 'the head of the audit could not be sent to its webhook')
    }
  }
}
