import type { LiveStream } from './live-stream.ts'
import type { Change } from './storage.ts'

/** What the end of a stream brings about. */
export interface Release {
  readonly changes: readonly Change[]
  /** Streams that are taken away: it, unless forks still need it, and sources that were deleted before and had it as their last fork. */
  readonly removed: readonly LiveStream[]
}

/** Lets go of a stream that was deleted or has expired. `sourceOf` finds the streams that forks come from. */
export function releaseStream(stream: LiveStream, sourceOf: (name: string) => LiveStream | null): Release {
  const changes: Change[] = []
  const removed: LiveStream[] = []
  const release = (released: LiveStream): void => {
    const { record } = released
    released.isGone = true
    released.wakeWatchers()
    if (record.forks > 0) {
      record.isDeleted = true
      changes.push({ kind: 'update', record })
      return
    }
    released.isRemoved = true
    removed.push(released)
    changes.push({ kind: 'remove', record })
    const source = record.origin === null ? null : sourceOf(record.origin.from)
    if (source === null) return
    source.record.forks -= 1
    if (source.record.isDeleted && source.record.forks === 0) release(source)
    else changes.push({ kind: 'update', record: source.record })
  }
  release(stream)
  return { changes, removed }
}
