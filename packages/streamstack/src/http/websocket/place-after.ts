import { StreamstackError } from '@streamstack/protocol'
import type { StreamSource } from '../../stream/index.ts'
import { positionAfter } from '../../stream/reading.ts'

/** Other texts are offsets of streams by name, and a mistake elsewhere. Throws `message_invalid`. */
export function numberOrNow(after: number | string): number | 'now' {
  if (typeof after === 'number' || after === 'now') return after
  throw new StreamstackError(
    'message_invalid',
    '`after` must be an offset of this stream: a whole number, 0 for the start, or now.',
  )
}

/**
 * As `positionAfter`, of what a message says, with the cure where a stream has no end and its offsets may be of a life before this one. Throws
 * `offset_invalid`, `offset_expired`.
 */
export function placeAfter(source: StreamSource, after: number | 'now'): number {
  try {
    return positionAfter(source, String(after))
  } catch (error) {
    if (source.run !== null || !(error instanceof StreamstackError) || error.code !== 'offset_expired') throw error
    throw new StreamstackError(
      'offset_expired',
      'The stream no longer holds what came after this offset, or has begun anew since. Read it without `after` for its history, or with "after":"now" for what comes.',
      { details: error.details ?? {} },
    )
  }
}
