import type { Outcome } from '@streamstack/protocol'
import { errorLabel } from './error-label.ts'
import { SystemStream } from './system-stream.ts'

/** A subject longer than this is cut: issuers choose it, and the log is to hold many calls. */
const CALLER_LENGTH_MAX = 200

/** A call that is over. */
export interface FinishedCall {
  /** Name of the endpoint. */
  readonly endpoint: string
  /** As it is declared, `GET /items/:id`: what stood in its place may be anything. */
  readonly route: string
  /** Whom the token names; null: the call had none. */
  readonly caller: string | null
  /** Null: no run began, or it has no owner, so that its id alone lets one read it. */
  readonly run: string | null
  /** Null: the call was refused. */
  readonly outcome: Outcome | null
  /** Of the HTTP answer. */
  readonly status: number
  readonly code: string | null
  readonly durationMs: number
  readonly chunks: number
  /** Characters of content and metadata, as `limits.max_bytes` counts them. */
  readonly bytes: number
}

/** `system/activity`: who called what, and how it ended. No inputs, no content, no token, and no error message, which may hold any of them. */
export class ActivityStream extends SystemStream {
  constructor() {
    super('system/activity')
  }

  callFinished(call: FinishedCall): void {
    this.append({
      time: new Date().toISOString(),
      endpoint: call.endpoint,
      route: call.route,
      caller: call.caller === null ? null : shortened(call.caller),
      run: call.run,
      outcome: call.outcome ?? 'refused',
      status: call.status,
      error: call.code === null ? null : errorLabel(call.code),
      duration_ms: Math.round(call.durationMs * 1_000) / 1_000,
      chunks: call.chunks,
      bytes: call.bytes,
    })
  }
}

function shortened(caller: string): string {
  return caller.length > CALLER_LENGTH_MAX ? `${caller.slice(0, CALLER_LENGTH_MAX).toWellFormed()}…` : caller
}
