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
export class HeldStorage extends MemoryStorage implements StreamStorage {
  /** Takes no more while this is set. */
  isBehind = false
  #held: HeldWrite[] = []
  #failureListener: FailureListener = () => undefined

  constructor() {
    super(1_000_000_000)
  }

  get heldWrites(): number {
    return this.#held.length
  }

  override admit(bytes: number): void {
    if (this.isBehind) throw new StreamstackError('unavailable', 'More is being appended than the disk can keep.')
    super.admit(bytes)
  }

  override write(changes: readonly Change[]): Promise<void> {
    // What it will keep is what there is now, as in a file.
    const taken = changes.map((change) =>
      'record' in change ? ({ ...change, record: { ...change.record } } satisfies Change) : change,
    )
    return new Promise((resolve, reject) => this.#held.push({ changes: taken, resolve, reject }))
  }

  override load(name: string): StreamRecord | null {
    const record = super.load(name)
    return record === null ? null : { ...record }
  }

  override onFailure(listener?: FailureListener): void {
    this.#failureListener = listener ?? (() => undefined)
  }

  /** Keeps the oldest writes. */
  async release(count = Infinity): Promise<void> {
    for (const { changes, resolve } of this.#held.splice(0, Math.min(count, this.#held.length))) {
      this.#keep(changes)
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

  #keep(changes: readonly Change[]): void {
    super.write(
      changes.map((change) => {
        if (change.kind !== 'update' && change.kind !== 'note') return change
        const kept = super.load(change.record.name)
        if (kept !== null) Object.assign(kept, change.record)
        return change
      }),
    )
  }
}
