import type { Chunk } from '@streamstack/protocol'
import { after } from '../storage/index.ts'
import type { Batch, StreamLog } from '../stream/index.ts'
import type { LiveStream } from './live-stream.ts'
import { decodeStored } from './stored-chunk.ts'
import type { StreamStore } from './stream-store.ts'

/** How much a reader that is behind gets at once. */
const READ_BYTES = 32_768

/** The next chunks of a kept stream. Throws, or rejects with, `offset_expired` when they were dropped meanwhile, `storage_failed` when they cannot be read. */
export function readStored(store: StreamStore, stream: LiveStream, position: number): Batch | Promise<Batch> {
  return after(store.read(stream, position, READ_BYTES), ({ parts, last }) => {
    const chunks = decoded(store, parts)
    if (chunks.length === 0) throw store.unreadable(new Error(`There is no chunk from ${position + 1} to ${last}.`))
    // A reader behind the window in memory reads from disk and holds up no other reader.
    return { chunks, from: 0, to: chunks.length, offset: position + 1, bytesThrough: 0 }
  })
}

function decoded(store: StreamStore, parts: readonly Buffer[]): Chunk[] {
  try {
    return decodeStored(parts)
  } catch (cause) {
    throw store.unreadable(cause)
  }
}

/** The log of a kept stream that nothing is added to any more: nothing of it is in memory. */
export class FinishedLog implements StreamLog {
  readonly lastOffset: number
  readonly bytesHeld = 0
  onVisible: (() => void) | null = null
  readonly #store: StreamStore
  readonly #stream: LiveStream

  constructor(store: StreamStore, stream: LiveStream) {
    this.#store = store
    this.#stream = stream
    // The end, which comes last of a closed stream, is no chunk.
    this.lastOffset = stream.visibleTail - (stream.isVisiblyClosed ? 1 : 0)
  }

  get droppedOffset(): number {
    return Math.min(this.#stream.record.dropped, this.lastOffset)
  }

  append(): never {
    throw new Error('the stream has ended')
  }

  finish(): never {
    throw new Error('the stream has ended')
  }

  read(offset: number): Batch | null | Promise<Batch> {
    return offset >= this.lastOffset ? null : readStored(this.#store, this.#stream, offset)
  }
}
