import type { Chunk } from '@streamstack/protocol'
import { nextBatch } from './next-batch.ts'
import type { StreamSource } from './stream-source.ts'

export interface ChunksRead {
  /** Offset of the last chunk that was read, whether or not the reader may see it. */
  last: number
  /** Chunks that the reader may not see. */
  passedOver: number
}

/**
 * Hands out the chunks after an offset that a reader may see, one by one, as long as `take` returns true, and no further than the stream holds now: a page,
 * for readers that come again for the next one. Throws what `nextBatch` does. The log must answer at once.
 */
export function readChunks(source: StreamSource, after: number, take: (chunk: Chunk) => boolean): ChunksRead {
  const read: ChunksRead = { last: after, passedOver: 0 }
  for (;;) {
    const batch = nextBatch(source, read.last)
    if (batch instanceof Promise) throw new Error('A log that reads later cannot be read in pages.')
    if (batch === null) return read
    const { chunks, to } = batch
    for (let at = batch.from; at < to; at++) {
      const chunk = chunks[at] as Chunk
      read.last++
      if (source.select?.(chunk) === false) read.passedOver++
      else if (!take(chunk)) return read
    }
  }
}
