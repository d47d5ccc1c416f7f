import type { ChunkKind, Outcome, Progress, RunStream, StreamError } from '@streamstack/client'

/** A token, or a function that returns a fresh one. */
export type TokenProvider = string | (() => string | Promise<string>)

/**
 * Wire format. The SDK reads the first five, from a Streamstack server; the others work with any
 * server.
 */
export type SourceFormat = 'ndjson' | 'sse' | 'lines' | 'text' | 'json' | 'ai-sdk' | 'openai' | 'plain-sse'

/** The source of an element. Exactly one of `src`, `stream` and `channel` is set. */
export interface Source {
  /** Base URL of the server; '' is the page's own. */
  readonly server: string
  /** Path or URL of an endpoint; it is called with `method` and `body`. */
  readonly src: string
  readonly method: string
  /** Inputs of the call. */
  readonly body: unknown
  /** A run's `Stream-Url`, or a system stream such as `system/metrics`. */
  readonly stream: string
  readonly channel: string
  /** Offset after which to read; `now` reads only what comes next; null reads from the start. */
  readonly after: number | 'now' | null
  readonly format: SourceFormat
  /** Whether it shows what is new, and need not have begun at the start: false for an answer, which is shown once and whole. */
  readonly follows: boolean
  readonly token: TokenProvider | null
  readonly headers: Readonly<Record<string, string>>
}

/** One chunk, whichever format it came in. */
export interface Item {
  readonly kind: ChunkKind
  readonly content: unknown
  readonly metadata: Readonly<Record<string, unknown>> | null
  readonly offset: number | null
}

/** Status of a stream. */
export type SourceState =
  | 'idle'
  | 'connecting'
  | 'streaming'
  | 'reconnecting'
  | 'offline'
  | 'completed'
  | 'failed'
  | 'cancelled'

export interface SourceStatus {
  readonly state: SourceState
  /** With `reconnecting`: milliseconds until the next attempt. Else 0. */
  readonly waitMs: number
  /** Error message for the user; null if there is no error. */
  readonly message: string | null
  /** Whether a retry may succeed. */
  readonly recoverable: boolean
}

/** The end of reading, reported once after all items. */
export interface SourceEnd {
  /** Null: the reader stopped, or the outcome is unknown. */
  readonly outcome: Outcome | null
  readonly error: Pick<StreamError, 'code' | 'message' | 'recoverable'> | null
}

/** Takes what a source brings. */
export interface SourceSink {
  item(item: Item): void
  status(status: SourceStatus): void
  end(end: SourceEnd): void
}

/** A source that is being read. */
export interface OpenSource {
  readonly progress: Progress
  /** Address and position to continue from after the page was reloaded; null where there is none. */
  readonly url: RunStream['url']
  readonly offset: number
  /** Ends the run on the server where that is possible, and reading. */
  cancel(): void
  /** Stops reading; the run continues. The sink receives nothing after this. */
  leave(): void
}

export const IDLE: SourceStatus = { state: 'idle', waitMs: 0, message: null, recoverable: false }

export function statusOf(state: SourceState, more: Partial<SourceStatus> = {}): SourceStatus {
  return { ...IDLE, state, ...more }
}

/** The status that an end leaves behind. */
export function statusAtEnd({ outcome, error }: SourceEnd): SourceStatus {
  if (outcome === 'completed') return statusOf('completed')
  if (outcome === 'cancelled' || error === null || error.code === 'left' || error.code === 'aborted')
    return statusOf('cancelled')
  return statusOf('failed', { message: error.message, recoverable: error.recoverable })
}
