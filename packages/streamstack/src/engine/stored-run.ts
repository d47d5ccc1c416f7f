import { ERRORS, type Outcome, type PublicError, StreamstackError, type StreamEnd } from '@streamstack/protocol'
import { Stream, type StreamReader } from '../stream/index.ts'
import { type LiveStream, StoredLog, type StreamStore } from '../stream-store/index.ts'
import type { RunOwner } from './idempotency.ts'
import { type RunView, runUrl } from './run-view.ts'

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
    readonly atMs: number
  } | null
}

export function readRunNote(stream: { readonly record: { readonly note: string | null } }): RunNote {
  return JSON.parse(stream.record.note ?? 'null') as RunNote
}

/** What a run that was cut off ends as. */
export function abandonedEnd(): Omit<StreamEnd, 'offset'> {
  return {
    outcome: 'abandoned',
    error: {
      code: 'abandoned',
      message:
        'The server stopped while the run went on. What it had sent by then is kept; start it again for the rest.',
      recoverable: true,
      retry_after: null,
    },
  }
}

const NO_HEADERS: ReadonlyMap<string, string> = new Map()

/** A durable run that is over, read from the store; nothing of it is in memory but for the time that it is read. */
export class StoredRun implements RunView {
  readonly run: string
  readonly responseHeaders = NO_HEADERS
  readonly select = null
  readonly #note: RunNote
  readonly #store: StreamStore
  readonly #kept: LiveStream
  #stream: Stream | null = null

  constructor(run: string, store: StreamStore, kept: LiveStream) {
    this.run = run
    this.#store = store
    this.#kept = kept
    this.#note = readRunNote(kept)
  }

  get stream(): Stream {
    if (this.#stream !== null) return this.#stream
    const log = new StoredLog({
      store: this.#store,
      stream: this.#kept,
      recentBytes: 0,
      noteAtEnd: () => '',
      onFailure: () => undefined,
    })
    const stream = new Stream({ log, whenUnread: 'drop', unreadBytesMax: 0 })
    const { outcome, error } = this.#note.end ?? abandonedEnd()
    stream.end = { outcome, error, offset: log.lastOffset }
    this.#stream = stream
    return stream
  }

  get url(): string {
    return runUrl(this.run)
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

  get failure(): StreamstackError | null {
    const { error, status } = this.#note.end ?? { ...abandonedEnd(), status: ERRORS.abandoned.status }
    if (error === null) return null
    const code = Object.hasOwn(ERRORS, error.code) ? (error.code as keyof typeof ERRORS) : 'thrown'
    return new StreamstackError(code, error.message, {
      publicCode: error.code,
      status,
      recoverable: error.recoverable,
      ...(error.retry_after === null ? {} : { retryAfterMs: error.retry_after * 1000 }),
    })
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

  answerBegan(): void {}

  cancel(): void {}

  attach(reader: StreamReader): void {
    this.#store.touch(this.#kept)
    this.stream.attach(reader)
  }

  detach(reader: StreamReader): void {
    this.stream.detach(reader)
  }
}
