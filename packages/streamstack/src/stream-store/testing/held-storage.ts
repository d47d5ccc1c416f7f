import { StreamstackError } from '@streamstack/protocol'
import { MemoryStorage } from '../memory/storage.ts'
import type { Change, FailureListener, StreamStorage } from '../storage.ts'
import type { StreamRecord } from '../stream-record.ts'

interface HeldWrite {
  readonly changes: readonly Change[]
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/** A storage whose commits wait until a test lets them go, or fail when it says so: as a disk would that is slow, full or broken. */
export class HeldStorage implements StreamStorage {
  /** Takes no more while this is set. */
  isBehind = false
  readonly #kept = new MemoryStorage(1_000_000_000)
  #held: HeldWrite[] = []
  #failureListener: FailureListener = () => undefined

  get heldWrites(): number {
    return this.#held.length
  }

  /** Keeps the oldest writes. */
  async release(count = Infinity): Promise<void> {
    for (const { changes, resolve } of this.#held.splice(0, Math.min(count, this.#held.length))) {
      for (const change of changes) this.#keep(change)
      resolve()
    }
    await new Promise((resolve) => setImmediate(resolve))
  }

  /** Loses everything that waits. */
  async fail(error: StreamstackError): Promise<void> {
    const lost = this.#held.splice(0)
    this.#failureListener()
    for (const { reject } of lost) reject(error)
    await new Promise((resolve) => setImmediate(resolve))
  }

  admit(bytes: number): void {
    if (this.isBehind) throw new StreamstackError('unavailable', 'More is being appended than the disk can keep.')
    this.#kept.admit(bytes)
  }

  write(changes: readonly Change[]): Promise<void> {
    // What it will keep is what there is now, as in a file.
    const taken = changes.map((change) =>
      'record' in change ? ({ ...change, record: { ...change.record } } satisfies Change) : change,
    )
    return new Promise((resolve, reject) => this.#held.push({ changes: taken, resolve, reject }))
  }

  load(name: string): StreamRecord | null {
    const record = this.#kept.load(name)
    return record === null ? null : { ...record }
  }

  onFailure(listener: FailureListener): void {
    this.#failureListener = listener
  }

  nextId: StreamStorage['nextId'] = () => this.#kept.nextId()
  producer: StreamStorage['producer'] = (id, producer) => this.#kept.producer(id, producer)
  read: StreamStorage['read'] = (...parameters) => this.#kept.read(...parameters)
  trim: StreamStorage['trim'] = (...parameters) => this.#kept.trim(...parameters)
  nameOf: StreamStorage['nameOf'] = (key) => this.#kept.nameOf(key)
  noted: StreamStorage['noted'] = (query) => this.#kept.noted(query)
  names: StreamStorage['names'] = (...parameters) => this.#kept.names(...parameters)
  due: StreamStorage['due'] = (query) => this.#kept.due(query)
  documents: StreamStorage['documents'] = (prefix) => this.#kept.documents(prefix)
  close: StreamStorage['close'] = () => this.#kept.close()

  #keep(change: Change): void {
    this.#kept.write([change])
    if (change.kind !== 'update' && change.kind !== 'note') return
    // Memory keeps the very record that its user changes, a file the one that was written.
    const kept = this.#kept.load(change.record.name)
    if (kept !== null) Object.assign(kept, change.record)
  }
}
