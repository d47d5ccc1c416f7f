import type { Caller } from '../access/index.ts'
import { addressKey } from '../limit/index.ts'
import { type AuditedInputs, safeText } from './input-values.ts'
import type { Refusal } from './refusals.ts'

/** A call as the audit records it. */
export interface AuditedCall {
  readonly caller: { readonly kind: Caller['kind']; readonly subject: string | null }
  readonly address: string | null
  readonly transport: 'http' | 'websocket'
  readonly method: string
  /** As it is declared, with its placeholders; null: there is none at the path. */
  readonly route: string | null
  readonly endpoint: string | null
  /** The channel, stream, dashboard or conversation that is meant; null: none, or the caller was refused before. */
  readonly resource: string | null
  readonly run: string | null
  /** Of `inputsOf`; null: none are recorded. */
  readonly inputs: AuditedInputs | null
  /** How the stream that was read ended; null: the answer is no stream. */
  readonly outcome: string | null
  /** Null: the client disconnected before there was an answer. */
  readonly status: number | null
  readonly error: { readonly code: string; readonly reason: string | null } | null
  readonly bytes: number | null
  readonly durationMs: number
}

/** Returns the fields of its entry. */
export function callFields(call: AuditedCall, outcome: string): object {
  const { caller, inputs, error, durationMs } = call
  return {
    type: 'call',
    caller: caller.kind,
    subject: caller.subject === null ? null : safeText(caller.subject),
    address: call.address,
    transport: call.transport,
    method: call.method,
    route: call.route,
    endpoint: call.endpoint,
    ...(call.resource === null ? {} : { resource: safeText(call.resource) }),
    run: call.run,
    ...(inputs === null ? {} : { inputs }),
    outcome,
    status: call.status,
    ...(error === null ? {} : { error: error.code, ...(error.reason === null ? {} : { reason: error.reason }) }),
    bytes: call.bytes,
    duration_ms: Math.round(durationMs * 10) / 10,
  }
}

/** Returns how a call that was refused counts among refusals. */
export function refusalOf(
  { caller, address, route }: AuditedCall,
  error: { code: string; reason: string | null },
): Refusal {
  const by = caller.subject === null ? addressKey(address) : `subject ${caller.subject}`
  const subject = caller.subject === null ? null : safeText(caller.subject)
  return { by, address, subject, route, error: error.code, reason: error.reason }
}
