import type { RunModel, RunState } from '../run/run-model.ts'
import type { Recording } from './recording.ts'

/** How many times as fast as the run was. */
export const SPEEDS = [0.25, 0.5, 1, 2, 5, 10] as const
export type Speed = (typeof SPEEDS)[number]

/** A tab in the background gets few frames; no frame moves a replay further than this. */
const FRAME_MS_MAX = 1_000

/** Plays a recording into a model, chunk by chunk and step by step, in the time that the run took. */
export class Replay {
  readonly #recording: Recording
  readonly #model: RunModel
  /** Entries of the trace in order, each with its time. */
  readonly #entries: readonly { readonly at: number; readonly content: unknown }[]
  readonly #endMs: number
  #speed: Speed
  #positionMs = 0
  #frame = 0
  #frameAtMs = 0
  #nextChunk = 0
  #nextEntry = 0

  constructor(recording: Recording, model: RunModel, speed: Speed = 1) {
    this.#recording = recording
    this.#model = model
    this.#speed = speed
    const entries = recording.trace.flatMap(entriesOf)
    const times = [recording.elapsed_ms, recording.chunks.at(-1)?.at ?? 0, ...entries.map(({ at }) => at ?? 0)]
    const endMs = times.reduce((latest, at) => Math.max(latest, at), 0)
    this.#entries = entries.map(({ at, content }) => ({ at: at ?? endMs, content }))
    this.#endMs = endMs
    model.run = recording.run
    model.begin('paused', () => this.#positionMs)
  }

  get speed(): Speed {
    return this.#speed
  }

  set speed(speed: Speed) {
    this.#speed = speed
  }

  get isPlaying(): boolean {
    return this.#frame !== 0
  }

  play(): void {
    if (this.isPlaying) return
    this.#model.begin('replaying', () => this.#positionMs)
    this.#frameAtMs = performance.now()
    this.#frame = requestAnimationFrame((nowMs) => this.#step(nowMs))
  }

  pause(): void {
    this.close()
    if (this.#model.isOpen) this.#model.begin('paused', () => this.#positionMs)
  }

  /** Shows the whole run at once. */
  finish(): void {
    this.close()
    this.#to(Infinity)
  }

  /** Stops playing until `play` is called. */
  close(): void {
    cancelAnimationFrame(this.#frame)
    this.#frame = 0
  }

  #step(nowMs: number): void {
    const passed = Math.min(FRAME_MS_MAX, Math.max(0, nowMs - this.#frameAtMs))
    this.#frameAtMs = nowMs
    const isOver = this.#to(this.#positionMs + passed * this.#speed)
    this.#frame = isOver ? 0 : requestAnimationFrame((nextMs) => this.#step(nextMs))
  }

  /** Plays up to a time; true: that was all. */
  #to(positionMs: number): boolean {
    const { chunks, outcome, error } = this.#recording
    this.#positionMs = Math.min(positionMs, this.#endMs)
    for (; this.#nextChunk < chunks.length; this.#nextChunk++) {
      const chunk = chunks[this.#nextChunk]
      if (chunk === undefined || chunk.at > positionMs) break
      this.#model.add(chunk, chunk.at)
    }
    for (; this.#nextEntry < this.#entries.length; this.#nextEntry++) {
      const entry = this.#entries[this.#nextEntry]
      if (entry === undefined || entry.at > positionMs) break
      this.#model.takeTrace(entry.content)
    }
    this.#model.soon()
    if (positionMs < this.#endMs) return false
    this.#model.end(outcome === 'running' ? 'stopped' : (outcome as RunState), error, this.#endMs)
    return true
  }
}

/** The events of a piece of the trace one by one; what has no time of its own comes at the end. */
function entriesOf(content: unknown): { at: number | null; content: unknown }[] {
  const { events } = Object(content) as { events?: readonly { readonly at: number }[] }
  return events === undefined
    ? [{ at: null, content }]
    : events.map((event) => ({ at: event.at, content: { events: [event] } }))
}
