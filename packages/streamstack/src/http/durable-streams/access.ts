import type { IncomingMessage } from 'node:http'
import { StreamstackError } from '@streamstack/protocol'
import { corsHeaders } from '../../access/index.ts'
import type { Engine } from '../../engine/index.ts'

/** What a call does to a stream, and so what a token must allow. */
export type StreamRight = 'streams:read' | 'streams:write'

/**
 * Who may use streams by name. `streams.access: closed`: a valid token whose scopes or roles hold `streams:read` for reading and
 * `streams:write` for making, appending and deleting; without `auth.jwt` nobody. `open`: every program on this machine, but no page of a
 * foreign origin, which a browser would let in otherwise, and no name that leads here by another's DNS.
 *
 * @returns nothing at once in open mode, so that the fast path has no promise.
 * @throws StreamstackError `unauthenticated`, `forbidden` or `unavailable`.
 */
export function allowCall(
  engine: Engine,
  request: IncomingMessage,
  right: StreamRight,
  startedOpen: boolean,
): void | Promise<void> {
  if (startedOpen && engine.settings.streams.access === 'open') return refuseForeignPage(engine, request)
  return allowToken(engine, request, right)
}

async function allowToken({ verifier }: Engine, request: IncomingMessage, right: StreamRight): Promise<void> {
  if (verifier === null) {
    throw new StreamstackError(
      'unavailable',
      'Streams want a token, and the server has no way to check one: set auth.jwt in streamstack.yaml.',
    )
  }
  const { scopes, roles } = await verifier.verify(request.headers.authorization)
  if (scopes.includes(right) || roles.includes(right)) return
  throw new StreamstackError('forbidden', `The token does not hold the scope ${right}.`)
}

function refuseForeignPage({ settings }: Engine, { headers }: IncomingMessage): void {
  const host = headers.host ?? String(headers[':authority'] ?? '')
  if (!isLoopback(host.replace(/:\d+$/, ''))) {
    throw new StreamstackError('forbidden', 'With `streams.access: open`, call this server by localhost or 127.0.0.1.')
  }
  const { origin } = headers
  if (origin === undefined || URL.parse(origin)?.host === host) return
  const asked = {
    origin,
    method: 'GET',
    requestMethod: undefined,
    requestHeaders: undefined,
    privateNetwork: undefined,
  }
  if (corsHeaders(settings.server.cors, asked)?.['Access-Control-Allow-Origin'] !== undefined) return
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
