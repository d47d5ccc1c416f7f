import type { Chunk } from '@streamstack/protocol'
import type { Batch } from './log.ts'
import { nextBatch } from './next-batch.ts'
import { mustWaitToSelect, selectLater } from './selection-turns.ts'
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
  const takeBatch = ({ chunks, from, to }: Batch): Taken => {
    for (let at = from; at < to; at++) {
      const { select } = source
      // One at least: what was read from disk would be read for nothing.
      if (select !== null && at > from && mustWaitToSelect()) return 'part'
      const chunk = chunks[at] as Chunk
      read.last++
      if (select?.(chunk) === false) read.passedOver++
      else if (!take(chunk)) return 'enough'
    }
    return 'all'
  }
  const goOnLater = (): Promise<ChunksRead> =>
    new Promise((resolve, reject) => {
      selectLater(() => {
        try {
          resolve(go())
        } catch (error) {
          reject(error)
        }
      })
    })
  const go = (): ChunksRead | Promise<ChunksRead> => {
    for (;;) {
      const batch = nextBatch(source, read.last)
      if (batch instanceof Promise) {
        return batch.then((late) => {
          const taken = late === null ? 'enough' : takeBatch(late)
          if (taken === 'enough') return read
          return taken === 'part' ? goOnLater() : go()
        })
      }
      const taken = batch === null ? 'enough' : takeBatch(batch)
      if (taken === 'enough') return read
      if (taken === 'part') return goOnLater()
    }
  }
  return go()
}

/** What `take` took of a batch. `part`: the rest has to wait for its turn of the event loop. */
type Taken = 'all' | 'part' | 'enough'
