import type { Value } from '@streamstack/protocol'
import { FORBIDDEN_KEYS, freezePlain, isRecord } from '../input/plain-value.ts'
import { tokenError } from './token-error.ts'

/** The claims of a token that was verified, as the variable `auth` holds them: frozen plain JSON. */
export interface AuthClaims {
  readonly [claim: string]: Value
  /** The roles, whatever the token calls them and however it writes them. */
  readonly roles: readonly string[]
  /** The scopes, of `scope` (RFC 8693 §4.2), `scp` or `permissions`. */
  readonly scopes: readonly string[]
}

/**
 * Makes `auth` of a token's payload: the claims as they are, with `roles` and `scopes` normalised to lists of text.
 *
 * @param payload of a verified token; it is frozen in place.
 * @param roleClaim a claim's name, or a way inwards as `realm_access.roles`; null: `roles` or `role`.
 * @throws StreamstackError `unauthenticated` when the claims hold what no variable may.
 */
export function toAuthClaims(payload: Readonly<Record<string, Value>>, roleClaim: string | null): AuthClaims {
  const checked = freezePlain(payload, { depthMax: 32, keysMax: 1_000, forbiddenKeys: FORBIDDEN_KEYS })
  if ('fault' in checked) throw tokenError('claims', new Error(checked.fault))
  const claims = checked.value
  if (!isRecord(claims)) throw tokenError('claims')
  const roles = roleClaim === null ? [claims['roles'], claims['role']] : [claimAt(claims, roleClaim)]
  const scopes = [claims['scope'], claims['scp'], claims['scopes'], claims['permissions']]
  return Object.freeze({ ...claims, roles: namesIn(roles, oneName), scopes: namesIn(scopes, listedNames) })
}

/** A claim may itself have dots in its name (`https://example.com/roles`), so the whole name is tried first. */
function claimAt(claims: Readonly<Record<string, Value>>, path: string): Value | undefined {
  if (Object.hasOwn(claims, path)) return claims[path]
  let value: Value | undefined = claims
  for (const key of path.split('.')) {
    if (!isRecord(value) || !Object.hasOwn(value, key)) return undefined
    value = value[key]
  }
  return value
}

/** A role may have a blank in its name: a text is one role, or `billing admin` would be an `admin`. */
function oneName(text: string): readonly string[] {
  return [text]
}

/** Scopes in a text are divided by blanks (RFC 6749 §3.3), in some dialects by commas. */
function listedNames(text: string): readonly string[] {
  return text.split(/[\s,]+/)
}

/** Names of lists as they are, and those that `read` finds in a text. */
function namesIn(values: readonly (Value | undefined)[], read: (text: string) => readonly string[]): readonly string[] {
  const names = new Set<string>()
  for (const value of values) {
    const parts = typeof value === 'string' ? read(value) : Array.isArray(value) ? value : []
    for (const part of parts) if (typeof part === 'string' && part !== '') names.add(part)
  }
  return Object.freeze([...names])
}
