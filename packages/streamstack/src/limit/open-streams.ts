import { StreamstackError } from '@streamstack/protocol'
import type { Caller } from '../access/index.ts'
import { addressKey } from './rate-limits.ts'

/** Maximum number of concurrent streams; null: no bound of this kind. */
export interface OpenStreamBounds {
  readonly total: number | null
  readonly perCaller: number | null
  readonly perAddress: number | null
}

/** Counts the answers that stream, in all, by caller and by address. */
export class OpenStreams {
  readonly #counts = new Map<string, number>()
  #total = 0

  get total(): number {
    return this.#total
  }

  /** Counts an answer until the result is called. Throws `too_many` when its caller or address has its share, `unavailable` when the server has all it can. */
  enter(caller: Caller, { total, perCaller, perAddress }: OpenStreamBounds): () => void {
    if (total !== null && this.#total >= total) {
      throw new StreamstackError(
        'unavailable',
        'The server has as many open streams as it can. Call again in a moment.',
        { retryAfterMs: 1_000 },
      )
    }
    const address = addressKey(caller.place.address)
    const subject = caller.subject === null ? address : `subject ${caller.subject}`
    const keys = [...new Set([...(perCaller === null ? [] : [subject]), ...(perAddress === null ? [] : [address])])]
    for (const key of keys) {
      const most = Math.min(
        key === subject ? (perCaller ?? Infinity) : Infinity,
        key === address ? (perAddress ?? Infinity) : Infinity,
      )
      if ((this.#counts.get(key) ?? 0) < most) continue
      throw new StreamstackError(
        'too_many',
        `This caller has ${most} streams open already. Close one before opening another.`,
        { retryAfterMs: 1_000 },
      )
    }
    this.#total++
    for (const key of keys) this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1)
    let isOpen = true
    return () => {
      if (!isOpen) return
      isOpen = false
      this.#total--
      for (const key of keys) {
        const left = (this.#counts.get(key) ?? 1) - 1
        if (left === 0) this.#counts.delete(key)
        else this.#counts.set(key, left)
      }
    }
  }
}
