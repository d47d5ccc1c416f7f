import { expiryMs, steadyNowMs } from './expiry.ts'
import type { LiveStream } from './live-stream.ts'
import type { StreamStorage, Trimmed } from './storage.ts'

/** Streams whose time may have come, looked at in one turn. */
const DUE_MAX = 200
/** So much stays when a stream is over its bound, that trimming is rare. */
const TRIM_FRACTION = 0.9

export interface RetentionOptions {
  /** Chunks older than this go; null: they stay. */
  readonly maxAgeMs: number | null
  /** Bytes of chunks that one stream keeps, about; null: all. */
  readonly maxBytes: number | null
  /** Called when background work fails. */
  readonly onError: (error: unknown) => void
}

/** Lets old chunks go. */
export class Retention {
  readonly #storage: StreamStorage
  readonly #options: RetentionOptions
  readonly #keep: (stream: LiveStream) => void
  #isLooking = false

  /** `keep` writes a record that has changed. */
  constructor(storage: StreamStorage, options: RetentionOptions, keep: (stream: LiveStream) => void) {
    this.#storage = storage
    this.#options = options
    this.#keep = keep
  }

  /** Called when a stream has grown. */
  check(stream: LiveStream): void {
    const { maxBytes } = this.#options
    if (maxBytes !== null && stream.record.bytes > maxBytes) this.#trim(stream)
  }

  /** Looks after what has come of age; `find` lets expired streams go by itself. Once at a time; never rejects. */
  async lookAfterDue(find: (name: string) => LiveStream | null | Promise<LiveStream | null>): Promise<void> {
    if (this.#isLooking) return
    this.#isLooking = true
    try {
      const { maxAgeMs } = this.#options
      const nowMs = Math.max(Date.now(), steadyNowMs())
      const oldestBeforeMs = maxAgeMs === null ? null : nowMs - maxAgeMs
      for (const name of await this.#storage.due({ nowMs, oldestBeforeMs, limit: DUE_MAX })) {
        const found = find(name)
        const stream = found instanceof Promise ? await found : found
        if (stream !== null) this.#lookAfter(stream, nowMs, oldestBeforeMs)
      }
    } catch (error) {
      this.#options.onError(error)
    } finally {
      this.#isLooking = false
    }
  }

  /** Lets go of what is older than its owner wants it, besides what the settings say. */
  trimBefore(stream: LiveStream, beforeMs: number): void {
    this.#trim(stream, beforeMs)
  }

  #lookAfter(stream: LiveStream, nowMs: number, oldestBeforeMs: number | null): void {
    const { record } = stream
    if (oldestBeforeMs !== null && record.oldestMs !== null && record.oldestMs < oldestBeforeMs) this.#trim(stream)
    // It was read since its time was kept last.
    else if (!record.isDeleted && expiryMs(record) > nowMs) this.#keep(stream)
  }

  #trim(stream: LiveStream, ownBeforeMs = -Infinity): void {
    if (stream.isTrimming) return
    const { maxBytes, maxAgeMs, onError } = this.#options
    const isOver = maxBytes !== null && stream.record.bytes > maxBytes
    const trimmed = this.#storage.trim(stream.record, {
      bytesMax: isOver ? maxBytes * TRIM_FRACTION : Infinity,
      beforeMs: Math.max(ownBeforeMs, maxAgeMs === null ? -Infinity : steadyNowMs() - maxAgeMs),
    })
    if (!(trimmed instanceof Promise)) {
      this.#note(stream, trimmed)
      return
    }
    stream.isTrimming = true
    trimmed
      .then((result) => this.#note(stream, result))
      .catch(onError)
      .finally(() => (stream.isTrimming = false))
  }

  #note(stream: LiveStream, trimmed: Trimmed | null): void {
    if (trimmed === null || stream.isGone) return
    const { record } = stream
    record.dropped = trimmed.dropped
    record.bytes -= trimmed.bytesFreed
    record.oldestMs = trimmed.oldestMs
    this.#keep(stream)
  }
}
