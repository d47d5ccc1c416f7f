import type { LiveStream } from './live-stream.ts'
import { Retention, type RetentionOptions } from './retention.ts'
import type { Change, StreamStorage } from './storage.ts'

/** A request that was judged, and its result, which waits for the storage. */
export interface Judged<T> {
  readonly kept: T | Promise<T>
}

/** Commits changes to the storage. Readers see them once they are committed; then retention removes the oldest chunks. */
export class StreamCommits {
  readonly retention: Retention
  readonly #storage: StreamStorage
  readonly #onError: (error: unknown) => void

  constructor(storage: StreamStorage, options: RetentionOptions) {
    this.#storage = storage
    this.#onError = options.onError
    this.retention = new Retention(storage, options, (stream) =>
      this.unattended(stream, [{ kind: 'update', record: stream.record }]),
    )
  }

  /**
   * Commits the changes of a stream, then calls `kept` and returns its result.
   *
   * @param others Further streams whose records the changes touch. They are not read from the storage before the commit.
   */
  write<T>(
    stream: LiveStream,
    changes: readonly Change[],
    kept: () => T,
    others: readonly LiveStream[] = [],
  ): T | Promise<T> {
    const written = this.#storage.write(changes)
    if (written instanceof Promise && others.length > 0) {
      for (const other of others) other.hold()
      const release = (): void => {
        for (const other of others) other.release()
      }
      written.then(release, release)
    }
    return stream.whenKept(written, kept)
  }

  /** Commits changes that no caller waits for. */
  unattended(stream: LiveStream, changes: readonly Change[]): void {
    const written = this.write(stream, changes, () => undefined)
    if (written instanceof Promise) written.catch(this.#onError)
  }

  /** Shows readers what is committed, up to `tail`. */
  show(stream: LiveStream, tail: number, isClosed: boolean): void {
    stream.show(tail, isClosed)
    this.retention.check(stream)
  }
}

/** Returns the size of chunks together. */
export function bytesOf(chunks: readonly Buffer[]): number {
  return chunks.reduce((sum, { length }) => sum + length, 0)
}
