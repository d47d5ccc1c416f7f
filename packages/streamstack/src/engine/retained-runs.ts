import { MemoryLog } from '../stream/index.ts'
import { EndedRun } from './ended-run.ts'
import type { LiveRun } from './live-run.ts'

/** What a run holds while readers still read it, besides its chunks, about. */
const LIVE_BYTES = 4_096

/** So many entries that are gone may stay in front of the list before it is moved up. */
const SHIFTED_AT = 1_024

interface Retained {
  /** As it ended, while it has readers; then in a smaller form. Null: it is gone. */
  run: LiveRun | EndedRun | null
  readonly untilMs: number
  bytes: number
}

/** Runs in memory that are over, the oldest first, within their time and a bound of bytes. */
export class RetainedRuns {
  readonly #onEvicted: (id: string) => void
  readonly #byId = new Map<string, Retained>()
  /** By age. A Map that keeps losing its first entry takes ever longer to find the next. */
  readonly #entries: Retained[] = []
  /** Index of the oldest that is still held. */
  #oldest = 0
  #bytes = 0
  #bytesMax = Infinity

  constructor(onEvicted: (id: string) => void) {
    this.#onEvicted = onEvicted
  }

  add(live: LiveRun, { retentionMs, bytesMax }: { retentionMs: number; bytesMax: number }): void {
    const entry: Retained = { run: live, bytes: 0, untilMs: performance.now() + retentionMs }
    this.#entries.push(entry)
    this.#byId.set(live.run, entry)
    this.#bytesMax = bytesMax
    if (live.stream.readerCount === 0) this.#settle(entry, live)
    else this.#weigh(entry, live.stream.log.bytesHeld + LIVE_BYTES)
    this.sweep()
  }

  /** The last reader of a run that is over has left: the run is held in a smaller form. */
  settle(live: LiveRun): void {
    const entry = this.#byId.get(live.run)
    if (entry?.run === live) this.#settle(entry, live)
  }

  get(id: string): LiveRun | EndedRun | undefined {
    return this.#byId.get(id)?.run ?? undefined
  }

  *values(): Generator<LiveRun | EndedRun, void, undefined> {
    for (const { run } of this.#byId.values()) if (run !== null) yield run
  }

  /** Lets go of a run before its time. */
  remove(id: string): void {
    const entry = this.#byId.get(id)
    if (entry !== undefined) this.#drop(entry)
  }

  /** Lets go of runs that are past their time. */
  sweep(): void {
    const nowMs = performance.now()
    while ((this.#entries[this.#oldest]?.untilMs ?? Infinity) <= nowMs) this.#evict()
    this.#shift()
  }

  #settle(entry: Retained, live: LiveRun): void {
    const { log, end } = live.stream
    if (!(log instanceof MemoryLog) || end === null) return
    const ended = new EndedRun(live, log, end)
    entry.run = ended
    this.#weigh(entry, ended.bytesHeld)
  }

  #weigh(entry: Retained, bytes: number): void {
    this.#bytes += bytes - entry.bytes
    entry.bytes = bytes
    while (this.#bytes > this.#bytesMax && this.#oldest < this.#entries.length) this.#evict()
  }

  #evict(): void {
    this.#drop(this.#entries[this.#oldest++] as Retained)
  }

  #drop(entry: Retained): void {
    if (entry.run === null) return
    const id = entry.run.run
    this.#bytes -= entry.bytes
    entry.bytes = 0
    entry.run = null
    this.#byId.delete(id)
    this.#onEvicted(id)
  }

  #shift(): void {
    if (this.#oldest < SHIFTED_AT || this.#oldest * 2 < this.#entries.length) return
    this.#entries.splice(0, this.#oldest)
    this.#oldest = 0
  }
}
