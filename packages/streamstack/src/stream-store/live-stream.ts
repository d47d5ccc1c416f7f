import { OpenList } from '../stream/index.ts'
import type { StreamRecord } from './stream-record.ts'

/** A listener for changes of a stream: new chunks, its closure, its end. Must not throw. */
export interface StreamWatcher {
  wake(): void
}

/** That somebody watches. */
export interface Watch {
  /** Ends it; nothing happens when it has ended. */
  remove(): void
}

/** A stream that is in use: its record, what of it may be seen, and who watches. */
export class LiveStream {
  /** Ahead of what may be seen, while writes are under way. */
  record: StreamRecord
  /** Position of the newest chunk that readers may see. */
  visibleTail: number
  isVisiblyClosed: boolean
  /** Whether the making of the stream is kept. */
  isVisible: boolean
  /** Deleted or expired: nothing more can be read here. */
  isGone = false
  /** Taken away, which the storage may not know yet: until it does, the name must not be looked up there. */
  isRemoved = false
  /** When the time of its last use was last kept, for the sliding expiry. */
  touchKeptMs: number
  /** Old chunks are being dropped. */
  isTrimming = false
  /** A write failed, and the storage has not said yet what it holds: nothing can be judged by the record until then. */
  isUncertain = false
  /** Writes under way. */
  #pending = 0
  /** What else is under way and needs it as it is: the making or the end of a fork. */
  #holds = 0
  /** The newest of them; writes settle in order. */
  #lastWrite: Promise<unknown> = Promise.resolve()
  #isWaking = false
  readonly #watchers = new OpenList<StreamWatcher>()
  /** Encoded chunks that the readers of this stream share. */
  shared: object | null = null

  constructor(record: StreamRecord, isVisible: boolean) {
    this.record = record
    this.visibleTail = isVisible ? record.tail : 0
    this.isVisiblyClosed = isVisible && record.isClosed
    this.isVisible = isVisible
    this.touchKeptMs = record.touchedMs
  }

  /** Whether it can be forgotten and read again when it is needed. */
  get isIdle(): boolean {
    return this.#pending === 0 && this.#holds === 0 && this.#watchers.size === 0 && !this.isRemoved
  }

  get watcherCount(): number {
    return this.#watchers.size
  }

  watch(watcher: StreamWatcher): Watch {
    return this.#watchers.add(watcher)
  }

  /** Keeps it in memory until `release`: read again, it would be another object with a record of its own. */
  hold(): void {
    this.#holds += 1
  }

  release(): void {
    this.#holds -= 1
  }

  /** Does what is to be done when a write is kept, in the order of the writes. Rejects as the write does. */
  whenKept<T>(written: void | Promise<void>, kept: () => T): T | Promise<T> {
    if (written === undefined) return kept()
    this.#pending += 1
    const done = written.then(
      () => {
        this.#pending -= 1
        return kept()
      },
      (error: unknown) => {
        this.#pending -= 1
        throw error
      },
    )
    this.#lastWrite = done
    return done
  }

  /** Does something when all that is under way is kept, at once when nothing is. */
  afterWrites<T>(then: () => T): T | Promise<T> {
    return this.#pending === 0 ? then() : this.#lastWrite.then(then)
  }

  /** Lets readers see the stream up to a position. */
  show(tail: number, isClosed: boolean): void {
    this.visibleTail = tail
    this.isVisiblyClosed = isClosed
    this.wakeWatchers()
  }

  /** Once for all changes of one turn of the event loop. */
  wakeWatchers(): void {
    if (this.#isWaking || this.#watchers.size === 0) return
    this.#isWaking = true
    setImmediate(() => {
      this.#isWaking = false
      for (const entry of this.#watchers.entries()) if (entry.isIn) entry.member.wake()
    })
  }
}
