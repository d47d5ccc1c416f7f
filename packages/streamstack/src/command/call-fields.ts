import type { StreamstackError } from '@streamstack/protocol'
import type { CallReport } from '../http/index.ts'

/** A call as an entry of the access log; what there is nothing to say of is left out. */
export function callFields(call: CallReport): Readonly<Record<string, unknown>> {
  const { method, path, status, address, endpoint, caller, run, outcome, error, firstChunkMs, durationMs } = call
  const { chunks, bytes } = call
  return {
    method,
    path,
    status,
    address,
    ...(endpoint === null ? {} : { endpoint }),
    ...(caller === null ? {} : { caller }),
    ...(run === null ? {} : { run }),
    ...(outcome === null ? {} : { outcome }),
    ...(chunks === null ? {} : { chunks }),
    bytes,
    ...(error === null ? {} : { error: error.code, ...reasonOf(error) }),
    ...(firstChunkMs === null ? {} : { first_chunk_ms: rounded(firstChunkMs) }),
    duration_ms: rounded(durationMs),
    ...(call.refusedOrigin === null ? {} : { refused_origin: call.refusedOrigin }),
  }
}

function rounded(ms: number): number {
  return Math.round(ms * 10) / 10
}

/** Why a token or an API key was refused, such as `expired` or `no_expiry`. */
function reasonOf({ details }: StreamstackError): { reason?: string } {
  const reason = details?.['reason']
  return typeof reason === 'string' ? { reason } : {}
}
