import type { IncomingMessage } from 'node:http'
import { StreamstackError, parseOffset } from '@streamstack/protocol'
import type { StreamSource } from '../stream/index.ts'

/**
 * The offset after which a reader of a stream wants to begin. A browser's EventSource repeats its URL and adds Last-Event-ID, so the header goes
 * before `?offset=`. Throws `offset_invalid`, `offset_expired`.
 */
export function startPosition({ stream }: StreamSource, request: IncomingMessage, asked: string | null): number {
  const { log } = stream
  const text = request.headers['last-event-id']?.toString() || asked || '-1'
  const offset = parseOffset(text)
  if (offset === null || offset > log.lastOffset) {
    throw new StreamstackError(
      'offset_invalid',
      'This is no offset of this stream. Send one that it gave out, or -1 for its start.',
    )
  }
  if (offset < log.droppedOffset) {
    throw new StreamstackError('offset_expired', 'The stream no longer holds the chunks after this offset.', {
      details: { first_offset: log.droppedOffset },
    })
  }
  return offset
}
