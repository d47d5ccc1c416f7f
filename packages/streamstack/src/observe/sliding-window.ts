/** What "the last minute" is made of: the part that is being filled and those before it. So it is 55 to 60 seconds long. */
const SLOT_MS = 5_000
export const WINDOW_SLOTS = 12
export const WINDOW_SECONDS = (WINDOW_SLOTS * SLOT_MS) / 1_000

/** Something that is kept for each slot of a window. */
interface WindowPart {
  /** What this slot held is older than the window. */
  forget(slot: number): void
}

/** The last minute, in slots that are reused in turn: what is counted in it takes the same memory however much it is. */
export class SlidingWindow {
  /** The slot that is filled now. */
  slot = 0
  /** Of the slots since the clock began. */
  #number = 0
  readonly #parts: WindowPart[] = []

  add(part: WindowPart): void {
    this.#parts.push(part)
  }

  /** Goes on to the slot of a time, milliseconds on the monotonic clock. A time before the newest counts for the newest. */
  turn(nowMs: number): void {
    const number = Math.floor(nowMs / SLOT_MS)
    if (number > this.#number) this.#advance(number)
  }

  #advance(number: number): void {
    const steps = Math.min(number - this.#number, WINDOW_SLOTS)
    this.#number = number
    for (let step = 0; step < steps; step++) {
      this.slot = (this.slot + 1) % WINDOW_SLOTS
      for (const part of this.#parts) part.forget(this.slot)
    }
  }
}

/** Counts since the start and in the last minute. */
export class SlidingCount {
  total = 0
  lastMinute = 0
  readonly #window: SlidingWindow
  readonly #slots = new Float64Array(WINDOW_SLOTS)

  constructor(window: SlidingWindow) {
    this.#window = window
    window.add(this)
  }

  add(times: number): void {
    this.total += times
    this.lastMinute += times
    const slots = this.#slots
    slots[this.#window.slot] = (slots[this.#window.slot] as number) + times
  }

  forget(slot: number): void {
    this.lastMinute -= this.#slots[slot] as number
    this.#slots[slot] = 0
  }
}
