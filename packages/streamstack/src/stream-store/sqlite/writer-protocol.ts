import type { ThreadFailure } from '../../storage/index.ts'

/** What a writer thread is given at its start. */
export interface WriterData {
  readonly path: string
}

/** A value of a row, as it goes to SQLite. */
export type Cell = string | number | null

/** Rare changes, done in their order and before the others. */
export type Operation =
  | { readonly kind: 'create'; readonly row: readonly Cell[] }
  | { readonly kind: 'remove'; readonly id: number }
  | { readonly kind: 'note'; readonly id: number; readonly text: string | null }
  | { readonly kind: 'document'; readonly name: string; readonly text: string | null }

/** Changes that are kept together, in one transaction. */
export interface Batch {
  readonly kind: 'batch'
  readonly operations: readonly Operation[]
  /** Key of the first chunk in the journal; the others follow. */
  readonly firstKey: number
  /** Four numbers for each chunk: stream, position, when, bytes. */
  readonly chunks: Float64Array
  /** The chunks' bytes, one after another. */
  readonly data: Uint8Array<ArrayBuffer>
  /** Records as they are now: the last state of each stream. */
  readonly updates: readonly (readonly Cell[])[]
  /** Stream, producer, epoch, sequence. */
  readonly producers: readonly (readonly Cell[])[]
}

export interface TrimTask {
  readonly kind: 'trim'
  readonly id: number
  readonly bytes: number
  readonly dropped: number
  readonly tail: number
  readonly bytesMax: number
  readonly beforeMs: number
}

export type WriterTask =
  | Batch
  | TrimTask
  /** The main thread has heard of a failure: what comes from here on may be kept again. */
  | { readonly kind: 'resume' }
  | { readonly kind: 'close' }

export type WriterAnswer =
  /** So many of the oldest batches are kept. */
  | { readonly kind: 'done'; readonly batches: number }
  | {
      readonly kind: 'trimmed'
      readonly dropped: number
      readonly bytesFreed: number
      readonly oldestMs: number | null
    }
  | ThreadFailure
  /** Chunks up to this key of the journal have been moved to where they are read from. */
  | { readonly kind: 'settled'; readonly throughKey: number }
  /** Background work failed; it is retried. */
  | { readonly kind: 'care-failed'; readonly message: string }
