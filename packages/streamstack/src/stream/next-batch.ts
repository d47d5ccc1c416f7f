import { StreamstackError } from '@streamstack/protocol'
import type { Batch } from './log.ts'
import type { StreamSource } from './stream-source.ts'

/**
 * The next batch for a reader that has everything up to `after`; null if there is none yet. By asking, the reader tells the producer how far it has come.
 * Throws, or rejects with, what refuses the reader, `reader_too_slow` when the log no longer holds what comes next, and what the log cannot read.
 */
export function nextBatch(source: StreamSource, after: number): Batch | null | Promise<Batch | null> {
  const { stream, refusal = null } = source
  if (refusal !== null) throw refusal
  if (after >= stream.lastOffset) return null
  if (!stream.holdsAfter(after)) throw fellBehind()
  return stream.read(after)
}

/** Offset of the last chunk of a batch. */
export function lastOffsetOf({ offset, from, to }: Batch): number {
  return offset + to - from - 1
}

function fellBehind(): StreamstackError {
  return new StreamstackError(
    'reader_too_slow',
    'This reader fell further behind than the stream keeps; the chunks in between are gone for it.',
  )
}
