import { StreamstackError } from '@streamstack/protocol'
import { describeStream, parseStreamOffset } from '../../stream-store/index.ts'
import { lastEventId } from '../last-event-id.ts'
import { answerPage } from './answer-page.ts'
import { longPoll } from './long-poll.ts'
import { SseReader } from './sse-reader.ts'
import { type Headers, type ReadCall, type StreamCall, answer, headerInvalid } from './stream-call.ts'

/** `GET`: what there is after an offset, or with `live` what comes. */
export function readStream(call: ReadCall): void {
  const { service } = call
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
  const stream = service.store.open(call.name)
  const after = sent === 'now' ? stream.visibleTail : parseStreamOffset(sent ?? '-1', stream.record.family)
  if (after > stream.visibleTail) {
    throw new StreamstackError('offset_invalid', 'The offset lies beyond the end of the stream.')
  }
  service.store.touch(stream)
  const cursor = query.get('cursor')
  if (live === 'sse') new SseReader(call, stream, after, cursor).wake()
  else if (live === 'long-poll' && after === stream.visibleTail) longPoll(call, stream, after, cursor)
  else answerPage(call, stream, after, { cursor, isNow: sent === 'now' })
}

/** `HEAD`: what is known of a stream. */
export function answerHead(call: StreamCall): void {
  const stream = describeStream(call.service.store.open(call.name))
  const headers: Headers = { 'Content-Type': stream.contentType, 'Stream-Next-Offset': stream.nextOffset }
  if (stream.isClosed) headers['Stream-Closed'] = 'true'
  if (stream.ttlSeconds !== null) headers['Stream-TTL'] = stream.ttlSeconds
  if (stream.expiresAt !== null) headers['Stream-Expires-At'] = stream.expiresAt
  answer(call, 200, headers)
}

/** The offset of the query, null without one. Throws `header_invalid`. */
function offsetOf(query: URLSearchParams): string | null {
  const sent = query.getAll('offset')
  if (sent.length > 1) throw headerInvalid('offset may be given once.')
  if (sent[0] === '') throw headerInvalid('offset is empty: leave it out, or send -1 for the start.')
  return sent[0] ?? null
}
