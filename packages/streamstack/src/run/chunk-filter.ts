import type { Chunk, ChunkKind, StreamstackError, Value } from '@streamstack/protocol'

/**
 * Changes, holds back or adds to what a run sends. The filter itself is frozen and shared by all runs of a plan; what it remembers of one
 * run stands in `State`, which is plain data (structured-cloneable), changed in place, and part of the run's state.
 */
export interface ChunkFilter<State> {
  /** What the filter remembers before the first chunk. `options`: what the step gave when it attached the filter, or null. */
  initial(options: Value): State
  /** Takes the next chunk and returns the chunks that go on; what it holds back stands in the state. May throw: the step fails. */
  push(state: State, chunk: Chunk): readonly Chunk[]
  /** Returns what is still held back. Called before a chunk of another kind, when the filter is detached and at the end of the run. */
  flush(state: State): readonly Chunk[]
}

/** Thrown by a filter to end the run: the chunk that it was given does not pass, `last` is sent, and no catch block takes the error. */
export class FilterStop extends Error {
  override readonly name = 'FilterStop'
  readonly error: StreamstackError
  readonly last: readonly Chunk[]

  constructor(error: StreamstackError, last: readonly Chunk[] = []) {
    super(error.message)
    this.error = error
    this.last = last
  }
}

/** A filter that is attached to a run, as plain data: where the filter stands in the plan, and what it remembers. */
export interface AttachedFilter {
  /** Name of the program that has the filter. */
  readonly program: string
  /** Index into the program's `filters`. */
  readonly filter: number
  readonly options: Value
  readonly state: unknown
  /** Kind of the chunk that it took last; null: none yet. */
  heldKind: ChunkKind | null
}
