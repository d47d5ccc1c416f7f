import type { Outcome, PublicError } from '@streamstack/protocol'

/** Why a stream did not come to a good end. */
export class StreamError extends Error {
  override readonly name = 'StreamError'
  /**
   * A code of the server's error table, or one of ours: `connection_lost`, `aborted` (the caller's signal), `left` (`leave()` was called),
   * `answer_unknown` (what answered is no Streamstack server), `call_invalid` (the call cannot be sent).
   */
  readonly code: string
  /** Whether the same call may succeed later. */
  readonly recoverable: boolean
  /** When the server wants to be asked again, in milliseconds; null: it did not say. */
  readonly retryAfterMs: number | null
  /** HTTP status of the answer; null when the error came inside a stream, or no answer came. */
  readonly status: number | null
  /** The whole problem answer (RFC 9457), with `errors` for inputs; null when there was none. */
  readonly problem: Readonly<Record<string, unknown>> | null
  /** How the run ended; null when nothing ran, or the end is not known. */
  readonly outcome: Outcome | null

  constructor(
    code: string,
    message: string,
    more: Partial<Pick<StreamError, 'recoverable' | 'retryAfterMs' | 'status' | 'problem' | 'outcome' | 'cause'>> = {},
  ) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause })
    this.code = code
    this.recoverable = more.recoverable ?? false
    this.retryAfterMs = more.retryAfterMs ?? null
    this.status = more.status ?? null
    this.problem = more.problem ?? null
    this.outcome = more.outcome ?? null
  }
}

/** The error of a stream that told its outcome. */
export function outcomeError(outcome: Outcome, error: PublicError | null): StreamError {
  return new StreamError(error?.code ?? outcome, error?.message ?? `The run ended as ${outcome}.`, {
    outcome,
    recoverable: error?.recoverable ?? false,
    retryAfterMs: typeof error?.retry_after === 'number' ? error.retry_after * 1000 : null,
  })
}

/** Longer texts than this are no message for a person. */
const MESSAGE_CHARACTERS_MAX = 300

/** The error of an answer that is no success: a problem answer, or whatever a proxy between says. */
export async function answerError(response: Response): Promise<StreamError> {
  const { status } = response
  const text = await response.text().catch(() => '')
  const problem = asObject(text)
  const said = (name: string): string | null => {
    const value = problem?.[name]
    return typeof value === 'string' && value !== '' ? value.slice(0, MESSAGE_CHARACTERS_MAX) : null
  }
  const hasRun = response.headers.has('Stream-Run')
  return new StreamError(
    said('code') ?? `http_${status}`,
    said('detail') ?? said('title') ?? `The server answered with status ${status}.`,
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
  return status >= 500 || status === 408 || status === 425 || status === 429
}

/** Whether the call may be tried again at once or later: it never ran, or nobody knows how it ended. */
export function mayRetry({ status, outcome, recoverable }: StreamError): boolean {
  if (outcome !== null) return false
  if (status === null) return recoverable
  return status >= 500 ? recoverable : isPassing(status)
}

/** Seconds or a date (RFC 9110 §10.2.3), in milliseconds from now. */
export function retryAfterMs(header: string | null, nowMs = Date.now()): number | null {
  if (header === null || header.trim() === '') return null
  const seconds = Number(header)
  const ms = Number.isNaN(seconds) ? Date.parse(header) - nowMs : seconds * 1000
  return Number.isNaN(ms) ? null : Math.max(0, ms)
}

function asObject(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null
  } catch {
    // A page of a proxy: its status is all that it says to us.
    return null
  }
}
