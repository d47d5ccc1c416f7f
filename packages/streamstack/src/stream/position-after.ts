import { StreamstackError, parseOffset } from '@streamstack/protocol'
import type { StreamSource } from './stream-source.ts'

/** The offset that a text stands for in a stream: one that it gave out, -1 for its start, now for its end. Throws `offset_invalid`, `offset_expired`. */
export function positionAfter({ stream, begin }: StreamSource, text: string): number {
  const { log } = stream
  if (text === 'now') return log.lastOffset
  const offset = parseOffset(text)
  if (offset === 0 && begin !== undefined) return begin
  if (offset === null || offset > log.lastOffset) {
    throw new StreamstackError(
      'offset_invalid',
      'This is no offset of this stream. Send one that it gave out, -1 for its start, or now for its end.',
    )
  }
  if (!stream.holdsAfter(offset)) {
    throw new StreamstackError('offset_expired', 'The stream no longer holds the chunks after this offset.', {
      details: { first_offset: log.droppedOffset },
    })
  }
  return offset
}
