import { LiveStream } from './live-stream.ts'
import type { StreamStorage } from './storage.ts'

/** Number of unused streams that are kept ready in memory. */
const IDLE_MAX = 4_096

/** The streams in use, by name; others are read from the storage when they are asked for. */
export class LiveStreams {
  readonly #storage: StreamStorage
  /** Oldest first. */
  readonly #streams = new Map<string, LiveStream>()

  constructor(storage: StreamStorage) {
    this.#storage = storage
  }

  /** The stream, expired or not, deleted or not; null: there is none. */
  get(name: string): LiveStream | null {
    const known = this.#streams.get(name)
    if (known !== undefined) return known.isRemoved ? null : known
    const record = this.#storage.load(name)
    if (record === null) return null
    const stream = new LiveStream(record, true)
    this.add(stream)
    return stream
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
      if (record !== null && record.id === stream.record.id) stream.record = record
      else {
        stream.isGone = true
        this.#streams.delete(name)
      }
      stream.wakeWatchers()
    }
  }

  #forgetIdle(): void {
    for (const [name, stream] of this.#streams) {
      if (this.#streams.size <= IDLE_MAX / 2) return
      if (stream.isIdle) this.#streams.delete(name)
    }
  }
}
