import type { Outcome } from '@streamstack/protocol'
import type { RunOwner } from './idempotency.ts'
import type { RunView } from './run-view.ts'

/** Which runs are listed. */
export interface RunListQuery {
  readonly owner: RunOwner
  /** Only runs that began before the one with this id; null: all. */
  readonly before: string | null
  /** None of those that are over: what the store keeps need not be looked at. */
  readonly goingOn: boolean
}

/** What lists look through: the run itself is read when it is asked for. */
export interface ListedRun {
  readonly run: string
  /** Name of the endpoint, and its method and path. */
  readonly endpoint: string
  readonly route: string
  /** Null while it goes on. */
  readonly outcome: Outcome | null
  /** Undefined: it is past its time. */
  open(): RunView | undefined | Promise<RunView | undefined>
}
