import { StreamstackError } from '@streamstack/protocol'
import type { ConcurrencyDeclaration } from '../definition/types.ts'
import { BucketHistogram } from '../observe/index.ts'

const WAIT_BOUNDS_MS = [1, 10, 50, 100, 500, 1_000, 5_000, 10_000, 30_000, 60_000]

/** Gives a place back; further calls do nothing. */
export type Release = () => void

interface Waiter {
  readonly sinceMs: number
  readonly timer: NodeJS.Timeout
  readonly resolve: (release: Release) => void
  readonly reject: (error: StreamstackError) => void
}

/**
 * The runs of one endpoint that go on at once, and the calls that wait for a place. Callers take turns: the next place
 * goes to the caller whose turn is longest ago, and when the queue is full, the caller with the most calls in it loses
 * its last.
 */
export class RunQueue {
  /** How long calls waited that got a place. */
  readonly waited = new BucketHistogram(WAIT_BOUNDS_MS)
  running = 0
  waiting = 0
  /** Calls that found no place in time, or no room to wait. */
  refused = 0
  #bounds: ConcurrencyDeclaration
  /** By caller, in the order of their turns. */
  readonly #waiters = new Map<string, Waiter[]>()

  constructor(bounds: ConcurrencyDeclaration) {
    this.#bounds = bounds
  }

  /**
   * A place for a run; a promise when the call has to wait. `onGone` is called with what to do when the caller disconnects
   * meanwhile. Throws, or rejects with, `unavailable`.
   */
  enter(
    caller: string,
    bounds: ConcurrencyDeclaration,
    onGone: ((listener: () => void) => void) | null,
  ): Release | Promise<Release> {
    // A reload may have changed them.
    this.#bounds = bounds
    if (this.running < bounds.runs && this.waiting === 0) return this.#place()
    if (this.waiting >= bounds.queue && !this.#makesRoom(caller)) throw this.#refusal()
    return new Promise((resolve, reject) => {
      const leave = (error: StreamstackError): void => {
        if (this.#remove(caller, waiter)) waiter.reject(error)
      }
      const waiter: Waiter = {
        sinceMs: performance.now(),
        timer: setTimeout(() => leave(this.#refusal()), bounds.waitMs),
        resolve,
        reject,
      }
      const own = this.#waiters.get(caller)
      if (own === undefined) this.#waiters.set(caller, [waiter])
      else own.push(waiter)
      this.waiting++
      onGone?.(() => leave(new StreamstackError('cancelled', 'The caller has disconnected.')))
      // A reload may have raised the bound.
      this.#admit()
    })
  }

  #place(): Release {
    this.running++
    let isOver = false
    return () => {
      if (isOver) return
      isOver = true
      this.running--
      this.#admit()
    }
  }

  #admit(): void {
    while (this.running < this.#bounds.runs) {
      const [turn] = this.#waiters
      if (turn === undefined) return
      const [caller, own] = turn
      const waiter = own.shift() as Waiter
      this.#waiters.delete(caller)
      // Its next turn comes after those of all others.
      if (own.length > 0) this.#waiters.set(caller, own)
      this.waiting--
      clearTimeout(waiter.timer)
      this.waited.record(performance.now() - waiter.sinceMs, 1)
      waiter.resolve(this.#place())
    }
  }

  /** A caller with two calls more in the queue than this one would have loses its last. */
  #makesRoom(caller: string): boolean {
    const [most, its] = [...this.#waiters].reduce<[string, Waiter[]]>(
      (max, one) => (one[1].length > max[1].length ? one : max),
      ['', []],
    )
    if (its.length < (this.#waiters.get(caller)?.length ?? 0) + 2) return false
    const last = its.at(-1) as Waiter
    this.#remove(most, last)
    last.reject(this.#refusal())
    return true
  }

  #remove(caller: string, waiter: Waiter): boolean {
    const own = this.#waiters.get(caller) ?? []
    const at = own.indexOf(waiter)
    if (at === -1) return false
    own.splice(at, 1)
    if (own.length === 0) this.#waiters.delete(caller)
    this.waiting--
    clearTimeout(waiter.timer)
    return true
  }

  #refusal(): StreamstackError {
    this.refused++
    return new StreamstackError(
      'unavailable',
      'This endpoint has as many runs and waiting calls as it can. Call again in a moment.',
      { retryAfterMs: Math.max(1_000, Math.min(this.#bounds.waitMs, 30_000)) },
    )
  }
}

/** The queues of all endpoints that bound their runs. */
export class RunQueues {
  readonly #queues = new Map<string, RunQueue>()

  /** By the name of the endpoint, made with the first call. */
  of(endpoint: string, bounds: ConcurrencyDeclaration): RunQueue {
    let queue = this.#queues.get(endpoint)
    if (queue === undefined) {
      queue = new RunQueue(bounds)
      this.#queues.set(endpoint, queue)
    }
    return queue
  }

  get byEndpoint(): ReadonlyMap<string, RunQueue> {
    return this.#queues
  }
}
