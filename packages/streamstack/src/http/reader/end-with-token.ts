import type { ServerResponse } from 'node:http'
import { StreamstackError } from '@streamstack/protocol'
import type { Caller } from '../../access/index.ts'
import { type LongTimer, startLongTimer } from '../../definition/index.ts'
import type { Engine } from '../../engine/index.ts'
import { onAnswerOver } from '../answer/answer-over.ts'

/** A stream for one reader, who may lose the right to read it while it does. */
interface Guarded {
  /** When its time is over, milliseconds since 1970; null: never, or it is read on nevertheless. */
  readonly expiresAtMs: number | null
  /** Goes on with a token that is read otherwise now. Throws when it does not suffice. */
  renew(caller: Caller): void
  refuse(error: StreamstackError): void
}

export interface TokenEnd {
  readonly engine: Engine
  readonly response: ServerResponse
  readonly source: Guarded
  readonly caller: Caller
}

/**
 * Breaks a reader with a token off when the server no longer accepts that: by other settings, or when it expires. That is by the clock that let it in,
 * which may differ a little from that of its signer.
 */
export function endWithToken({ engine, response, source, caller }: TokenEnd): void {
  if (caller.kind !== 'token') return
  let stopTimer = atExpiry(source, caller)
  const letGo = engine.access.follow(caller, {
    renewed(renewed) {
      source.renew(renewed)
      // The clocks may differ by more or less now.
      stopTimer()
      stopTimer = atExpiry(source, renewed)
    },
    refused: (error) => source.refuse(error),
  })
  onAnswerOver(response, () => {
    stopTimer()
    letGo()
  })
}

function expired(): StreamstackError {
  return new StreamstackError(
    'unauthenticated',
    'The token has expired. Come back with a fresh one, after the last offset.',
    { details: { reason: 'expired' } },
  )
}

/** Ends a source when the time of its caller is over, unless the result is called before. */
function atExpiry(source: Guarded, { endsAtMs }: Caller): () => void {
  if (source.expiresAtMs === null || endsAtMs === Infinity) return () => undefined
  let timer: LongTimer
  const wait = (): void => {
    const leftMs = endsAtMs - Date.now()
    if (leftMs <= 0) source.refuse(expired())
    else timer = startLongTimer(wait, leftMs).unref()
  }
  timer = startLongTimer(wait, 0).unref()
  return () => timer.clear()
}
