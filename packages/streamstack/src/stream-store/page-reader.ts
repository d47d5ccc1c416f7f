import { StreamstackError } from '@streamstack/protocol'
import type { LiveStream } from './live-stream.ts'
import { formatOffset } from './offset.ts'
import type { Slice, StreamStorage } from './storage.ts'
import type { StreamRecord } from './stream-record.ts'

/** The next chunks for a reader. */
export interface Page {
  /** Position of the last chunk in it; where it was asked for when it is empty. */
  readonly last: number
  readonly parts: readonly Buffer[]
  readonly bytes: number
}

/** Reads the chunks of streams, also those that a fork has from its ancestors. */
export class PageReader {
  readonly #storage: StreamStorage
  readonly #onError: (error: unknown) => void

  constructor(storage: StreamStorage, onError: (error: unknown) => void) {
    this.#storage = storage
    this.#onError = onError
  }

  /** The next chunks after a position; as `StreamStore.read`. */
  read(stream: LiveStream, after: number, bytesMax: number): Page {
    const through = stream.visibleTail
    if (after > through) {
      throw new StreamstackError('offset_invalid', 'The offset lies beyond the end of the stream.')
    }
    const parts: Buffer[] = []
    let last = after
    let bytes = 0
    while (last < through && bytes < bytesMax) {
      const slice = this.#slice(stream, last, through, bytesMax - bytes)
      if (slice === null) break
      if (slice.after > last) {
        if (parts.length > 0) break
        throw expired(stream.record, slice.after)
      }
      for (const part of slice.parts) parts.push(part)
      last = slice.last
      bytes += slice.bytes
    }
    if (parts.length === 0 && after < through) throw expired(stream.record, through)
    return { last, parts, bytes }
  }

  /** The chunk after a position, seen by readers or not; null: there is none up to `through`. */
  chunkAfter(stream: LiveStream, after: number, through: number): Buffer | null {
    return this.#slice(stream, after, through, 1)?.parts[0] ?? null
  }

  /** What is kept is not as it was written, or cannot be had: the log is told the cause, and readers the error that comes back. */
  unreadable(cause: unknown): StreamstackError {
    this.#onError(cause)
    return new StreamstackError('storage_failed', 'What is kept of the stream cannot be read.', { cause })
  }

  #slice({ record }: LiveStream, after: number, through: number, bytesMax: number): Slice | null {
    const span = record.inherited.find((inherited) => after < inherited.through)
    const owner = span?.owner ?? record.id
    try {
      return this.#storage.read(owner, after, Math.min(span?.through ?? through, through), bytesMax)
    } catch (cause) {
      throw this.unreadable(cause)
    }
  }
}

function expired(record: StreamRecord, first: number): StreamstackError {
  return new StreamstackError('offset_expired', 'The stream no longer holds the chunks after this offset.', {
    details: { first_offset: formatOffset(first, record.family) },
  })
}
