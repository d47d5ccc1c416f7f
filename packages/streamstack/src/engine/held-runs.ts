import { MemoryLog } from '../stream/index.ts'
import { EndedRun } from './ended-run.ts'
import type { LiveRun } from './live-run.ts'

/** What a run that is over holds while readers still read it, besides its chunks, about. */
const READ_BYTES = 4_096

/** So many entries that are gone may stay in front of the list before it is moved up. */
const SHIFTED_AT = 1_024

/**
 * What stands for a run in tables. V8 keeps tables that a Map has replaced for a while, and they hold what stood in them: so they hold this,
 * and of the run what is left at the time.
 */
interface Held {
  /** Null: it is gone. */
  run: LiveRun | EndedRun | null
  /** On the monotonic clock; infinite while it goes on. */
  untilMs: number
  bytes: number
}

/** Runs in memory by their ids: those that go on, and those that are over, within their time and a bound of bytes. */
export class HeldRuns {
  readonly #onEvicted: (id: string) => void
  readonly #byId = new Map<string, Held>()
  /** Those that are over, by age. A Map that keeps losing its first entry takes ever longer to find the next. */
  readonly #over: Held[] = []
  /** Index of the oldest that is still held. */
  #oldest = 0
  #bytes = 0
  #bytesMax = Infinity

  /** `onEvicted`: called with the id of each run that is over and not held any more. */
  constructor(onEvicted: (id: string) => void) {
    this.#onEvicted = onEvicted
  }

  begin(live: LiveRun): void {
    this.#byId.set(live.run, { run: live, untilMs: Infinity, bytes: 0 })
  }

  get(id: string): LiveRun | EndedRun | undefined {
    return this.#byId.get(id)?.run ?? undefined
  }

  *values(): Generator<LiveRun | EndedRun, void, undefined> {
    for (const { run } of this.#byId.values()) if (run !== null) yield run
  }

  /** Keeps a run that has ended. */
  retain(live: LiveRun, { retentionMs, bytesMax }: { retentionMs: number; bytesMax: number }): void {
    const held = this.#byId.get(live.run)
    if (held === undefined) return
    held.untilMs = performance.now() + retentionMs
    this.#over.push(held)
    this.#bytesMax = bytesMax
    if (live.stream.readerCount === 0) this.#settle(held, live)
    else this.#weigh(held, live.stream.log.bytesHeld + READ_BYTES)
    this.sweep()
  }

  /** The last reader of a run that is over has left: it is held in a smaller form. */
  settle(live: LiveRun): void {
    const held = this.#byId.get(live.run)
    if (held?.run === live && held.untilMs !== Infinity) this.#settle(held, live)
  }

  /** Lets go of a run. */
  remove(id: string): void {
    const held = this.#byId.get(id)
    if (held !== undefined) this.#drop(held)
  }

  /** Lets go of runs that are past their time. */
  sweep(): void {
    const nowMs = performance.now()
    while ((this.#over[this.#oldest]?.untilMs ?? Infinity) <= nowMs) this.#evict()
    this.#shift()
  }

  #settle(held: Held, live: LiveRun): void {
    const { log, end } = live.stream
    if (!(log instanceof MemoryLog) || end === null) return
    const ended = new EndedRun(live, log, end)
    held.run = ended
    this.#weigh(held, ended.bytesHeld)
  }

  #weigh(held: Held, bytes: number): void {
    this.#bytes += bytes - held.bytes
    held.bytes = bytes
    while (this.#bytes > this.#bytesMax && this.#oldest < this.#over.length) this.#evict()
  }

  #evict(): void {
    this.#drop(this.#over[this.#oldest++] as Held)
  }

  #drop(held: Held): void {
    if (held.run === null) return
    const id = held.run.run
    this.#bytes -= held.bytes
    held.bytes = 0
    held.run = null
    this.#byId.delete(id)
    this.#onEvicted(id)
  }

  #shift(): void {
    if (this.#oldest < SHIFTED_AT || this.#oldest * 2 < this.#over.length) return
    this.#over.splice(0, this.#oldest)
    this.#oldest = 0
  }
}
