import { LiveStream } from './live-stream.ts'
import type { StreamStorage } from './storage.ts'
import type { StreamRecord } from './stream-record.ts'

/** Number of unused streams that are kept ready in memory. */
const IDLE_MAX = 4_096

/** The streams in use, by name; others are read from the storage when they are asked for. */
export class LiveStreams {
  readonly #storage: StreamStorage
  readonly #onError: (error: unknown) => void
  /** Oldest first. */
  readonly #streams = new Map<string, LiveStream>()
  /** Names that the storage is being asked for: all callers get the same object. */
  readonly #lookups = new Map<string, Promise<LiveStream | null>>()

  constructor(storage: StreamStorage, onError: (error: unknown) => void) {
    this.#storage = storage
    this.#onError = onError
  }

  /** The stream, expired or not, deleted or not; null: there is none. */
  get(name: string): LiveStream | null | Promise<LiveStream | null> {
    const underWay = this.#lookups.get(name)
    if (underWay !== undefined) return underWay
    const known = this.#streams.get(name)
    if (known !== undefined) return known.isRemoved ? null : known
    const record = this.#storage.load(name)
    if (!(record instanceof Promise)) return this.#loaded(record)
    return this.#lookUp(name, record, (loaded) => this.inMemory(name) ?? this.#loaded(loaded))
  }

  /** The stream where it is in use already, without a look into the storage. */
  inMemory(name: string): LiveStream | null {
    const known = this.#streams.get(name)
    return known === undefined || known.isRemoved ? null : known
  }

  add(stream: LiveStream): void {
    this.#streams.set(stream.record.name, stream)
    if (this.#streams.size > IDLE_MAX) this.#forgetIdle()
  }

  /** The storage knows that a stream is removed. */
  forget(stream: LiveStream): void {
    const { name } = stream.record
    if (this.#streams.get(name) === stream) this.#streams.delete(name)
  }

  /** After writes that could not be kept: what is in the storage is the truth. */
  readAgain(): void {
    for (const [name, stream] of this.#streams) {
      const record = stream.isGone ? null : this.#storage.load(name)
      if (!(record instanceof Promise)) {
        this.#correct(name, stream, record)
        continue
      }
      stream.isUncertain = true
      const corrected = this.#lookUp(name, record, (loaded) => this.#correct(name, stream, loaded))
      // Callers that wait for it are told as well. What is not known is read anew for the next one.
      corrected.catch((error: unknown) => {
        this.#correct(name, stream, null)
        this.#onError(error)
      })
    }
  }

  #loaded(record: StreamRecord | null): LiveStream | null {
    if (record === null) return null
    const stream = new LiveStream(record, true)
    this.add(stream)
    return stream
  }

  /** Replaces the record by what the storage holds; null: it holds nothing of this stream. */
  #correct(name: string, stream: LiveStream, record: StreamRecord | null): LiveStream | null {
    stream.isUncertain = false
    const isSame = record !== null && record.id === stream.record.id
    if (isSame) stream.record = record
    else {
      stream.isGone = true
      this.forget(stream)
    }
    stream.wakeWatchers()
    return isSame ? stream : this.inMemory(name)
  }

  #lookUp(
    name: string,
    record: Promise<StreamRecord | null>,
    take: (record: StreamRecord | null) => LiveStream | null,
  ): Promise<LiveStream | null> {
    const settled = (): void => {
      if (this.#lookups.get(name) === lookup) this.#lookups.delete(name)
    }
    const lookup: Promise<LiveStream | null> = record.then(
      (loaded) => {
        // In the same turn as it is taken in, so that no other request asks the storage in between.
        settled()
        return take(loaded)
      },
      (error: unknown) => {
        settled()
        throw error
      },
    )
    this.#lookups.set(name, lookup)
    return lookup
  }

  #forgetIdle(): void {
    for (const [name, stream] of this.#streams) {
      if (this.#streams.size <= IDLE_MAX / 2) return
      if (stream.isIdle) this.#streams.delete(name)
    }
  }
}
