/** Who wants to be kept alive. */
interface Beating {
  readonly lastWriteMs: number
  beat(): void
}

/** One clock for all readers of a server: whoever has written nothing for the interval, beats. */
export class Heartbeat {
  readonly #intervalMs: number
  readonly #readers = new Set<Beating>()
  #timer: NodeJS.Timeout | undefined

  constructor(intervalMs: number) {
    this.#intervalMs = intervalMs
  }

  add(reader: Beating): void {
    this.#readers.add(reader)
    this.#timer ??= setInterval(() => this.#tick(), Math.min(1_000, this.#intervalMs / 4)).unref()
  }

  remove(reader: Beating): void {
    this.#readers.delete(reader)
    if (this.#readers.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  #tick(): void {
    const dueMs = performance.now() - this.#intervalMs
    for (const reader of this.#readers) if (reader.lastWriteMs <= dueMs) reader.beat()
  }
}
