import type { Value } from '@streamstack/protocol'
import { toAuthClaims } from '../auth-claims.ts'
import { ANONYMOUS, type Caller } from '../caller.ts'
import { subjectOf } from '../subject.ts'

/** A caller as a verified token with these claims makes it. */
export function callerWith(payload: Readonly<Record<string, Value>>): Caller {
  const claims = toAuthClaims(payload, null)
  const expiresAtMs = typeof claims['exp'] === 'number' ? claims['exp'] * 1_000 : null
  return {
    ...ANONYMOUS,
    kind: 'token',
    subject: subjectOf(claims),
    claims,
    expiresAtMs,
    endsAtMs: expiresAtMs ?? Infinity,
  }
}
