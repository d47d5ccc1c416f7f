import { StreamstackError } from '@streamstack/protocol'
import { after } from '../storage/index.ts'
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
  read(stream: LiveStream, after: number, bytesMax: number): Page | Promise<Page> {
    const through = stream.visibleTail
    if (after > through) {
      throw new StreamstackError('offset_invalid', 'The offset lies beyond the end of the stream.')
    }
    return this.#fill({ stream, after, through, bytesMax, parts: [], last: after, bytes: 0 })
  }

  /** The chunk after a position, seen by readers or not; null: there is none up to `through`. */
  chunkAfter(stream: LiveStream, position: number, through: number): Buffer | null | Promise<Buffer | null> {
    return after(this.#slice(stream, position, through, 1), (slice) => slice?.parts[0] ?? null)
  }

  /** What is kept is not as it was written, or cannot be had: the log is told the cause, and readers the error that comes back. */
  unreadable(cause: unknown): StreamstackError {
    this.#onError(cause)
    return new StreamstackError('storage_failed', 'What is kept of the stream cannot be read.', { cause })
  }

  #fill(draft: Draft): Page | Promise<Page> {
    while (draft.last < draft.through && draft.bytes < draft.bytesMax) {
      const slice = this.#slice(draft.stream, draft.last, draft.through, draft.bytesMax - draft.bytes)
      if (slice instanceof Promise) {
        return slice.then((late) => (add(draft, late) ? this.#fill(draft) : finished(draft)))
      }
      if (!add(draft, slice)) break
    }
    return finished(draft)
  }

  #slice(
    { record }: LiveStream,
    after: number,
    through: number,
    bytesMax: number,
  ): Slice | null | Promise<Slice | null> {
    const span = record.inherited.find((inherited) => after < inherited.through)
    const owner = span?.owner ?? record.id
    try {
      const slice = this.#storage.read(owner, after, Math.min(span?.through ?? through, through), bytesMax)
      if (!(slice instanceof Promise)) return slice
      return slice.catch((cause: unknown) => {
        throw this.unreadable(cause)
      })
    } catch (cause) {
      throw this.unreadable(cause)
    }
  }
}

/** A page that is being read. */
interface Draft {
  readonly stream: LiveStream
  readonly after: number
  readonly through: number
  readonly bytesMax: number
  readonly parts: Buffer[]
  last: number
  bytes: number
}

/** Adds the next chunks. False: the page ends before them. */
function add(draft: Draft, slice: Slice | null): boolean {
  if (slice === null) return false
  if (slice.after > draft.last) {
    if (draft.parts.length > 0) return false
    throw expired(draft.stream.record, slice.after)
  }
  for (const part of slice.parts) draft.parts.push(part)
  draft.last = slice.last
  draft.bytes += slice.bytes
  return true
}

function finished({ stream, after, through, parts, last, bytes }: Draft): Page {
  if (parts.length === 0 && after < through) throw expired(stream.record, through)
  return { last, parts, bytes }
}

function expired(record: StreamRecord, first: number): StreamstackError {
  return new StreamstackError('offset_expired', 'The stream no longer holds the chunks after this offset.', {
    details: { first_offset: formatOffset(first, record.family) },
  })
}
