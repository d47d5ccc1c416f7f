import { MemoryBudget, activeMemory } from './memory-budget.ts'

/** Bytes up to which one is neither counted as slow nor refused: they may all be in one read. */
const SMALL_BYTES = 1_024

/** A body or message whose bytes come more slowly than this can be given up when there is no room. */
const SLOW_BYTES_PER_MS = 16

/** For how long one is left alone, and after how long its pace is measured anew. */
const LOOK_AFTER_MS = 1_000
const MEASURED_MS = 2_000

/** How often all are looked at, at most. */
const LOOK_MS = 100

/** Request bodies and messages that have come in part. All of them together hold a part of the memory for what is active. */
export class Arrivals {
  readonly #budget: MemoryBudget
  readonly #bytesMax: number
  readonly #nowMs: () => number
  readonly #slowable = new Set<Arrival>()
  #bytes = 0
  #lookedMs = -Infinity
  /** Those that came slowly when it was last looked. The last one, the slowest, is the first to go. */
  #slow: Arrival[] = []

  /** `nowMs`: of a monotonic clock. */
  constructor(budget: MemoryBudget, nowMs = () => performance.now()) {
    this.#budget = budget
    this.#bytesMax = budget.bytesMax / 2
    this.#nowMs = nowMs
  }

  get heldBytes(): number {
    return this.#bytes
  }

  /** `giveUp`: refuses the body or message and ends its arrival. */
  begin(giveUp: () => void): Arrival {
    return new Arrival(this, giveUp)
  }

  /** For arrivals alone. */
  hold(bytes: number): void {
    this.#bytes += bytes
    this.#budget.hold(bytes)
  }

  /** For arrivals alone: notes what has come of one. */
  watch(arrival: Arrival, isOpen: boolean): void {
    if (!isOpen) {
      if (arrival.pace !== null) this.#slowable.delete(arrival)
      arrival.pace = null
    } else if (arrival.pace === null && arrival.bytes > SMALL_BYTES) {
      arrival.pace = { sinceMs: this.#nowMs(), bytes: arrival.bytes }
      this.#slowable.add(arrival)
    }
  }

  /** For arrivals alone: gives up the slowest ones until there is room; false: there is none. */
  makeRoom(): boolean {
    while (this.#bytes > this.#bytesMax || this.#budget.isExhausted) {
      const slowest = this.#slowest()
      if (slowest === undefined) return false
      slowest.giveUp()
    }
    return true
  }

  #slowest(): Arrival | undefined {
    if (this.#slow.length === 0) this.#look()
    for (let slow = this.#slow.pop(); slow !== undefined; slow = this.#slow.pop()) if (slow.pace !== null) return slow
    return undefined
  }

  #look(): void {
    const nowMs = this.#nowMs()
    if (nowMs - this.#lookedMs < LOOK_MS) return
    this.#lookedMs = nowMs
    const slow: { arrival: Arrival; bytesPerMs: number }[] = []
    for (const arrival of this.#slowable) {
      const pace = arrival.pace as Pace
      const ageMs = nowMs - pace.sinceMs
      if (ageMs < LOOK_AFTER_MS) continue
      const bytesPerMs = (arrival.bytes - pace.bytes) / ageMs
      if (bytesPerMs < SLOW_BYTES_PER_MS) slow.push({ arrival, bytesPerMs })
      else if (ageMs > MEASURED_MS) arrival.pace = { sinceMs: nowMs, bytes: arrival.bytes }
    }
    slow.sort((a, b) => b.bytesPerMs - a.bytesPerMs)
    this.#slow = slow.map(({ arrival }) => arrival)
  }
}

interface Pace {
  readonly sinceMs: number
  readonly bytes: number
}

/** One body or message on its way in. */
export class Arrival {
  /** For arrivals together: since when its pace is measured, and what had come then; null: it is not. */
  pace: Pace | null = null
  readonly giveUp: () => void
  readonly #all: Arrivals
  #bytes = 0

  constructor(all: Arrivals, giveUp: () => void) {
    this.#all = all
    this.giveUp = giveUp
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Sets what has come and is held. May give up others, and this one. */
  set(bytes: number): void {
    this.#all.hold(bytes - this.#bytes)
    this.#bytes = bytes
    this.#all.watch(this, bytes > 0)
  }

  /** Whether there is room for it; gives up others, and perhaps this one, that come slowly. */
  hasRoom(): boolean {
    return this.#all.makeRoom()
  }
}

/** Of this process. */
export const arrivals = new Arrivals(activeMemory)
