import type { LiveStream } from './live-stream.ts'
import { formatOffset } from './offset.ts'

/** What is public of a stream. */
export interface StreamDescription {
  readonly contentType: string
  readonly nextOffset: string
  readonly isClosed: boolean
  readonly ttlSeconds: number | null
  /** RFC 3339. */
  readonly expiresAt: string | null
}

/** What may be told of a stream now: only what is kept. */
export function describeStream({ record, visibleTail, isVisiblyClosed }: LiveStream): StreamDescription {
  return {
    contentType: record.contentType,
    nextOffset: formatOffset(visibleTail, record.family),
    isClosed: isVisiblyClosed,
    ttlSeconds: record.ttlSeconds,
    expiresAt: record.expiresAt,
  }
}
