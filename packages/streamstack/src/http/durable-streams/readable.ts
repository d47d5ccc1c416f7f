import type { Page, StreamWatcher, Watch } from '../../stream-store/index.ts'

/** A stream as readers of the open protocol need it: one that a caller made by name, or one of the server's own. */
export interface Readable {
  readonly record: { readonly contentType: string; readonly family: string }
  /** Position of the newest message that may be seen. */
  readonly visibleTail: number
  readonly isVisiblyClosed: boolean
  /** It can be read no more: `checkThere` says why. */
  readonly isGone: boolean
  watch(watcher: StreamWatcher): Watch
  /** What one reader has encoded, for the others. */
  shared: object | null
  /** The next messages after a position, as the stream store's `read`. Throws, or rejects with, `offset_invalid`, `offset_expired`, `storage_failed`. */
  read(position: number, bytesMax: number): Page | Promise<Page>
  /** Notes that it is read, for its sliding expiry. */
  touch(): void
  /** Throws, or rejects with, why it can be read no more: it was deleted, it has expired, or its reader has lost the right. */
  checkThere(): void | Promise<void>
  /** Counts how far its reader has been sent. */
  wrote?(position: number): void
}
