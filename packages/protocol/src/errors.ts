import { ERRORS, type ErrorCode, type ErrorRow } from './error-table.ts'

export interface StreamstackErrorOptions {
  /** Kept for the server's log; never sent. */
  cause?: unknown
  /** When to try again, in milliseconds. */
  retryAfterMs?: number
  /** Further public members of the problem answer: plain JSON, no secrets. */
  details?: Record<string, unknown>
  /** Overrides the table's, for errors that an endpoint throws itself. */
  status?: number
  recoverable?: boolean
  /** The code that a client sees, for errors that an endpoint throws itself; default: the table's code. */
  publicCode?: string
}

/** An error whose `message` is meant for the caller. Anything else that is thrown reaches callers only as `internal`. */
export class StreamstackError extends Error {
  override readonly name = 'StreamstackError'
  readonly code: string
  readonly status: number
  readonly recoverable: boolean
  readonly title: string
  readonly retryAfterMs: number | undefined
  readonly details: Record<string, unknown> | undefined
  /** The row of the table that it belongs to; `code` may be the endpoint's own. */
  readonly row: ErrorCode

  constructor(code: ErrorCode, message: string, options: StreamstackErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    const row: ErrorRow = ERRORS[code]
    this.row = code
    this.code = options.publicCode ?? code
    this.status = options.status ?? row.status
    this.recoverable = options.recoverable ?? row.recoverable
    this.title = row.title
    this.retryAfterMs = options.retryAfterMs
    this.details = options.details
  }
}

/** An error as clients see it: in-band, in problem answers, and as `error` inside a catch block. */
export interface PublicError {
  code: string
  message: string
  recoverable: boolean
  /** Seconds, or null when trying again does not help. */
  retry_after: number | null
}

/** Seconds after which an error that may pass is tried again when it gives no advice of its own. */
const RETRY_AFTER_SECONDS = 1

/**
 * Seconds until a retry may succeed; null: a retry does not help. The same wherever an error is
 * shown.
 */
export function retryAfterSeconds({ recoverable, retryAfterMs }: StreamstackError): number | null {
  if (retryAfterMs !== undefined) return Math.ceil(retryAfterMs) / 1000
  return recoverable ? RETRY_AFTER_SECONDS : null
}

/** What a caller may know of anything that was thrown. Unknown errors become `internal`, without their message. */
export function publicError(thrown: unknown): PublicError {
  const error = toStreamstackError(thrown)
  return {
    code: error.code,
    message: error.message,
    recoverable: error.recoverable,
    retry_after: retryAfterSeconds(error),
  }
}

/** Their messages are written by the endpoint, for its callers. */
const BY_ENDPOINTS: ReadonlySet<ErrorCode> = new Set(['thrown', 'precondition_failed'])

/** Functions name their step where it is at fault, whatever the code. */
const NAMES_STEP = /\(step [^)]+\)/

/**
 * The error as `server.errors: public` shows it. What a message may tell a caller stays; an error whose message is for the operator gets the title of its
 * code, and the id of the run under which the log has the rest.
 */
export function publicFace(error: StreamstackError, run: string | null): StreamstackError {
  const row: ErrorRow = ERRORS[error.row]
  const isForCaller =
    BY_ENDPOINTS.has(error.row) || (row.isForOperator === undefined && !NAMES_STEP.test(error.message))
  if (isForCaller && error.row !== 'internal') return error
  const message = run === null ? row.title : `${row.title.slice(0, -1)} (run ${run}).`
  const { status, recoverable, retryAfterMs, code: publicCode } = error
  return new StreamstackError(error.row, message, {
    status,
    recoverable,
    publicCode,
    cause: error,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  })
}

/** Wraps what is not ours: its message may hold secrets or paths, so it stays in `cause`. */
export function toStreamstackError(thrown: unknown): StreamstackError {
  if (thrown instanceof StreamstackError) return thrown
  return new StreamstackError('internal', ERRORS.internal.title, { cause: thrown })
}

/** The body of an `application/problem+json` answer (RFC 9457). */
export function problemBody(thrown: unknown): Record<string, unknown> {
  const error = toStreamstackError(thrown)
  return {
    type: 'about:blank',
    title: error.title,
    status: error.status,
    detail: error.message,
    code: error.code,
    recoverable: error.recoverable,
    retry_after: retryAfterSeconds(error),
    ...error.details,
  }
}
