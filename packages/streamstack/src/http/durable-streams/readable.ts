import type { Page, StreamWatcher } from '../../stream-store/index.ts'

/** What readers need of a stream, whichever keeps it: one that somebody made by name, or one of the server's own. */
export interface Readable {
  readonly record: { readonly contentType: string; readonly family: string }
  /** Position of the newest message that may be seen. */
  readonly visibleTail: number
  readonly isVisiblyClosed: boolean
  /** Deleted or expired. */
  readonly isGone: boolean
  readonly watchers: { add(watcher: StreamWatcher): void; delete(watcher: StreamWatcher): void }
  /** What one reader has encoded, for the others. */
  shared: object | null
  /** Where it is counted what its reader gets: hears how far that was written. */
  wrote?(position: number): void
}

/** Where readers find streams. */
export interface ReadableStore<Stream extends Readable> {
  /** Throws `stream_unknown`, `stream_deleted`. */
  open(name: string): Stream
  /** As the stream store's. Throws `offset_invalid`, `offset_expired`. */
  read(stream: Stream, after: number, bytesMax: number): Page
  /** Notes that a stream was read. */
  touch(stream: Stream): void
}
