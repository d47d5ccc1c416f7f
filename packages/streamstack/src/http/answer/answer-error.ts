import type { IncomingMessage, ServerResponse } from 'node:http'
import { publicFace, toStreamstackError } from '@streamstack/protocol'
import { answerProblem } from './answer-problem.ts'
import { answerStopping } from './answer-stopping.ts'

export interface Refused {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly corsHeaders: Readonly<Record<string, string>>
  /** Whether the server shuts down, which is then the reason for `unavailable`. */
  readonly isStopping?: boolean
  /** Whether details meant for the operator go only to the log. */
  readonly hidesDetails: boolean
  /** Called with errors that no caller caused. */
  readonly onError: (error: unknown) => void
}

/** Turns what was thrown on the way to an answer into the answer: the one place that does. */
export function answerError(
  { request, response, corsHeaders, isStopping = false, hidesDetails, onError }: Refused,
  thrown: unknown,
): void {
  const known = toStreamstackError(thrown)
  const error = hidesDetails ? publicFace(known, null) : known
  if (known.code === 'internal' || known.code === 'storage_failed') onError(known.cause ?? known)
  else if (error !== known) onError(known)
  // The status is already sent; breaking the connection shows that the answer is incomplete.
  if (response.headersSent || response.destroyed) {
    response.destroy()
    return
  }
  if (error.code === 'unavailable' && isStopping) answerStopping(request, response, corsHeaders)
  else answerProblem(response, error, corsHeaders)
}
