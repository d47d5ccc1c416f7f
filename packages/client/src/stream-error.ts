import type { Outcome, PublicError } from '@streamstack/protocol'

/** Why a stream did not come to a good end. */
export class StreamError extends Error {
  override readonly name = 'StreamError'
  /**
   * A code of the server's error table, or one of ours: `connection_lost`, `aborted` (the caller's signal), `left` (`leave()` was called),
   * `answer_unknown` (what answered is no Streamstack server), `call_invalid` (the call cannot be written, or the chunks are taken already), `websocket_<close code>`.
   */
  readonly code: string
  /** Whether the same call may succeed later. */
  declare readonly recoverable: boolean
  /** When the server wants to be asked again, in milliseconds; null: it did not say. */
  declare readonly retryAfterMs: number | null
  /** HTTP status of the answer; null when the error came inside a stream, or no answer came. */
  declare readonly status: number | null
  /** The whole problem answer (RFC 9457), with `errors` for inputs; null when there was none. */
  declare readonly problem: Readonly<Record<string, unknown>> | null
  /** How the run ended; null when nothing ran, or the end is not known. */
  declare readonly outcome: Outcome | null

  constructor(
    code: string,
    message: string,
    {
      cause,
      ...more
    }: Partial<Pick<StreamError, 'recoverable' | 'retryAfterMs' | 'status' | 'problem' | 'outcome' | 'cause'>> = {},
  ) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    Object.assign(this, { recoverable: false, retryAfterMs: null, status: null, problem: null, outcome: null, ...more })
  }
}

/** An error as the server tells it inside a stream; with the outcome of a stream that it ended. */
export function publicError(
  error: PublicError,
  recoverable = error.recoverable,
  outcome: Outcome | null = null,
): StreamError {
  const { code, message, retry_after: seconds } = error
  return new StreamError(code, message, {
    outcome,
    recoverable,
    retryAfterMs: seconds === null ? null : seconds * 1000,
  })
}

/** A failure of whatever kind. What is not told by the server is a connection that broke, which another may mend. */
export function asStreamError(thrown: unknown): StreamError {
  if (thrown instanceof StreamError) return thrown
  return lost(`The connection was lost: ${thrown instanceof Error ? thrown.message : String(thrown)}`, thrown)
}

/** A break of whatever kind: to be mended by another connection. */
export function lost(message: string, cause?: unknown): StreamError {
  return new StreamError('connection_lost', message, { recoverable: true, cause })
}

/** A mistake of the program that uses the client. */
export function invalid(message: string): StreamError {
  return new StreamError('call_invalid', message)
}

/** Longer texts than this are no message for a person. */
const MESSAGE_CHARACTERS_MAX = 300

/** The error of an answer that is no success: a problem answer, or whatever a proxy between says. */
export async function answerError(response: Response): Promise<StreamError> {
  const { status } = response
  // A page of a proxy says no more than its status.
  const body: unknown = await response.json().catch(() => null)
  const problem = body instanceof Object ? (body as Record<string, unknown>) : null
  const said = (name: string): string | null => {
    const value = problem?.[name]
    return typeof value === 'string' && value !== ''
      ? value.slice(0, MESSAGE_CHARACTERS_MAX).replace(/[\ud800-\udbff]$/, '')
      : null
  }
  const hasRun = response.headers.has('Stream-Run')
  return new StreamError(
    said('code') ?? `http_${status}`,
    said('detail') ?? said('title') ?? `The server answered ${status}.`,
    {
      status,
      problem,
      recoverable: typeof problem?.['recoverable'] === 'boolean' ? problem['recoverable'] : isPassing(status),
      retryAfterMs: retryAfterMs(response.headers.get('Retry-After')),
      // A problem that belongs to a run tells how that run ended: trying again would tell the same.
      outcome: hasRun ? ((said('outcome') as Outcome | null) ?? 'failed') : null,
    },
  )
}

/** Statuses that say "not now" by themselves. */
function isPassing(status: number): boolean {
  return status >= 500 || [408, 425, 429].includes(status)
}

/** Whether the call may be retried: it never ran, or its outcome is unknown. */
export function mayRetry({ status, outcome, recoverable }: StreamError): boolean {
  if (outcome !== null) return false
  return status === null || status >= 500 ? recoverable : isPassing(status)
}

/** Seconds or a date (RFC 9110 §10.2.3), in milliseconds from now. */
export function retryAfterMs(header: string | null, nowMs = Date.now()): number | null {
  const text = header ?? ''
  const seconds = Number.parseFloat(text)
  const ms = Number.isNaN(seconds) ? Date.parse(text) - nowMs : seconds * 1000
  return Number.isNaN(ms) ? null : Math.max(0, ms)
}
