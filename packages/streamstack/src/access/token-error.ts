import { StreamstackError } from '@streamstack/protocol'

/** Why a token was refused; sent as `reason` in the problem answer, so that clients know when to fetch a fresh token. */
export type TokenFault =
  | 'missing'
  | 'malformed'
  | 'algorithm'
  | 'key'
  | 'signature'
  | 'expired'
  | 'no_expiry'
  | 'too_old'
  | 'not_yet_valid'
  | 'issuer'
  | 'audience'
  | 'claims'
  | 'api_key'
  | 'ticket'
  | 'reserved_subject'
  | 'not_configured'

const messages: Readonly<Record<TokenFault, string>> = {
  missing: 'There is no token. Send the header `Authorization: Bearer <token>`.',
  malformed:
    'The Authorization header does not hold a JWT. Send `Authorization: Bearer <token>`, the token as it was issued.',
  algorithm: 'The token is signed with an algorithm that this server does not accept.',
  key: 'The token is signed with a key that this server does not know. Get a fresh token from its issuer.',
  signature: 'The signature of the token is wrong. Use a token that was issued for this server, unchanged.',
  expired: 'The token has expired. Get a fresh one.',
  no_expiry:
    'The token never expires: it has no `exp`. Get one that expires; the operator can set `auth.jwt.require_exp: false`.',
  too_old:
    'The token was issued too long ago, or does not say when: this server limits the age since `iat`. Get a fresh one.',
  not_yet_valid: 'The token is not valid yet. Check the clock of the machine that issued it.',
  issuer: 'The token comes from another issuer than this server accepts.',
  audience: 'The token was issued for another audience than this server.',
  claims:
    'A claim of the token cannot be used: times must be numbers of seconds, and nothing nested deeply or named like `__proto__`.',
  api_key:
    'This is no API key of this server: it was never made, or it was revoked. Send the key as `Authorization: Bearer ssk_…`, or as the password of Basic.',
  ticket:
    'This ticket is not accepted: it was used, it has expired, or it was made for another stream. Make a new one with POST /v1/tickets.',
  reserved_subject: 'The `sub` of the token begins with `key:`, which stands for the API keys of this server.',
  not_configured:
    'This server has no key to check tokens with. Its operator sets `auth.jwt` or `auth.keys` in streamstack.yaml.',
}

/** The 401 for a fault. The token itself is never part of it. */
export function tokenError(fault: TokenFault, cause?: unknown): StreamstackError {
  return new StreamstackError('unauthenticated', messages[fault], { details: { reason: fault }, cause })
}

/** The 503 for what wants a token on a server that can check none; only its operator can cure that, not a retry. `subject` begins the sentence. */
export function cannotCheckTokens(subject: string): StreamstackError {
  return new StreamstackError(
    'unavailable',
    `${subject} a token, and the server has no way to check one: set \`auth.jwt\` or \`auth.keys\` in streamstack.yaml.`,
    { recoverable: false },
  )
}

/**
 * The `WWW-Authenticate` value that goes with a 401 or 403 (RFC 6750 §3). A call without a token gets no error code,
 * as the standard asks.
 */
export function challengeHeader(error: StreamstackError): string {
  if (error.status === 403) return 'Bearer error="insufficient_scope"'
  return error.details?.['reason'] === 'missing' ? 'Bearer' : 'Bearer error="invalid_token"'
}
