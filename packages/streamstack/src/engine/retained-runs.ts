import type { LiveRun } from './live-run.ts'

/** What a run that is over holds besides its chunks, about. */
const RUN_BYTES = 4_096

/** So many entries that are gone may stay in front of the list before it is moved up. */
const SHIFTED_AT = 1_024

interface Retained {
  /** Not the run itself: entries that are gone stay for a while. */
  readonly id: string
  readonly untilMs: number
  readonly bytes: number
}

/** Runs in memory that are over, the oldest first, within their time and a bound of bytes. */
export class RetainedRuns {
  readonly #onEvicted: (id: string) => void
  /** No Map: one that keeps losing its first entry takes ever longer to find the next. */
  readonly #entries: Retained[] = []
  /** Index of the oldest that is still held. */
  #oldest = 0
  #bytes = 0

  constructor(onEvicted: (id: string) => void) {
    this.#onEvicted = onEvicted
  }

  add(live: LiveRun, { retentionMs, bytesMax }: { retentionMs: number; bytesMax: number }): void {
    const inputs = live.inputs === null ? 0 : JSON.stringify(live.inputs).length
    const bytes = live.stream.log.bytesHeld + (live.stream.times?.bytesHeld ?? 0) + inputs + RUN_BYTES
    this.#entries.push({ id: live.run, bytes, untilMs: performance.now() + retentionMs })
    this.#bytes += bytes
    while (this.#bytes > bytesMax && this.#oldest < this.#entries.length) this.#evict()
    this.sweep()
  }

  /** Lets go of a run before its time. */
  remove(id: string): void {
    const at = this.#entries.findIndex((entry, index) => index >= this.#oldest && entry.id === id)
    if (at === -1) return
    const [{ bytes }] = this.#entries.splice(at, 1) as [Retained]
    this.#bytes -= bytes
    this.#onEvicted(id)
  }

  /** Lets go of runs that are past their time. */
  sweep(): void {
    const nowMs = performance.now()
    while ((this.#entries[this.#oldest]?.untilMs ?? Infinity) <= nowMs) this.#evict()
    this.#shift()
  }

  #evict(): void {
    const { id, bytes } = this.#entries[this.#oldest++] as Retained
    this.#bytes -= bytes
    this.#onEvicted(id)
  }

  #shift(): void {
    if (this.#oldest < SHIFTED_AT || this.#oldest * 2 < this.#entries.length) return
    this.#entries.splice(0, this.#oldest)
    this.#oldest = 0
  }
}
