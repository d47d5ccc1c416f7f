import { type OpenEntry, OpenList } from '../../stream/index.ts'

/** A reader that stays connected while its stream is silent. */
export interface Beating {
  readonly lastWriteMs: number
  /** Keeps the connection alive. */
  beat(): void
  /** The server shuts down: a stream without an end tells its client when to reconnect, and ends. Must not throw. */
  goodbye(retryMs: number): void
}

/** One timer for all readers of a server: a reader that has written nothing for the interval sends a heartbeat. When the server shuts down, all are notified. */
export class Heartbeat {
  readonly #intervalMs: number
  readonly #readers = new OpenList<Beating>()
  #timer: NodeJS.Timeout | undefined

  constructor(intervalMs: number) {
    this.#intervalMs = intervalMs
  }

  /** Until its entry is removed. The clock goes on until its next tick: most readers come soon after the last. */
  add(reader: Beating): OpenEntry<Beating> {
    this.#timer ??= setInterval(() => this.#tick(), Math.min(1_000, this.#intervalMs / 4)).unref()
    return this.#readers.add(reader)
  }

  /** `comeBackMs` gives each its own time. */
  goodbye(comeBackMs: () => number): void {
    for (const { isIn, member } of this.#readers.entries()) if (isIn) member.goodbye(comeBackMs())
  }

  #tick(): void {
    if (this.#readers.size === 0) {
      clearInterval(this.#timer)
      this.#timer = undefined
      return
    }
    const dueMs = performance.now() - this.#intervalMs
    for (const { isIn, member } of this.#readers.entries()) if (isIn && member.lastWriteMs <= dueMs) member.beat()
  }
}
