import type { StreamEnd } from '@streamstack/protocol'
import type { Batch } from './log.ts'
import { lastOffsetOf, nextBatch } from './next-batch.ts'
import { mustWaitToSelect, selectLater } from './selection-turns.ts'
import type { Select, StreamSource } from './stream-source.ts'
import type { Stream, StreamReader } from './stream.ts'

/** A reader that selects looks at twice as many chunks the next time, unless these took that long. */
const LOOK_MS = 0.5
const LOOKS_MAX = 1_024

/** The target of a pump. None of these may throw, except `write`. */
export interface Sink {
  /** Writes what the reader may see of a batch; null: all of it. False: the sink takes no more until it calls `resume`. What it throws breaks the reader off. */
  write(batch: Batch, select: Select | null): boolean
  /** There is nothing more to write for now: what was held back to go out in one piece goes out. Returns as `write` does. */
  flush(): boolean
  /** Everything is written and the stream has ended. Called last, once. */
  end(end: StreamEnd): void
  /**
   * Ends this reader with an error: it lost its right to read, fell behind, or the log cannot be
   * read. The stream continues. Called last, once.
   */
  fault(error: unknown): void
}

/** Schedules the writes of pumps that share one connection. */
export interface Turns {
  /** Asks for one call of `turn`, now or later. */
  ready(pump: Pump): void
  leave(pump: Pump): void
  /** Waits for a log that answers later, then calls one of the two. */
  whenRead<T>(read: Promise<T>, write: (result: T) => void, refuse: (error: unknown) => void): void
}

/** Counts what a reader does. */
export interface ReadingRecord {
  attached(stream: Stream, position: number): void
  woken(stream: Stream): void
  /** Everything up to an offset has been handed on. */
  wrote(position: number, nowMs: number): void
  detached(): void
}

export interface PumpOptions {
  source: StreamSource
  /** Offset after which to read. */
  position: number
  sink: Sink
  record: ReadingRecord | null
  /** Default: it writes as much as the sink takes as soon as there is something. */
  turns?: Turns
}

/**
 * Sends a stream to one reader, batch by batch, as fast as its sink accepts them. Unsent chunks
 * stay in the log; the pump keeps only the position.
 */
export class Pump implements StreamReader {
  /** Offset of the last chunk handed to the sink. */
  position: number
  /** Nothing more is written. */
  isOver = false
  readonly #source: StreamSource
  readonly #sink: Sink
  readonly #record: ReadingRecord | null
  readonly #turns: Turns | null
  #isBlocked = false
  /** It waits for a log or for its turn. */
  #isWaiting = false
  #isDetached = true
  /** Chunks that it looks at before it looks at the clock, if it selects: selecting one takes 1 µs to 25 ms. */
  #looks = 1

  constructor({ source, position, sink, record, turns }: PumpOptions) {
    this.position = position
    this.#source = source
    this.#sink = sink
    this.#record = record
    this.#turns = turns ?? null
  }

  /** Becomes a reader of the stream; writes with the next `wake`. */
  attach(): void {
    this.#isDetached = false
    this.#source.attach(this)
    this.#record?.attached(this.#source.stream, this.position)
  }

  /** Writes what there is. Called by the stream, and once after `attach`. */
  wake(): void {
    if (this.isOver) return
    this.#record?.woken(this.#source.stream)
    this.#go()
  }

  /** The sink takes more. */
  resume(): void {
    this.#isBlocked = false
    this.#go()
  }

  /** One batch, or the end; called by `turns`. */
  turn(): void {
    if (this.isOver || this.#isWaiting) return
    if (this.#source.select !== null && mustWaitToSelect()) this.#goOnLater()
    else if (this.#step()) this.#turns?.ready(this)
  }

  /** Everything that was handed to the sink so far is on its way to the client. */
  wrote(nowMs: number): void {
    this.#record?.wrote(this.position, nowMs)
  }

  /** Writes nothing more and stops being a reader. */
  stop(): void {
    this.isOver = true
    if (this.#isDetached) return
    this.#isDetached = true
    this.#turns?.leave(this)
    this.#source.detach(this)
    this.#record?.detached()
  }

  #go(): void {
    if (this.isOver || this.#isBlocked || this.#isWaiting) return
    if (this.#turns !== null) return this.#turns.ready(this)
    do {
      if (this.#source.select !== null && mustWaitToSelect()) return this.#goOnLater()
    } while (this.#step())
  }

  /** One batch, or the end. Returns whether there may be more to do at once. */
  #step(): boolean {
    let batch: Batch | null | Promise<Batch | null>
    try {
      batch = nextBatch(this.#source, this.position)
      if (batch instanceof Promise) return this.#wait(batch)
      if (batch !== null) return this.#write(batch)
    } catch (error) {
      this.#fault(error)
      return false
    }
    const { stream } = this.#source
    if (stream.end === null || this.position < stream.lastOffset) this.#isBlocked = !this.#sink.flush()
    else {
      this.isOver = true
      this.#sink.end(stream.end)
    }
    return false
  }

  #write(batch: Batch): boolean {
    const { select } = this.#source
    return select === null ? this.#hand(batch, null) : this.#writeSelected(batch, select)
  }

  /** What is left of a batch is read again. */
  #writeSelected(batch: Batch, select: Select): boolean {
    const beganMs = performance.now()
    const { chunks, from, offset, bytesThrough } = batch
    const to = Math.min(batch.to, from + this.#looks)
    const mayGoOn = this.#hand({ chunks, from, to, offset, bytesThrough }, select)
    this.#looks = performance.now() - beganMs < LOOK_MS ? Math.min(2 * this.#looks, LOOKS_MAX) : 1
    return mayGoOn
  }

  #hand(batch: Batch, select: Select | null): boolean {
    const before = this.position
    // Set first: a sink that sends at once says how far it has come.
    this.position = lastOffsetOf(batch)
    try {
      this.#isBlocked = !this.#sink.write(batch, select)
    } catch (error) {
      this.position = before
      throw error
    }
    return !this.#isBlocked && !this.isOver
  }

  /** A log that reads from disk answers later. What it has handed out so far does not wait for that. */
  #wait(read: Promise<Batch | null>): false {
    this.#isBlocked = !this.#sink.flush()
    this.#isWaiting = true
    const take = (batch: Batch | null): void => {
      this.#isWaiting = false
      if (this.isOver) return
      try {
        // While the sink is full, what was read is read again later.
        if (this.#isBlocked || (batch !== null && !this.#write(batch))) return
      } catch (error) {
        return this.#fault(error)
      }
      // Chunks that arrived while the log was being read woke no reader.
      this.#go()
    }
    const refuse = (error: unknown): void => {
      this.#isWaiting = false
      if (!this.isOver) this.#fault(error)
    }
    if (this.#turns === null) read.then(take, refuse)
    else this.#turns.whenRead(read, take, refuse)
    return false
  }

  #goOnLater(): void {
    this.#isBlocked = !this.#sink.flush()
    this.#isWaiting = true
    selectLater(() => {
      this.#isWaiting = false
      this.#go()
    })
  }

  #fault(error: unknown): void {
    this.isOver = true
    this.#sink.fault(error)
  }
}
