import { Stream, type StreamReader, type StreamSource } from '../stream/index.ts'
import { AuditLog } from './audit-log.ts'
import type { Journal } from './journal.ts'

const NO_HEADERS: ReadonlyMap<string, string> = new Map()

/** `system/audit`: the entries on disk. It never ends; the offset of an entry is its number, over restarts, too. */
export class AuditStream implements StreamSource {
  readonly stream: Stream
  readonly url = '/v1/stream/system/audit'
  readonly run = null
  readonly contentType = undefined
  readonly responseHeaders = NO_HEADERS
  readonly failure = null
  readonly select = null
  readonly #log: AuditLog

  constructor(journal: Journal) {
    this.#log = new AuditLog(journal)
    this.stream = new Stream({ log: this.#log, whenUnread: 'drop', unreadBytesMax: 1 })
  }

  get begin(): number {
    return this.#log.droppedOffset
  }

  /** Entries have reached the disk. */
  kept(): void {
    this.#log.onVisible?.()
  }

  refresh(): void {}

  attach(reader: StreamReader): void {
    this.stream.attach(reader)
  }

  detach(reader: StreamReader): void {
    this.stream.detach(reader)
  }

  answerBegan(): void {
    // No answer has headers that could change.
  }
}
