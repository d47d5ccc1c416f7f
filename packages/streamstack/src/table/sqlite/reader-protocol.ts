import type { ThreadFailure } from '../../storage/index.ts'
import type { StoredValue } from '../column-type.ts'

/** What a reader thread is asked: statements of output `objects`, run one after another until the limit is full. */
export interface ReadRequest {
  readonly id: number
  readonly statements: readonly {
    readonly sql: string
    readonly parameters: readonly StoredValue[]
    readonly hasOffset: boolean
  }[]
  readonly limit: number
  readonly offset: number
  /** How much text it may make in all. */
  readonly bytesMax: number
  /** Instead of records, one number: the first column of the first row. */
  readonly count: boolean
  /** One counter: how many slices the main thread has taken in. The reader waits for it when it is too far ahead. */
  readonly taken: Int32Array<SharedArrayBuffer>
}

/** How many slices a reader may be ahead: what the main thread takes in within one turn of its loop. */
export const SLICES_AHEAD_MAX = 4

/** What it answers: any number of slices, then `end` or `failed`. */
export type ReadAnswer =
  | { readonly kind: 'slice'; readonly id: number; readonly json: string; readonly length: number }
  | {
      readonly kind: 'end'
      readonly id: number
      /** The order keys of the last record. */
      readonly keys: readonly (null | number | string)[] | null
      readonly count: number
      /** Whether the bound on text ended it. */
      readonly overBytes: boolean
    }
  | (ThreadFailure & {
      readonly id: number
      /** The statement looked through more text than it may. */
      readonly tooMuchText: boolean
    })

/** What a reader thread is given at its start. */
export interface ReaderData {
  readonly path: string
}
