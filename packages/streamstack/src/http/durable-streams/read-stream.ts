import { StreamstackError } from '@streamstack/protocol'
import { after } from '../../storage/index.ts'
import { describeStream, parseStreamOffset } from '../../stream-store/index.ts'
import { lastEventId } from '../reader/last-event-id.ts'
import { answerPage } from './answer-page.ts'
import { longPoll } from './long-poll.ts'
import type { Readable } from './readable.ts'
import { readEvents } from './sse-reader.ts'
import { type Headers, type ReadCall, type StreamCall, answer, headerInvalid } from './stream-call.ts'

/** `GET`: what there is after an offset, or with `live` what comes. */
export function readStream(call: ReadCall, open: () => Readable | Promise<Readable>): void | Promise<void> {
  const query = new URLSearchParams(call.search)
  const live = query.get('live')
  if (live !== null && live !== 'long-poll' && live !== 'sse') {
    throw headerInvalid('live must be long-poll or sse.')
  }
  // A browser's EventSource that comes back repeats its URL and adds where it was, so that goes before the query. Other answers are kept by their URL alone.
  const received = live === 'sse' ? lastEventId(call.request.headers, query) : null
  const sent = received ?? offsetOf(query)
  if (live !== null && sent === null)
    throw headerInvalid('A live read needs offset: -1 for the start, now for the end.')
  return after(open(), (stream) => {
    const position = sent === 'now' ? stream.visibleTail : parseStreamOffset(sent ?? '-1', stream.record.family)
    if (position > stream.visibleTail) {
      throw new StreamstackError('offset_invalid', 'The offset lies beyond the end of the stream.')
    }
    stream.touch()
    const cursor = query.get('cursor')
    if (live === 'sse') return readEvents(call, stream, position, cursor)
    if (live === 'long-poll' && position === stream.visibleTail) return longPoll(call, stream, position, cursor)
    return answerPage(call, stream, position, { cursor, isNow: sent === 'now' })
  })
}

/** `HEAD`: what is known of a stream. */
export function answerHead(call: StreamCall): void | Promise<void> {
  return after(call.service.store.open(call.name), (stream) => {
    const { contentType, nextOffset, isClosed, ttlSeconds, expiresAt } = describeStream(stream)
    const headers: Headers = { 'Content-Type': contentType, 'Stream-Next-Offset': nextOffset }
    if (isClosed) headers['Stream-Closed'] = 'true'
    if (ttlSeconds !== null) headers['Stream-TTL'] = ttlSeconds
    if (expiresAt !== null) headers['Stream-Expires-At'] = expiresAt
    answer(call, 200, headers)
  })
}

/** The offset of the query, null without one. Throws `header_invalid`. */
function offsetOf(query: URLSearchParams): string | null {
  const sent = query.getAll('offset')
  if (sent.length > 1) throw headerInvalid('offset may be given once.')
  if (sent[0] === '') throw headerInvalid('offset is empty: leave it out, or send -1 for the start.')
  return sent[0] ?? null
}
