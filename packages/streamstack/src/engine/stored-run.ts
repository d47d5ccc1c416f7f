import {
  ERRORS,
  type Outcome,
  type PublicError,
  type StreamEnd,
  StreamstackError,
  publicError,
} from '@streamstack/protocol'
import type { RunUsage } from '../provider/index.ts'
import type { PlainAnswer, StreamReader } from '../stream/index.ts'
import { FinishedLog, type LiveStream, type StreamStore } from '../stream-store/index.ts'
import { FinishedRun } from './finished-run.ts'
import type { RunOwner } from './idempotency.ts'
import { type RunTimes, type RunView, toldError } from './run-view.ts'

/** Names of the streams of durable runs begin with this: a character that no name of a caller can hold keeps them apart. */
export const RUNS_PREFIX = '\u0001runs/'

/** What is kept of a durable run besides its chunks. */
export interface RunNote {
  readonly endpoint: string
  readonly route: string
  readonly contentType: string | null
  readonly owner: RunOwner
  /** Digest of the call that came with an Idempotency-Key; null: it came without. */
  readonly call: string | null
  readonly startedAtMs: number
  /** Null until the run has ended. */
  readonly end: {
    readonly outcome: Outcome
    readonly error: PublicError | null
    /** HTTP status of the error. */
    readonly status: number
    /** Headers that the stack has set. */
    readonly headers: readonly (readonly [name: string, value: string])[]
    readonly atMs: number
    /** When its chunks came. Absent or null: it is not kept. */
    readonly times?: RunTimes | null
    /** What its calls of models used; absent or null: it made none. */
    readonly usage?: RunUsage | null
    /** Absent or null: no step has given one. */
    readonly plainAnswer?: PlainAnswer | null
  } | null
}

export function readRunNote(note: string | null): RunNote {
  return JSON.parse(note ?? 'null') as RunNote
}

/** What the runs of one owner are listed under. Streams that were kept before there were such lists are in them by the text of their notes. */
export function listedUnder(owner: RunOwner): string {
  return JSON.stringify(owner === null ? null : { subject: owner.subject })
}

/** What a run that was cut off ends as. */
export function abandonedEnd(): Omit<StreamEnd, 'offset'> {
  return {
    outcome: 'abandoned',
    error: publicError(
      new StreamstackError(
        'abandoned',
        'The server stopped while the run went on. What it had sent by then is kept; start it again for the rest.',
      ),
    ),
  }
}

/** A durable run that is over, read from the store; nothing of it is in memory but for the time that it is read. */
export class StoredRun extends FinishedRun implements RunView {
  readonly responseHeaders: ReadonlyMap<string, string>
  readonly #note: RunNote
  readonly #store: StreamStore
  readonly #kept: LiveStream

  constructor(run: string, store: StreamStore, kept: LiveStream) {
    super(run)
    this.#store = store
    this.#kept = kept
    this.#note = readRunNote(kept.record.note)
    this.responseHeaders = new Map(this.#note.end?.headers)
  }

  protected override opened(): { log: FinishedLog; end: StreamEnd } {
    const log = new FinishedLog(this.#store, this.#kept)
    const { outcome, error } = this.#note.end ?? abandonedEnd()
    return { log, end: { outcome, error, offset: log.lastOffset } }
  }

  get endpoint(): string {
    return this.#note.endpoint
  }

  get route(): string {
    return this.#note.route
  }

  get contentType(): string | undefined {
    return this.#note.contentType ?? undefined
  }

  get owner(): RunOwner {
    return this.#note.owner
  }

  get plainAnswer(): PlainAnswer | null {
    return this.#note.end?.plainAnswer ?? null
  }

  get failure(): StreamstackError | null {
    const { error, status } = this.#note.end ?? { ...abandonedEnd(), status: ERRORS.abandoned.status }
    return error === null ? null : toldError(error, status)
  }

  get startedAtMs(): number {
    return this.#note.startedAtMs
  }

  get endedAtMs(): number | null {
    return this.#note.end?.atMs ?? this.startedAtMs
  }

  get chunksSent(): number {
    return this.stream.lastOffset
  }

  get inputs(): null {
    return null
  }

  get times(): RunTimes | null {
    return this.#note.end?.times ?? null
  }

  get usage(): RunUsage | null {
    return this.#note.end?.usage ?? null
  }

  override attach(reader: StreamReader): void {
    this.#store.touch(this.#kept)
    super.attach(reader)
  }
}
