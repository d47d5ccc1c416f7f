import { ERRORS, type PublicError, StreamstackError, type Value } from '@streamstack/protocol'
import type { Plan } from '../plan/index.ts'
import type { RunUsage } from '../provider/index.ts'
import type { StreamSource } from '../stream/index.ts'
import type { RunOwner } from './idempotency.ts'

export type RunTimes = readonly (readonly [offset: number, atMs: number])[]

/** A run as readers and lists see it: one that goes on, one that is over, one of an earlier time of the server. */
export interface RunView extends StreamSource {
  readonly run: string
  /** Name of the endpoint, and its method and path. */
  readonly endpoint: string
  readonly route: string
  readonly owner: RunOwner
  /** Milliseconds since 1970. */
  readonly startedAtMs: number
  /** Null while it goes on. */
  readonly endedAtMs: number | null
  readonly chunksSent: number
  /** What it was called with; null: it is not kept. */
  readonly inputs: Readonly<Record<string, Value>> | null
  /** Pairs of the offset of a chunk and its time in milliseconds since the start, in order; null: they are not kept. */
  readonly times: RunTimes | null
  /** Usage of its model calls so far; null if it made none. */
  readonly usage: RunUsage | null
  /** Ends it, when it still goes on. */
  cancel(message: string): void
  /** Whether the run is kept only for its `disconnect_grace`. */
  readonly isUnread: boolean
  /**
   * Announces that a reader disconnects for good: if it is the last one, the run has no
   * `disconnect_grace`.
   */
  leave(): void
}

/** Every run has its stream under this. */
export function runUrl(id: string): string {
  return `/v1/stream/runs/${id}`
}

/** Method and path of a run's endpoint. */
export function endpointRoute({ endpoint }: Plan): string {
  return `${endpoint.method} ${endpoint.path}`
}

/** An error as it was told at the end of a run, for answers that have not begun. `status`: instead of the table's. */
export function toldError(error: PublicError, status?: number): StreamstackError {
  const code = Object.hasOwn(ERRORS, error.code) ? (error.code as keyof typeof ERRORS) : 'thrown'
  return new StreamstackError(code, error.message, {
    publicCode: error.code,
    recoverable: error.recoverable,
    ...(status === undefined ? {} : { status }),
    ...(error.retry_after === null ? {} : { retryAfterMs: error.retry_after * 1000 }),
  })
}
