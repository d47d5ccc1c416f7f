import type { Chunk } from '@streamstack/protocol'
import type { Batch } from './log.ts'
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
 * for readers that come again for the next one. Throws, or rejects with, what `nextBatch` does.
 */
export function readChunks(
  source: StreamSource,
  offset: number,
  take: (chunk: Chunk) => boolean,
): ChunksRead | Promise<ChunksRead> {
  const read: ChunksRead = { last: offset, passedOver: 0 }
  const takeBatch = ({ chunks, from, to }: Batch): boolean => {
    for (let at = from; at < to; at++) {
      const chunk = chunks[at] as Chunk
      read.last++
      if (source.select?.(chunk) === false) read.passedOver++
      else if (!take(chunk)) return false
    }
    return true
  }
  const go = (): ChunksRead | Promise<ChunksRead> => {
    for (;;) {
      const batch = nextBatch(source, read.last)
      if (batch instanceof Promise) return batch.then((late) => (late !== null && takeBatch(late) ? go() : read))
      if (batch === null || !takeBatch(batch)) return read
    }
  }
  return go()
}
