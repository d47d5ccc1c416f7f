import type { ProducerState, StreamRecord } from './stream-record.ts'

/** One thing to keep. Those of one `write` are kept together or not at all. */
export type Change =
  | { readonly kind: 'create'; readonly record: StreamRecord }
  | {
      readonly kind: 'chunk'
      readonly id: number
      readonly position: number
      readonly atMs: number
      readonly data: Buffer
    }
  /** The record as it is now, all that can change of it but its note. */
  | { readonly kind: 'update'; readonly record: StreamRecord }
  /** The note of a record as it is now. */
  | { readonly kind: 'note'; readonly record: StreamRecord }
  | { readonly kind: 'producer'; readonly id: number; readonly producer: string; readonly state: ProducerState }
  /** The name is free at once; the chunks may go later. */
  | { readonly kind: 'remove'; readonly record: StreamRecord }
  /** A small text by name; null takes it away. */
  | { readonly kind: 'document'; readonly name: string; readonly text: string | null }

/** Chunks one after another. */
export interface Slice {
  /** Position before the first of them: greater than asked for when what was asked for is gone. */
  readonly after: number
  /** Position of the last of them. */
  readonly last: number
  /** Their bytes, in any number of pieces; never changed after. */
  readonly parts: readonly Buffer[]
  readonly bytes: number
}

/** What a trim left. */
export interface Trimmed {
  readonly dropped: number
  readonly bytesFreed: number
  /** When to look again: what is left is not older. Null: nothing is left. */
  readonly oldestMs: number | null
}

export interface TrimLimits {
  /** Bytes that may stay. */
  readonly bytesMax: number
  /** Chunks appended before this, ms since 1970, go. */
  readonly beforeMs: number
}

/** What has to be looked after, by time. */
export interface DueQuery {
  /** Streams that may have expired at this time, ms since 1970. */
  readonly nowMs: number
  /** Streams with chunks from before this time; null: none. */
  readonly oldestBeforeMs: number | null
  readonly limit: number
}

/** Streams with a note, of all of them those that cost no look at the others. */
export interface NotedQuery {
  readonly prefix: string
  /** Only names that come before this one; null: all. */
  readonly before: string | null
  readonly among: 'not-closed' | { readonly listedUnder: string }
  readonly limit: number
}

export interface NotedStream {
  readonly name: string
  readonly note: string
}

/** Called when writes that were taken could not be kept: what is in memory is ahead of the storage and must be read again. */
export type FailureListener = () => void

/** Keeps streams: records, chunks, producers. Reads are bounded; what is in memory or in a local file is answered without a promise. */
export interface StreamStorage {
  /** A record by name. Also of a deleted stream that is kept for its forks. */
  load(name: string): StreamRecord | null | Promise<StreamRecord | null>
  /** An id that no stream ever had. */
  nextId(): number
  producer(id: number, producer: string): ProducerState | null | Promise<ProducerState | null>
  /** Throws `storage_full`, `storage_failed` or `unavailable` when so many bytes cannot be taken now. */
  admit(bytes: number): void
  /** Takes the changes in the order of the calls. Settles when they are kept; rejects with `storage_failed` or `storage_full`. */
  write(changes: readonly Change[]): void | Promise<void>
  /** The next chunks of one owner, at least one, about `bytesMax` of them; null: there are none up to `through`. */
  read(owner: number, after: number, through: number, bytesMax: number): Slice | null | Promise<Slice | null>
  /** Drops the oldest chunks of a stream: all that are too old, and for their bytes all but the newest. Null: nothing to drop. */
  trim(record: StreamRecord, limits: TrimLimits): Trimmed | null | Promise<Trimmed | null>
  /** The name of the stream that has a key; null: there is none. */
  nameOf(key: string): string | null | Promise<string | null>
  /** Those that a query is for, the greatest names first, as they are kept. */
  noted(query: NotedQuery): readonly NotedStream[] | Promise<readonly NotedStream[]>
  /** Names of streams that are not deleted and have no note, in order, after a name. */
  names(after: string, limit: number): readonly string[] | Promise<readonly string[]>
  due(query: DueQuery): readonly string[] | Promise<readonly string[]>
  documents(prefix: string): ReadonlyMap<string, string> | Promise<ReadonlyMap<string, string>>
  onFailure(listener: FailureListener): void
  close(): Promise<void>
}
