import type { ServerResponse } from 'node:http'
import { StreamstackError } from '@streamstack/protocol'
import { TIMER_MS_MAX } from '../definition/index.ts'
import type { Engine } from '../engine/index.ts'
import { onAnswerOver } from './answer-over.ts'

/** A stream for one reader, whose token may expire while it reads. */
interface Expiring {
  /** Milliseconds since 1970; null: never, or there is none. */
  readonly expiresAtMs: number | null
  refuse(error: StreamstackError): void
}

/** Whoever reads with a token is broken off when that expires: by the clock that let it in, which may differ a little from that of its signer. */
export function endAtExpiry({ settings }: Engine, response: ServerResponse, source: Expiring): void {
  const toleranceMs = (settings.auth.jwt?.clockToleranceSeconds ?? 0) * 1_000
  const endsAtMs = source.expiresAtMs === null ? null : source.expiresAtMs + toleranceMs
  const stopTimer = atExpiry(endsAtMs, () =>
    source.refuse(
      new StreamstackError(
        'unauthenticated',
        'The token has expired. Come back with a fresh one, after the last offset.',
        {
          details: { reason: 'expired' },
        },
      ),
    ),
  )
  onAnswerOver(response, stopTimer)
}

/** Calls at a time, milliseconds since 1970, unless the result is called before. */
function atExpiry(endsAtMs: number | null, expired: () => void): () => void {
  if (endsAtMs === null) return () => undefined
  let timer: NodeJS.Timeout
  const wait = (): void => {
    const leftMs = endsAtMs - Date.now()
    if (leftMs <= 0) expired()
    else timer = setTimeout(wait, Math.min(leftMs, TIMER_MS_MAX)).unref()
  }
  timer = setTimeout(wait, 0).unref()
  return () => clearTimeout(timer)
}
