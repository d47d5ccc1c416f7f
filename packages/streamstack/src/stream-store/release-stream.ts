import { after } from '../storage/index.ts'
import type { LiveStream } from './live-stream.ts'
import type { LiveStreams } from './live-streams.ts'
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

/** Acts on a stream when the streams that it was forked from, directly and by others, are in memory: its end may be theirs. All are held until then. */
export function withSources<T>(
  stream: LiveStream,
  streams: LiveStreams,
  act: (sources: ReadonlyMap<string, LiveStream>) => T,
): T | Promise<T> {
  const sources = new Map<string, LiveStream>()
  const hold = (held: LiveStream): void | Promise<void> => {
    held.hold()
    if (held !== stream) sources.set(held.record.name, held)
    const from = held.record.origin?.from ?? null
    if (from === null || sources.has(from)) return
    return after(streams.get(from), (source) => (source === null ? undefined : hold(source)))
  }
  const letGo = (): void => {
    stream.release()
    for (const source of sources.values()) source.release()
  }
  const failed = (error: unknown): never => {
    letGo()
    throw error
  }
  const found = (): T => {
    letGo()
    return act(sources)
  }
  try {
    const held = hold(stream)
    if (held instanceof Promise) return held.then(found, failed)
  } catch (error) {
    failed(error)
  }
  return found()
}
