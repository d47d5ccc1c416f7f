import type { IncomingMessage } from 'node:http'
import type { StreamSource } from '../stream/index.ts'
import { positionAfter } from '../stream/reading.ts'

/**
 * The offset after which a reader of a stream wants to begin. A browser's EventSource repeats its URL and adds Last-Event-ID, so the header goes
 * before `?offset=`. Throws `offset_invalid`, `offset_expired`.
 */
export function startPosition(source: StreamSource, request: IncomingMessage, asked: string | null): number {
  return positionAfter(source, request.headers['last-event-id']?.toString() || asked || '-1')
}
