/** A call that was refused, as far as repeated ones are told apart. */
export interface Refusal {
  /** The subject or the address that the calls are counted for. */
  readonly by: string
  /** IPv6 by /64; null: unknown. */
  readonly address: string | null
  readonly subject: string | null
  /** As it is declared; null: there is none at the path. */
  readonly route: string | null
  readonly error: string
  /** Which of several reasons the error had; null: it has but one. */
  readonly reason: string | null
}

/** Repeated refusals, as one entry tells them. */
export interface RefusalCount {
  readonly type: 'refusals'
  readonly subject: string | null
  readonly address: string | null
  readonly route: string | null
  /** Where there are too many callers for entries of their own: at most so many are counted here. */
  readonly callers?: number
  /** Refusals beside those that have an entry of their own. */
  readonly count: number
  readonly since: string
  /** How many there were with each code. */
  readonly errors: Readonly<Record<string, number>>
}

/** Repeated refusals of a caller are recorded once a second first, then less and less often. */
const WINDOW_MS = 1_000
const WINDOW_MS_MAX = 60_000

/** Callers, by route and error, that are counted one by one. Beyond, they are counted together. */
const CALLERS_MAX = 10_000

/** Entries about refusals: so many at once, then so many a second. A flood must not push out what others did. */
const ENTRIES_BURST = 500
const ENTRIES_PER_SECOND = 10

interface Counting {
  readonly subject: string | null
  readonly address: string | null
  readonly route: string | null
  errors: Map<string, number>
  count: number
  sinceMs: number
  windowMs: number
}

/**
 * Decides which refusals get an entry of their own: the first of a caller for one reason at one route. Those that follow within its window are counted, and told as one entry at
 * the end of the window. Nothing is left out: what has no entry is part of a count.
 */
export class Refusals {
  readonly #tell: (count: RefusalCount) => void
  readonly #callers = new Map<string, Counting>()
  #others: { counting: Counting; callers: number } | null = null
  #left = ENTRIES_BURST
  #leftAtMs: number | null = null

  constructor(tell: (count: RefusalCount) => void) {
    this.#tell = tell
  }

  /** Whether this refusal gets an entry of its own; if not, it is counted. `nowMs`: milliseconds since 1970. */
  isFirst(refusal: Refusal, nowMs: number): boolean {
    const { error, reason, route, by } = refusal
    const key = `${error} ${reason ?? ''} ${route ?? ''} ${by}`
    const known = this.#callers.get(key)
    if (known !== undefined) {
      count(known, error)
      return false
    }
    if (this.#callers.size >= CALLERS_MAX) {
      this.#countWithOthers({ ...newCounting(refusal, nowMs), count: 1, errors: new Map([[error, 1]]) }, 1)
      return false
    }
    const counting = newCounting(refusal, nowMs)
    this.#callers.set(key, counting)
    if (this.#take(nowMs)) return true
    count(counting, error)
    return false
  }

  /** Tells of the windows that are over; called about once a second. */
  tick(nowMs: number): void {
    for (const [key, counting] of this.#callers) {
      if (nowMs - counting.sinceMs < counting.windowMs) continue
      if (counting.count === 0) {
        this.#callers.delete(key)
        continue
      }
      if (this.#take(nowMs)) this.#told(counting)
      else this.#countWithOthers(counting, 1)
      counting.errors = new Map()
      counting.count = 0
      counting.sinceMs = nowMs
      counting.windowMs = Math.min(counting.windowMs * 2, WINDOW_MS_MAX)
    }
    this.#tellOthers()
  }

  /** Tells of all that is counted. */
  flush(): void {
    for (const counting of this.#callers.values()) {
      if (counting.count === 0) continue
      if (this.#callers.size <= ENTRIES_BURST) this.#told(counting)
      else this.#countWithOthers(counting, 1)
    }
    this.#callers.clear()
    this.#tellOthers()
  }

  #take(nowMs: number): boolean {
    const earned = ((nowMs - (this.#leftAtMs ?? nowMs)) / 1_000) * ENTRIES_PER_SECOND
    this.#leftAtMs = nowMs
    this.#left = Math.min(ENTRIES_BURST, this.#left + Math.max(0, earned))
    if (this.#left < 1) return false
    this.#left--
    return true
  }

  #countWithOthers(counting: Counting, callers: number): void {
    if (this.#others === null) {
      this.#others = { counting: { ...counting, subject: null, address: null, route: null }, callers }
      return
    }
    const { counting: sum } = this.#others
    sum.count += counting.count
    sum.sinceMs = Math.min(sum.sinceMs, counting.sinceMs)
    for (const [error, more] of counting.errors) sum.errors.set(error, (sum.errors.get(error) ?? 0) + more)
    this.#others.callers += callers
  }

  #tellOthers(): void {
    if (this.#others === null) return
    const { counting, callers } = this.#others
    this.#others = null
    this.#told(counting, callers)
  }

  #told({ subject, address, route, count: sum, sinceMs, errors }: Counting, callers?: number): void {
    this.#tell({
      type: 'refusals',
      subject,
      address,
      route,
      ...(callers === undefined ? {} : { callers }),
      count: sum,
      since: new Date(sinceMs).toISOString(),
      errors: Object.fromEntries(errors),
    })
  }
}

function newCounting({ subject, address, route }: Refusal, nowMs: number): Counting {
  return { subject, address, route, errors: new Map(), count: 0, sinceMs: nowMs, windowMs: WINDOW_MS }
}

function count(counting: Counting, error: string): void {
  counting.count++
  counting.errors.set(error, (counting.errors.get(error) ?? 0) + 1)
}
