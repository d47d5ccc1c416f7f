import { StreamstackError } from '@streamstack/protocol'
import type { Caller } from '../access/index.ts'
import { addressKey, callerKey } from './rate-limits.ts'

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
    const bounds = boundsOf(caller, perCaller, perAddress)
    for (const [key, most] of bounds) {
      if ((this.#counts.get(key) ?? 0) < most) continue
      throw new StreamstackError(
        'too_many',
        `This caller has ${most} streams open already. Close one before opening another.`,
        { retryAfterMs: 1_000 },
      )
    }
    this.#total++
    for (const key of bounds.keys()) this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1)
    let isOpen = true
    return () => {
      if (!isOpen) return
      isOpen = false
      this.#total--
      for (const key of bounds.keys()) {
        const left = (this.#counts.get(key) ?? 1) - 1
        if (left === 0) this.#counts.delete(key)
        else this.#counts.set(key, left)
      }
    }
  }
}

const UNBOUND: ReadonlyMap<string, number> = new Map()

/** How many streams each key of a caller may have. */
function boundsOf(caller: Caller, perCaller: number | null, perAddress: number | null): ReadonlyMap<string, number> {
  if (perCaller === null && perAddress === null) return UNBOUND
  const address = addressKey(caller.place.address)
  const bounds = new Map<string, number>()
  if (perAddress !== null) bounds.set(address, perAddress)
  if (perCaller !== null) {
    const key = callerKey(caller)
    bounds.set(key, Math.min(perCaller, bounds.get(key) ?? Infinity))
  }
  return bounds
}
