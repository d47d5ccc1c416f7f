import type { StreamstackError } from '@streamstack/protocol'
import type { AuthClaims } from './auth-claims.ts'
import type { CallPlace } from './call-place.ts'
import type { PresentedToken } from './presented-token.ts'

/**
 * How a caller was recognised:
 * - `token`: by a token that was verified;
 * - `open`: as a program on this machine, under `streams.access: open`;
 * - `developer`: the person who builds the workspace, by a name of this machine, under `streamstack dev`;
 * - `anonymous`: not at all.
 */
export type CallerKind = 'token' | 'open' | 'developer' | 'anonymous'

/** The caller of a request or of a WebSocket's messages. What it may do is for `Access.permit` to say. */
export interface Caller {
  readonly kind: CallerKind
  /** Whom the token speaks for; null: there is none. Runs, keys and presence belong to it. */
  readonly subject: string | null
  /** The claims as expressions see them under `auth`; null: there is no token. */
  readonly claims: AuthClaims | null
  /** When the token expires by its own words, milliseconds since 1970; null: never, or there is none. */
  readonly expiresAtMs: number | null
  /** When the server stops accepting it: clocks may differ a little. Infinity: never. */
  readonly endsAtMs: number
  readonly place: CallPlace
  /** Why the token that came was not accepted, where the route does without one. Null: it was, or none came. */
  readonly fault: StreamstackError | null
}

/** Whether the token of a caller has one of the roles. */
export function hasRole({ claims }: Caller, roles: readonly string[]): boolean {
  return claims !== null && roles.some((role) => claims.roles.includes(role))
}

const NOWHERE: CallPlace = Object.freeze({
  host: '',
  origin: undefined,
  site: undefined,
  scheme: 'http',
  address: null,
})

/** The caller of a route that does not authenticate. */
export const ANONYMOUS: Caller = Object.freeze({
  kind: 'anonymous',
  subject: null,
  claims: null,
  expiresAtMs: null,
  endsAtMs: Infinity,
  place: NOWHERE,
  fault: null,
})

/** A caller without a token. */
export function callerWithoutToken(
  place: CallPlace,
  kind: Exclude<CallerKind, 'token'>,
  fault: StreamstackError | null = null,
): Caller {
  return { kind, subject: null, claims: null, expiresAtMs: null, endsAtMs: Infinity, place, fault }
}

/** The caller that a verified token speaks for. It holds the token, so that this can be verified again by other settings. */
export class TokenCaller implements Caller {
  readonly kind = 'token'
  readonly subject: string
  readonly claims: AuthClaims
  readonly expiresAtMs: number | null
  readonly endsAtMs: number
  readonly place: CallPlace
  readonly fault = null
  readonly token: PresentedToken

  constructor(token: PresentedToken, place: CallPlace) {
    const { claims, subject, expiresAtMs, endsAtMs } = token.verified
    this.token = token
    this.place = place
    this.claims = claims
    this.subject = subject
    this.expiresAtMs = expiresAtMs
    this.endsAtMs = endsAtMs
  }
}
