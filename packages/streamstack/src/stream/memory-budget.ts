import { getHeapStatistics } from 'node:v8'

/** The least that one log may hold, however little is free. */
export const SHARE_BYTES_MIN = 65_536

/** Part of what is free that one log may hold. With it some 3,000 logs stay within a budget of 200 MB before each is at its least share. */
const SHARE = 1 / 64

/** Part of the budget up to which a group or a caller holds little, and how far beyond the budget such groups and callers may go. */
const LITTLE = 1 / 8
const BEYOND = 2
const CALLERS_BEYOND = 1.5

/**
 * Memory that everything active may hold together: logs of runs, their inputs, bodies on their way in, and bytes
 * that wait in sockets. One holder may use a part of what is free (dynamic thresholds, Choudhury and Hahne 1998): a
 * few get all they want, very many get little each, and logs that grow shrink to what is free now.
 */
export class MemoryBudget {
  readonly bytesMax: number
  #heldBytes = 0

  constructor(bytesMax: number) {
    this.bytesMax = bytesMax
  }

  get heldBytes(): number {
    return this.#heldBytes
  }

  get isExhausted(): boolean {
    return this.#heldBytes >= this.bytesMax
  }

  /** Counts bytes that are held from now on; negative: that are no longer. */
  hold(bytes: number): void {
    this.#heldBytes += bytes
  }

  /** Bytes that one log may hold now: `bytesMax` unless little is free. */
  share(bytesMax: number): number {
    const free = this.bytesMax - this.#heldBytes
    return Math.min(bytesMax, Math.max(free * SHARE, SHARE_BYTES_MIN))
  }
}

/** What one group of holders, such as the runs of an endpoint, holds of a budget. */
export class BudgetPart extends MemoryBudget {
  readonly #whole: MemoryBudget

  constructor(whole: MemoryBudget) {
    super(whole.bytesMax)
    this.#whole = whole
  }

  override get isExhausted(): boolean {
    return this.#whole.isExhausted
  }

  override hold(bytes: number): void {
    super.hold(bytes)
    this.#whole.hold(bytes)
  }

  override share(bytesMax: number): number {
    return this.#whole.share(bytesMax)
  }

  /**
   * Whether a new holder of this group, of so many bytes, must wait until others have given back what they hold. A group that holds little
   * may go beyond the budget, and a caller that does (`heldByCaller`) half as far, so that a few that hold much do not keep all others out.
   */
  isShort(bytes: number, heldByCaller: () => number): boolean {
    const held = this.#whole.heldBytes + bytes
    if (held < this.bytesMax) return false
    if (held >= this.bytesMax * BEYOND) return true
    const little = this.bytesMax * LITTLE
    if (this.heldBytes + bytes < little) return false
    return held >= this.bytesMax * CALLERS_BEYOND || heldByCaller() + bytes >= little
  }
}

/** Of this process: a quarter of its heap. */
export const activeMemory = new MemoryBudget(Math.floor(getHeapStatistics().heap_size_limit / 4))

/** What one holder counts against a budget. */
export class Holding {
  readonly #budget: MemoryBudget
  #bytes = 0

  constructor(budget: MemoryBudget) {
    this.#budget = budget
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Sets the bytes that it holds now. */
  set(bytes: number): void {
    if (bytes === this.#bytes) return
    this.#budget.hold(bytes - this.#bytes)
    this.#bytes = bytes
  }
}
