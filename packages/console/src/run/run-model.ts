import { cut } from '@streamstack/elements/base/cut.js'
import type { Endpoint } from '../api.ts'
import { ChunkStore, type ShownChunk } from './chunk-store.ts'
import { StepTrace } from './step-trace.ts'

export type RunState =
  | 'idle'
  | 'connecting'
  | 'streaming'
  | 'reconnecting'
  | 'replaying'
  | 'paused'
  | 'completed'
  | 'failed'
  | 'cancelled'
  | 'abandoned'
  | 'stopped'

export const STATES: Readonly<Record<RunState, { readonly word: string; readonly color: string }>> = {
  idle: { word: 'not run yet', color: '' },
  connecting: { word: 'connecting', color: 'running' },
  streaming: { word: 'streaming', color: 'running' },
  reconnecting: { word: 'reconnecting', color: 'caught' },
  replaying: { word: 'replaying', color: 'running' },
  paused: { word: 'paused', color: '' },
  completed: { word: 'completed', color: 'ok' },
  failed: { word: 'failed', color: 'failed' },
  cancelled: { word: 'cancelled', color: 'caught' },
  abandoned: { word: 'abandoned', color: 'failed' },
  stopped: { word: 'left', color: 'caught' },
}

const OPEN: ReadonlySet<RunState> = new Set(['connecting', 'streaming', 'reconnecting', 'replaying'])

/** Characters as they came that are shown. */
const RAW_CHARACTERS_MAX = 400_000

export type RunFault = { readonly code: string; readonly message: string }

/** All that the page shows of one run, whether it is called, read or replayed. Tells its listener when something has changed, once a frame at most. */
export class RunModel {
  readonly endpoint: Pick<Endpoint, 'method' | 'path' | 'stack'>
  readonly chunks = new ChunkStore()
  readonly trace = new StepTrace()
  state: RunState = 'idle'
  run: string | null = null
  error: RunFault | null = null
  /** Number of times that the connection was resumed. */
  resumed = 0
  /** The answer as it came; '' where it was not seen. */
  raw = ''
  isRawCut = false
  /** Counts the changes. */
  tick = 0
  readonly #changed: () => void
  #elapsed: () => number = () => 0
  #frame = 0

  constructor(endpoint: Pick<Endpoint, 'method' | 'path' | 'stack'>, changed: () => void) {
    this.endpoint = endpoint
    this.#changed = changed
  }

  get isOpen(): boolean {
    return OPEN.has(this.state)
  }

  /** Milliseconds since the call; they stand still when it is over. */
  get elapsedMs(): number {
    return this.#elapsed()
  }

  begin(state: RunState, elapsed: () => number): void {
    this.state = state
    this.#elapsed = elapsed
    this.soon()
  }

  add(chunk: ShownChunk, atMs: number): void {
    this.chunks.add(chunk, atMs)
    this.soon()
  }

  takeTrace(content: unknown): void {
    this.trace.take(content)
    this.soon()
  }

  takeRaw(text: string): void {
    if (this.isRawCut) return
    const shown = cut(text, RAW_CHARACTERS_MAX - this.raw.length)
    this.raw += shown
    this.isRawCut = shown.length < text.length
  }

  end(state: RunState, error: RunFault | null, elapsedMs: number): void {
    this.state = state
    this.error = error
    this.#elapsed = () => elapsedMs
    this.trace.end()
    this.soon()
  }

  /** Stops updating: no view shows it any more. */
  close(): void {
    cancelAnimationFrame(this.#frame)
    this.#frame = -1
  }

  /** Tells the listener in the next frame. */
  soon(): void {
    if (this.#frame !== 0) return
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0
      this.tick++
      this.#changed()
    })
  }
}
