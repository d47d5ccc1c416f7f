import type { IncomingMessage } from 'node:http'
import { StreamstackError } from '@streamstack/protocol'
import { type AuthClaims, PresentedToken, type TokenVerifier } from '../../access/index.ts'
import type { Engine } from '../../engine/index.ts'
import { admitsOrigin } from '../page-origin.ts'

/** What a call does to a stream, and so what a token must allow. */
export type StreamRight = 'streams:read' | 'streams:write' | 'system:read'

/**
 * Who may use streams by name. `streams.access: closed`: a valid token whose scopes or roles hold `streams:read` for reading and
 * `streams:write` for making, appending and deleting, `system:read` for what the server tells of itself; without `auth.jwt` nobody. `open`: every program on this machine, but no page of a
 * foreign origin, which a browser would let in otherwise, and no name that leads here by another's DNS.
 *
 * @returns nothing at once in open mode, so that the fast path has no promise; else the token.
 * @throws StreamstackError `unauthenticated`, `forbidden` or `unavailable`.
 */
export function allowCall(
  engine: Engine,
  request: IncomingMessage,
  right: StreamRight,
  startedOpen: boolean,
): void | Promise<PresentedToken> {
  if (startedOpen && engine.settings.streams.access === 'open') return refuseForeignPage(engine, request)
  return allowToken(engine, request, right)
}

/** As `allowCall`, of a caller whose token was checked before; null: there was none. */
export function allowClaims(
  engine: Engine,
  request: Pick<IncomingMessage, 'headers'>,
  claims: AuthClaims | null,
  right: StreamRight,
  startedOpen: boolean,
): void {
  if (startedOpen && engine.settings.streams.access === 'open') return refuseForeignPage(engine, request)
  verifierOf(engine)
  if (claims === null) throw new StreamstackError('unauthenticated', `This wants a token with the scope ${right}.`)
  demandRight(claims, right)
}

async function allowToken(engine: Engine, request: IncomingMessage, right: StreamRight): Promise<PresentedToken> {
  const token = await PresentedToken.check(verifierOf(engine), request.headers.authorization)
  demandRight(token.claims, right)
  return token
}

function verifierOf({ verifier }: Engine): TokenVerifier {
  if (verifier !== null) return verifier
  throw new StreamstackError(
    'unavailable',
    'Streams want a token, and the server has no way to check one: set auth.jwt in streamstack.yaml.',
  )
}

function demandRight({ scopes, roles }: AuthClaims, right: StreamRight): void {
  if (scopes.includes(right) || roles.includes(right)) return
  throw new StreamstackError('forbidden', `The token does not hold the scope ${right}.`)
}

function refuseForeignPage({ settings }: Engine, { headers }: Pick<IncomingMessage, 'headers'>): void {
  const host = headers.host ?? String(headers[':authority'] ?? '')
  if (!isLoopback(host.replace(/:\d+$/, ''))) {
    throw new StreamstackError('forbidden', 'With `streams.access: open`, call this server by localhost or 127.0.0.1.')
  }
  if (admitsOrigin(settings.server.cors, headers.origin, host)) return
  throw new StreamstackError('forbidden', 'Pages of this origin may not call; list it under `server.cors.origins`.')
}

/** Whether a host name or address is this machine and nothing else. */
export function isLoopback(host: string): boolean {
  const name = host.replace(/^\[|\]$/g, '').toLowerCase()
  return name === 'localhost' || name.endsWith('.localhost') || name === '::1' || /^127(\.\d{1,3}){3}$/.test(name)
}

/** An open server listens on this machine alone. Throws a plain Error that names the cure. */
export function checkOpenHost(engine: Engine, host: string): void {
  if (engine.settings.streams.access === 'closed' || isLoopback(host)) return
  throw new Error(
    `\`streams.access: open\` lets everybody write, so it is only for this machine, and the server is to listen on ${host}. Use --host 127.0.0.1, or \`streams.access: closed\` and tokens.`,
  )
}
