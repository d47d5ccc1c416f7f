import { MemoryLog } from '../stream/index.ts'
import { EndedRun } from './ended-run.ts'
import type { LiveRun } from './live-run.ts'

/** What a run that is over holds while readers still read it, besides its chunks, about. */
const READ_BYTES = 4_096

/** So many entries that are gone may stay in a list before it is written anew. */
const SHIFTED_AT = 1_024

/** What stands for a run in the lists. */
interface Held {
  readonly id: string
  /** Null: it is gone. */
  run: LiveRun | EndedRun | null
  /** On the monotonic clock; infinite while it goes on. */
  untilMs: number
  bytes: number
}

/**
 * Runs in memory by their ids: those that go on, and those that are over, within their time and a bound of bytes. They stand in lists: with ids that sort by when
 * their runs began, a run is found by searching, and a Map of tens of thousands would take each call longer to enter its run than to run it.
 */
export class HeldRuns {
  readonly #onEvicted: (id: string) => void
  /** As they began, which is the order of their ids. */
  #begun: Held[] = []
  /** How many of those are gone. */
  #goneCount = 0
  /** Those that are over, by age. */
  readonly #over: Held[] = []
  /** Index of the oldest that is still held. */
  #oldest = 0
  #bytes = 0
  #bytesMax = Infinity

  /** `onEvicted`: called with the id of each run that is over and not held any more. */
  constructor(onEvicted: (id: string) => void) {
    this.#onEvicted = onEvicted
  }

  /** Of a run whose id is greater than those before it. */
  begin(live: LiveRun): void {
    this.#begun.push({ id: live.run, run: live, untilMs: Infinity, bytes: 0 })
  }

  get(id: string): LiveRun | EndedRun | undefined {
    return this.#find(id)?.run ?? undefined
  }

  *values(): Generator<LiveRun | EndedRun, void, undefined> {
    for (const { run } of this.#begun) if (run !== null) yield run
  }

  /** Keeps a run that has ended. */
  retain(live: LiveRun, { retentionMs, bytesMax }: { retentionMs: number; bytesMax: number }): void {
    const held = this.#find(live.run)
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
    const held = this.#find(live.run)
    if (held?.run === live && held.untilMs !== Infinity) this.#settle(held, live)
  }

  /** Lets go of a run. */
  remove(id: string): void {
    const held = this.#find(id)
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
    this.#bytes -= held.bytes
    held.bytes = 0
    held.run = null
    this.#goneCount++
    if (this.#goneCount >= SHIFTED_AT && this.#goneCount * 2 >= this.#begun.length) {
      this.#begun = this.#begun.filter(({ run }) => run !== null)
      this.#goneCount = 0
    }
    this.#onEvicted(held.id)
  }

  /** Looks from the end in steps that double: most of those that are looked for have begun a moment ago. */
  #find(id: string): Held | undefined {
    const begun = this.#begun
    let end = begun.length
    let from = end - 1
    for (let step = 1; from > 0 && (begun[from] as Held).id > id; step *= 2) {
      end = from
      from = Math.max(0, from - step)
    }
    while (end - from > 1) {
      const middle = (from + end) >> 1
      if ((begun[middle] as Held).id > id) end = middle
      else from = middle
    }
    const held = begun[from]
    return held?.id === id ? held : undefined
  }

  #shift(): void {
    if (this.#oldest < SHIFTED_AT || this.#oldest * 2 < this.#over.length) return
    this.#over.splice(0, this.#oldest)
    this.#oldest = 0
  }
}
