/** A part of a stream that it has from an ancestor: the chunks up to and with `through` are the owner's. */
export interface InheritedSpan {
  readonly owner: number
  readonly through: number
}

/** Where a fork comes from, as it was asked for. */
export interface ForkOrigin {
  readonly from: string
  /** Null: the end of the source. */
  readonly offset: string | null
  readonly subOffset: number
}

/** What is known of one stream: plain data. Positions count chunks from 1; 0 is the start. */
export interface StreamRecord {
  /** Never given out again. */
  readonly id: number
  readonly name: string
  /** What its offsets end in: 16 hex digits, shared by a stream and its forks. */
  readonly family: string
  /** As it was sent when the stream was made. */
  readonly contentType: string
  /** Sliding: the stream expires when it was neither read nor written for so long. Null: it does not. */
  ttlSeconds: number | null
  /** RFC 3339, as it was sent. */
  readonly expiresAt: string | null
  readonly origin: ForkOrigin | null
  /** Oldest first; empty unless the stream is a fork. Its own chunks follow. */
  readonly inherited: readonly InheritedSpan[]
  /** Another way to find the stream: no two have the same. Null: it has none. */
  readonly key: string | null
  /** What its maker lists it under, together with others. Null: nothing. */
  readonly listedUnder: string | null
  /** What its maker notes about it; nothing here reads it. */
  note: string | null
  /** Position of the newest chunk. */
  tail: number
  /** Bytes of its own chunks that are kept. */
  bytes: number
  /** Own chunks up to here are gone. */
  dropped: number
  /** When its oldest own chunk that is kept was appended, about, ms since 1970; null: there is none. */
  oldestMs: number | null
  isClosed: boolean
  /** The last Stream-Seq. It is kept for the stream, not for each writer. */
  sequence: string | null
  /** When it was last read or written, ms since 1970, for the sliding expiry. */
  touchedMs: number
  /** How many streams inherit from it. */
  forks: number
  /** Deleted, but kept for its forks: its name stays taken. */
  isDeleted: boolean
}

/** What a stream remembers of an idempotent producer. */
export interface ProducerState {
  readonly epoch: number
  /** The highest sequence number taken in that epoch. */
  readonly sequence: number
}

/** Position where the stream's own chunks begin. */
export function forkPosition(record: StreamRecord): number {
  return record.inherited.at(-1)?.through ?? 0
}

/** The media type without parameters, in lower case. */
export function mediaType(contentType: string): string {
  const end = contentType.indexOf(';')
  return (end === -1 ? contentType : contentType.slice(0, end)).trim().toLowerCase()
}

/** Whether the stream holds JSON messages, whose boundaries are kept. */
export function isJson(contentType: string): boolean {
  return mediaType(contentType) === 'application/json'
}
