import type { IncomingMessage } from 'node:http'
import type { StreamSource } from '../../stream/index.ts'
import { positionAfter } from '../../stream/reading.ts'
import { lastEventId } from './last-event-id.ts'

/**
 * The offset after which a reader of a stream begins. An EventSource that reconnects repeats its URL and adds what it has received last, so that goes
 * before `?offset=`. `begin`: for a reader that names none. Throws `offset_invalid`, `offset_expired`.
 */
export function startPosition(
  source: StreamSource,
  { headers }: IncomingMessage,
  query: URLSearchParams,
  begin = '-1',
): number {
  return positionAfter(source, lastEventId(headers, query) ?? (query.get('offset') || begin))
}
