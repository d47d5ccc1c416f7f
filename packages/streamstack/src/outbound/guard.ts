import { lookup as systemLookup } from 'node:dns/promises'
import type { LookupFunction } from 'node:net'
import { callbackify } from 'node:util'
import { StreamstackError } from '@streamstack/protocol'
import { buildConnector } from 'undici'
import { isPublicAddress, parseAddress } from './address.ts'
import type { AllowList } from './allow-list.ts'
import { hostOf, portOf } from './allow-list.ts'
import { keepHonest } from './honest-socket.ts'

/** One address that a host name leads to. */
export interface ResolvedAddress {
  address: string
  family: 4 | 6
}

/** Finds every address of a host name. Errors carry the system's `code` (`ENOTFOUND` …). */
export type Lookup = (hostname: string) => Promise<readonly ResolvedAddress[]>

/** Ports of protocols that an HTTP request could be smuggled into: https://fetch.spec.whatwg.org/#port-blocking */
const BLOCKED_PORTS = new Set([
  0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103, 104, 109, 110,
  111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514, 515, 526, 530, 531, 532,
  540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993, 995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061,
  6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10_080,
])

/** Every address of a host name, as the operating system finds them. */
export const lookupAll: Lookup = async (hostname) => {
  const found = await systemLookup(hostname, { all: true, order: 'verbatim' })
  return found.map(({ address, family }) => ({ address, family: family === 6 ? 6 : 4 }))
}

/**
 * Checks what can be checked before a connection: scheme, user name, port, IP literal. Host names are checked when
 * they are resolved, by the connector, so that the address that was checked is the address that is used.
 * Throws `upstream_refused`.
 */
export function checkUrl(url: URL, allowList: AllowList): void {
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new StreamstackError('upstream_refused', `Outbound requests use http or https, not "${url.protocol}".`)
  }
  if (url.username !== '' || url.password !== '') {
    throw new StreamstackError(
      'upstream_refused',
      `The outbound URL for ${url.host} holds a user name or password. Send them in an Authorization header instead.`,
    )
  }
  const host = hostOf(url)
  const port = portOf(url)
  if (BLOCKED_PORTS.has(port) && !allowList.namesPort(host, port)) {
    throw new StreamstackError(
      'upstream_refused',
      `Port ${port} of ${url.hostname} is not one for HTTP. List "${url.hostname}:${port}" under outbound.allow in streamstack.yaml if it is meant to be reached.`,
    )
  }
  const address = parseAddress(host)
  if (address !== undefined && !isPublicAddress(address) && !allowList.opensAddress(address, port)) {
    throw refusal(host, port)
  }
}

export interface ConnectorOptions {
  /** Scheme, host and port that every connection of this connector goes to. */
  origin: URL
  allowList: AllowList
  lookup: Lookup
  connectTimeoutMs: number
}

/**
 * Opens sockets to one origin. A host name is resolved once a connection, every one of its addresses is checked, and
 * the socket gets just these addresses: a name server that answers differently a second time is never asked.
 * If any address is refused then the whole name is, even if others are public: such a name is either an attack or a
 * mistake, and half-working names hide both.
 */
export function guardedConnector({
  origin,
  allowList,
  lookup,
  connectTimeoutMs,
}: ConnectorOptions): buildConnector.connector {
  const host = hostOf(origin)
  const port = portOf(origin)

  const resolve = async (): Promise<ResolvedAddress[]> => {
    const found = await lookup(host)
    if (found.length === 0) throw Object.assign(new Error(`${host} has no address`), { code: 'ENOTFOUND' })
    if (!allowList.opensHost(host, port)) {
      for (const { address } of found) {
        const parsed = parseAddress(address)
        const open = parsed !== undefined && (isPublicAddress(parsed) || allowList.opensAddress(parsed, port))
        if (!open) throw refusal(host, port)
      }
    }
    return [...found]
  }

  const resolveWith = callbackify(resolve)
  const pinned: LookupFunction = (_hostname, options, callback) => {
    resolveWith((error, found) => {
      // On failure Node passes no list, whatever the types say.
      if (error !== null) callback(error, '', 0)
      else if (options.all === true) callback(null, found)
      else callback(null, found[0]?.address ?? '', found[0]?.family)
    })
  }

  // HTTP/1.1 only: leaving an answer then always closes its socket, and a cut is always seen as a cut.
  const connect = buildConnector({ timeout: connectTimeoutMs, allowH2: false, lookup: pinned })
  return (options, callback) => {
    const literal = parseAddress(options.hostname)
    // Node never asks `lookup` about an IP literal, so the connector itself has to look.
    if (literal !== undefined && !isPublicAddress(literal) && !allowList.opensAddress(literal, port)) {
      callback(refusal(host, port), null)
      return
    }
    connect(options, (...result) => {
      // On failure there is no socket, whatever the types say.
      if (result[0] === null) keepHonest(result[1])
      callback(...result)
    })
  }
}

/** Never names the address that a host name led to: that would let callers map the internal network. */
function refusal(host: string, port: number): StreamstackError {
  const place = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
  return new StreamstackError(
    'upstream_refused',
    `The outbound address ${place} is not allowed: it is or leads to a private, local or reserved network. List "${place}" under outbound.allow in streamstack.yaml if it is meant to be reached.`,
  )
}
