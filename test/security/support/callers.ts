import { createHmac } from 'node:crypto'
import { makeApiKey } from '@streamstack/test-support/credentials'

/** Of the tokens that the server under test checks. */
export const SECRET = 'a secret of the tests, as long as a key has to be'

/** The subject whose data nobody else may see. Its name is part of all that it owns, so that one search finds a leak. */
export const OWNER = 'owner-7f3a'

export const callerNames = [
  'nobody',
  'owner',
  'other user',
  'wrong role',
  'operator',
  'streamer',
  'auditor',
  'developer',
  'api key',
  'expired',
  'forged',
  'unsigned',
  'revoked key',
] as const

export type CallerName = (typeof callerNames)[number]

/** Callers whose credentials are refused wherever credentials are looked at. */
export const REFUSED: readonly CallerName[] = ['expired', 'forged', 'unsigned', 'revoked key']

/** Every right that a token can hold here: a refused token would open all doors if it were accepted. */
const ALL_RIGHTS = {
  sub: OWNER,
  roles: ['member', 'developer'],
  scope: 'streams:read streams:write system:read audit:read',
}

const HOUR_S = 3_600

export const robot = makeApiKey()
export const revoked = makeApiKey()

export interface TokenParts {
  readonly header?: object
  readonly claims?: object
  readonly secret?: string
  readonly expiresInSeconds?: number
}

/** Signs by hand, so that a token can be wrong in ways that libraries do not sign. */
export function tokenOf({
  header = { alg: 'HS256', typ: 'JWT' },
  claims = {},
  secret = SECRET,
  expiresInSeconds = HOUR_S,
}: TokenParts): string {
  const now = Math.floor(Date.now() / 1_000)
  const input = [header, { iat: now, exp: now + expiresInSeconds, ...claims }].map(encoded).join('.')
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`
}

export function encoded(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url')
}

export function bearer(token: string): Record<string, string> {
  return { Authorization: `Bearer ${token}` }
}

const credentials: Readonly<Record<CallerName, string | null>> = {
  nobody: null,
  owner: tokenOf({ claims: { sub: OWNER, roles: ['member'] } }),
  'other user': tokenOf({ claims: { sub: 'other-91cc', roles: ['member'] } }),
  'wrong role': tokenOf({ claims: { sub: 'guest-55d0', roles: ['guest', 'members', 'Member', 'member admin'] } }),
  operator: tokenOf({ claims: { sub: 'operator-1', scope: 'system:read' } }),
  streamer: tokenOf({ claims: { sub: 'streamer-1', scope: 'streams:read streams:write' } }),
  auditor: tokenOf({ claims: { sub: 'auditor-1', scope: 'audit:read' } }),
  developer: tokenOf({ claims: { sub: 'developer-1', roles: ['developer'] } }),
  'api key': robot.key,
  expired: tokenOf({ claims: ALL_RIGHTS, expiresInSeconds: -HOUR_S }),
  forged: tokenOf({ claims: ALL_RIGHTS, secret: `${SECRET}.` }),
  unsigned: tokenOf({ header: { alg: 'none' }, claims: ALL_RIGHTS }).replace(/[^.]*$/, ''),
  'revoked key': revoked.key,
}

/** The token or key of a caller; null: it has none. */
export function credentialOf(name: CallerName): string | null {
  return credentials[name]
}

/** The headers with which a caller identifies itself. */
export function headersOf(name: CallerName): Record<string, string> {
  const credential = credentials[name]
  return credential === null ? {} : bearer(credential)
}
