import type { IncomingHttpHeaders } from 'node:http'

/** Where clients that can send no header say it; polyfills of EventSource use this name. */
export const LAST_EVENT_ID_QUERY = 'lastEventId'

/**
 * The last offset that a reader has received: the header Last-Event-ID, which a browser's EventSource adds when it reconnects, else `?lastEventId=`, which
 * polyfills add. Null: it has received nothing.
 */
export function lastEventId(headers: IncomingHttpHeaders, query: URLSearchParams): string | null {
  return headers['last-event-id']?.toString() || query.get(LAST_EVENT_ID_QUERY) || null
}
