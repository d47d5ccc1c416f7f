import type { StreamstackError } from '@streamstack/protocol'
import type { Caller } from '../../access/index.ts'
import type { Page, StreamWatcher } from '../../stream-store/index.ts'
import type { Readable, ReadableStore } from './readable.ts'

/** A stream that somebody made by name, for one reader, who may lose the right to read it while it waits. */
class GuardedStream implements Readable {
  readonly record: Readable['record']
  readonly stream: Readable
  readonly #guard: GuardedStore
  readonly #watchers = new Set<StreamWatcher>()

  constructor(stream: Readable, guard: GuardedStore) {
    this.record = stream.record
    this.stream = stream
    this.#guard = guard
  }

  get visibleTail(): number {
    return this.stream.visibleTail
  }

  get isVisiblyClosed(): boolean {
    return this.stream.isVisiblyClosed
  }

  get isGone(): boolean {
    return this.#guard.refusal !== null || this.stream.isGone
  }

  get shared(): object | null {
    return this.stream.shared
  }

  set shared(shared: object | null) {
    this.stream.shared = shared
  }

  readonly watchers = {
    add: (watcher: StreamWatcher): void => {
      this.#watchers.add(watcher)
      this.stream.watchers.add(watcher)
    },
    delete: (watcher: StreamWatcher): void => {
      this.#watchers.delete(watcher)
      this.stream.watchers.delete(watcher)
    },
  }

  wake(): void {
    for (const watcher of this.#watchers) watcher.wake()
  }
}

/** Streams by name for one reader: refused, it is let go, and told why when it opens one again. */
export class GuardedStore implements ReadableStore<GuardedStream> {
  /** When the token of its reader expires, milliseconds since 1970; null: never. */
  readonly expiresAtMs: number | null
  refusal: StreamstackError | null = null
  readonly #store: ReadableStore<Readable>
  readonly #check: (caller: Caller) => void
  #open: GuardedStream | null = null

  /** `check` throws when a caller does not hold the right to read. */
  constructor(store: ReadableStore<Readable>, { expiresAtMs }: Caller, check: (caller: Caller) => void) {
    this.expiresAtMs = expiresAtMs
    this.#store = store
    this.#check = check
  }

  open(name: string): GuardedStream {
    if (this.refusal !== null) throw this.refusal
    const stream = this.#store.open(name)
    if (this.#open?.stream !== stream) this.#open = new GuardedStream(stream, this)
    return this.#open
  }

  read({ stream }: GuardedStream, after: number, bytesMax: number): Page {
    return this.#store.read(stream, after, bytesMax)
  }

  touch({ stream }: GuardedStream): void {
    this.#store.touch(stream)
  }

  /** Throws when the caller holds the right no more. */
  renew(caller: Caller): void {
    this.#check(caller)
  }

  refuse(error: StreamstackError): void {
    if (this.refusal !== null) return
    this.refusal = error
    this.#open?.wake()
  }
}
