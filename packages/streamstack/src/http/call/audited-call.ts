import { createHash } from 'node:crypto'
import type { StreamstackError } from '@streamstack/protocol'
import type { Caller } from '../../access/index.ts'
import type { AuditedCall } from '../../audit/index.ts'
import type { CallNote, CallReport } from './call-note.ts'
import { OtherOwner } from '../run-access.ts'
import { RunReading } from '../reader/run-reading.ts'

const SOCKET = {
  transport: 'websocket',
  method: 'GET',
  route: '/v1/ws',
  endpoint: null,
  resource: null,
  run: null,
  inputs: null,
  outcome: null,
} as const

/** A call as the audit records it; null: it records none of its kind, such as a look at `/healthz`. */
export function auditedCall(note: CallNote, report: CallReport): AuditedCall | null {
  if (note.error === null && isRoutine(note)) return null
  const { caller } = note
  return {
    caller: { kind: caller?.kind ?? 'anonymous', subject: caller?.subject ?? null },
    address: report.address,
    transport: 'http',
    method: report.method,
    route: note.route,
    endpoint: note.endpoint,
    resource: resourceOf(note),
    run: runOf(note),
    inputs: note.inputs,
    outcome: report.outcome,
    status: report.status,
    error: note.error === null ? null : auditedError(note.error),
    bytes: report.bytes,
    durationMs: report.durationMs,
  }
}

/** A WebSocket, or the refusal of one, as the audit records it. Its messages have entries of their own. */
export function auditedSocket(
  { kind, subject }: Caller,
  { address, status, bytes, durationMs }: Pick<AuditedCall, 'address' | 'status' | 'bytes' | 'durationMs'>,
  error: StreamstackError | null = null,
): AuditedCall {
  const cause = error === null ? null : auditedError(error)
  return { ...SOCKET, caller: { kind, subject }, address, status, bytes, durationMs, error: cause }
}

/** What was refused before it was a request, as the audit records it. */
export function auditedUnread(error: StreamstackError, { method, address, status }: CallReport): AuditedCall {
  return {
    caller: { kind: 'anonymous', subject: null },
    address,
    transport: 'http',
    method,
    route: null,
    endpoint: null,
    resource: null,
    run: null,
    inputs: null,
    outcome: null,
    status,
    error: auditedError(error),
    bytes: null,
    durationMs: 0,
  }
}

/** The error of a call as the audit records it: its code, and which of several reasons it had. */
export function auditedError(error: StreamstackError): NonNullable<AuditedCall['error']> {
  if (error.cause instanceof OtherOwner) return { code: error.row, reason: 'other_owner' }
  // Only what the server itself says of a token or a request: an endpoint may put anything into its own errors.
  const isOwn = error.row === 'unauthenticated' || error.row === 'header_invalid'
  const reason = isOwn ? error.details?.['reason'] : null
  return { code: error.row, reason: typeof reason === 'string' && /^[a-z_]{1,40}$/.test(reason) ? reason : null }
}

/** The id of a run that has no owner is what lets one read it, so that is recorded as its hash. */
export function auditedRun(id: string, isOwned: boolean): string {
  return isOwned ? id : `sha256:${createHash('sha256').update(id).digest('hex').slice(0, 16)}`
}

/** Pages, files and probes without a right, preflights, and requests that found no route. */
function isRoutine({ ownRoute, endpoint, route }: CallNote): boolean {
  if (route === null) return true
  if (endpoint !== null || ownRoute === null) return false
  return (ownRoute.right === 'anyone' || ownRoute.right === 'guest') && ownRoute.operation.answers !== 'upgrade'
}

function runOf({ reading, ownRoute, parameters, caller, error }: CallNote): string | null {
  const run = reading?.source.run ?? null
  if (run !== null) return auditedRun(run, reading?.source instanceof RunReading)
  if (ownRoute === null || !namesRun(ownRoute.path) || !isKnown(error)) return null
  const id = parameters?.['id']
  return id === undefined ? null : auditedRun(id, (caller?.subject ?? null) !== null)
}

function resourceOf({ ownRoute, parameters, error }: CallNote): string | null {
  if (ownRoute === null || parameters === null || namesRun(ownRoute.path) || !isKnown(error)) return null
  const values = Object.values(parameters)
  return values.length === 0 ? null : values.join('/')
}

function namesRun(path: string): boolean {
  return /\/runs\/\{id\}/.test(path)
}

/** A name that stands for nothing here may be anything that a caller made up. */
function isKnown(error: StreamstackError | null): boolean {
  return error === null || error.cause instanceof OtherOwner || !/_(?:unknown|invalid)$/.test(error.row)
}
