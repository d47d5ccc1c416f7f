import type { StreamEnd } from '@streamstack/protocol'
import type { Batch } from './log.ts'
import { Pump, type ReadingRecord } from './pump.ts'
import type { Select, StreamSource } from './stream-source.ts'

export interface CollectOptions {
  source: StreamSource
  /** Offset after which to read. */
  position: number
  /** `end`: the whole, which the stream's end completes. `now`: what the stream holds now, where it has no end. */
  until: 'end' | 'now'
  record: ReadingRecord | null
  /** Takes the next batch. What it throws ends the collection. */
  take: (batch: Batch, select: Select | null) => void
}

/** A reading of a whole stream for a caller that waits for its end. */
export interface Collection {
  /** Settles with the last offset that was read and, with `until: 'end'`, with how the stream ended. Rejects when the stream cannot be read on. */
  readonly done: Promise<{ offset: number; end: StreamEnd | null }>
  /** Begins to read. Until then it is a reader that takes nothing. */
  begin(): void
  /** The caller has disconnected: stops reading. */
  stop(): void
}

/** Reads a stream in full, as a reader that never is behind. With `until: 'end'` it counts as a reader of the stream, for which a run goes on. */
export function collect({ source, position, until, record, take }: CollectOptions): Collection {
  const { promise, resolve, reject } = Promise.withResolvers<{ offset: number; end: StreamEnd | null }>()
  const through = until === 'now' ? source.stream.lastOffset : Infinity
  const finish = (end: StreamEnd | null): void => {
    pump.wrote(performance.now())
    pump.stop()
    resolve({ offset: pump.position, end })
  }
  const pump: Pump = new Pump({
    source,
    position,
    record,
    sink: {
      write(batch, select) {
        take(batch, select)
        if (pump.position >= through) finish(null)
        return true
      },
      flush: () => true,
      end: finish,
      fault(error) {
        pump.stop()
        reject(error)
      },
    },
  })
  pump.attach()
  return {
    done: promise,
    begin: () => (position >= through ? finish(null) : pump.wake()),
    stop: () => pump.stop(),
  }
}
