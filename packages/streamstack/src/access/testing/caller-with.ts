import type { Value } from '@streamstack/protocol'
import { toAuthClaims } from '../auth-claims.ts'
import { ANONYMOUS, type Caller } from '../caller.ts'
import { verifiedToken } from '../verified-token.ts'

/** A caller as a verified token with these claims makes it. */
export function callerWith(payload: Readonly<Record<string, Value>>): Caller {
  const token = verifiedToken(toAuthClaims(payload, null), { clockToleranceSeconds: 0, maxAgeSeconds: null })
  return { ...ANONYMOUS, kind: 'token', ...token }
}
