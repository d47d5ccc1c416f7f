import type { IncomingHttpHeaders } from 'node:http'
import { BlockList, isIP } from 'node:net'

/** Where a request came from, in its own words: a browser sets both, a program sets what it likes. */
export interface CallPlace {
  /** Host or `:authority`; empty when neither was sent. */
  readonly host: string
  /** Undefined: the caller is no page of a browser, or the request is a plain GET of its own origin. */
  readonly origin: string | undefined
  /** `Sec-Fetch-Site`, of browsers only: `same-origin`, `same-site`, `cross-site`, or `none` for what a person typed. */
  readonly site: string | undefined
  readonly scheme: 'http' | 'https'
  /** Address of the client, as far as trusted proxies tell it; null: the connection is gone. */
  readonly address: string | null
}

/** A request, of HTTP/1.1 or HTTP/2. */
export interface PlacedRequest {
  readonly headers: IncomingHttpHeaders
  readonly socket: { readonly remoteAddress?: string | undefined; readonly encrypted?: boolean }
}

/** The proxies of `server.trusted_proxies`: their `X-Forwarded-*` headers are believed, and nobody else's. */
export class TrustedProxies {
  readonly #list = new BlockList()
  readonly #isEmpty: boolean

  /** `entries` are those that `proxyEntryFault` finds nothing wrong with. */
  constructor(entries: readonly string[]) {
    this.#isEmpty = entries.length === 0
    for (const entry of entries) {
      const [address = '', bits] = entry.split('/')
      const family = isIP(address) === 4 ? 'ipv4' : 'ipv6'
      if (bits === undefined) this.#list.addAddress(address, family)
      else this.#list.addSubnet(address, Number(bits), family)
    }
  }

  /** HTTP/2 has `:authority` for Host (RFC 9113 §8.3.1). */
  placeOf({ headers, socket }: PlacedRequest): CallPlace {
    const peer = socket.remoteAddress ?? null
    const host = headers[':authority']?.toString() ?? headers.host ?? ''
    const site = headers['sec-fetch-site']?.toString()
    const scheme = socket.encrypted === true ? 'https' : 'http'
    if (this.#isEmpty || peer === null || !this.#trusts(peer)) {
      return { host, origin: headers.origin, site, scheme, address: peer === null ? null : plain(peer) }
    }
    const proto = lastOf(headers['x-forwarded-proto'])
    return {
      host: lastOf(headers['x-forwarded-host']) ?? host,
      origin: headers.origin,
      site,
      scheme: proto === 'https' || proto === 'http' ? proto : scheme,
      address: this.#clientOf(headers['x-forwarded-for'], peer),
    }
  }

  /** Each proxy appends the address that it saw: the first from the right that is no trusted proxy is the client's. */
  #clientOf(forwarded: string | string[] | undefined, peer: string): string {
    let client = plain(peer)
    for (const part of partsOf(forwarded).toReversed()) {
      // Some proxies add the port.
      const address = /^\[([^\]]+)\](?::\d+)?$/.exec(part)?.[1] ?? /^([\d.]+):\d+$/.exec(part)?.[1] ?? part
      if (isIP(address) === 0) break
      client = plain(address)
      if (!this.#trusts(address)) break
    }
    return client
  }

  #trusts(address: string): boolean {
    const family = isIP(address)
    return family !== 0 && this.#list.check(address, family === 4 ? 'ipv4' : 'ipv6')
  }
}

/** What is wrong with an entry of `server.trusted_proxies`, and the cure; null when it can be used. */
export function proxyEntryFault(entry: string): string | null {
  const [address = '', bits = '0', ...more] = entry.split('/')
  const bitsMax = isIP(address) === 4 ? 32 : 128
  if (isIP(address) !== 0 && more.length === 0 && /^\d{1,3}$/.test(bits) && Number(bits) <= bitsMax) return null
  return 'This is no address. Write it as 10.0.0.5, 10.0.0.0/8 or fd00::/8.'
}

/** IPv4 in the form of IPv6 (`::ffff:127.0.0.1`) is the same address. */
function plain(address: string): string {
  return /^::ffff:(\d+(?:\.\d+){3})$/i.exec(address)?.[1] ?? address
}

function partsOf(header: string | string[] | undefined): readonly string[] {
  const parts = [header ?? []].flat().join(',').split(',')
  return parts.map((part) => part.trim()).filter((part) => part !== '')
}

/** What the proxy in front of this server says: what earlier ones, or the client itself, have said stands before it. */
function lastOf(header: string | string[] | undefined): string | null {
  return partsOf(header).at(-1) ?? null
}
