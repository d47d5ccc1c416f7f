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

/** A proxy's description of the request that it forwards; null where it has none. */
interface Told {
  readonly host: string | null
  readonly proto: string | null
  /** Addresses, the one that the last proxy saw at the end. */
  readonly addresses: readonly string[]
}

/**
 * The proxies of `server.trusted_proxies`. Headers about the client are read from these proxies
 * only.
 */
export class TrustedProxies {
  readonly #list = new BlockList()
  readonly #isEmpty: boolean
  readonly #told: (headers: IncomingHttpHeaders) => Told

  /** `entries` are those that `proxyEntryFault` finds nothing wrong with. `kind`: which headers they set. */
  constructor(entries: readonly string[], kind: 'x-forwarded' | 'forwarded' = 'x-forwarded') {
    this.#isEmpty = entries.length === 0
    this.#told = kind === 'forwarded' ? toldByForwarded : toldByXForwarded
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
    const { host: toldHost, proto, addresses } = this.#told(headers)
    return {
      host: toldHost ?? host,
      origin: headers.origin,
      site,
      scheme: proto === 'https' || proto === 'http' ? proto : scheme,
      address: this.#clientOf(addresses, peer),
    }
  }

  /** Each proxy appends the address that it saw: the first from the right that is no trusted proxy is the client's. */
  #clientOf(addresses: readonly string[], peer: string): string {
    let client = plain(peer)
    for (const part of addresses.toReversed()) {
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

/**
 * Returns the fault of an entry of `server.trusted_proxies` and its cure; null if the entry is
 * valid.
 */
export function proxyEntryFault(entry: string): string | null {
  const [address = '', bits = '0', ...more] = entry.split('/')
  const bitsMax = isIP(address) === 4 ? 32 : 128
  if (isIP(address) !== 0 && more.length === 0 && /^\d{1,3}$/.test(bits) && Number(bits) <= bitsMax) return null
  return 'This is no address. Write it as 10.0.0.5, 10.0.0.0/8 or fd00::/8.'
}

/** IPv4 in the form of IPv6 (`::ffff:127.0.0.1`) is the same address. */
function plain(address: string): string {
  if (!address.startsWith('::')) return address
  return /^::ffff:(\d+(?:\.\d+){3})$/i.exec(address)?.[1] ?? address
}

function toldByXForwarded(headers: IncomingHttpHeaders): Told {
  return {
    host: partsOf(headers['x-forwarded-host']).at(-1) ?? null,
    proto: partsOf(headers['x-forwarded-proto']).at(-1) ?? null,
    addresses: partsOf(headers['x-forwarded-for']),
  }
}

/** RFC 7239 §4: `for="[2001:db8::7]:4711";host=api.example.com;proto=https, …`, an element for each proxy. */
function toldByForwarded({ forwarded = '' }: IncomingHttpHeaders): Told {
  const elements = [forwarded]
    .flat()
    .join(',')
    .match(/(?:[^",]|"(?:[^"\\]|\\.)*")+/g)
  const told = (elements ?? []).map((element) => {
    const pairs = element.matchAll(/(?:^|;)\s*(\w+)=("(?:[^"\\]|\\.)*"|[^";,\s]*)/g)
    return new Map([...pairs].map(([, name = '', value = '']) => [name.toLowerCase(), unquoted(value)]))
  })
  const last = told.at(-1)
  return {
    host: last?.get('host') ?? null,
    proto: last?.get('proto') ?? null,
    // An element without an address hides the client behind that proxy.
    addresses: told.map((element) => element.get('for') ?? ''),
  }
}

function unquoted(value: string): string {
  return value.startsWith('"') ? value.slice(1, -1).replaceAll(/\\(.)/g, '$1') : value
}

function partsOf(header: string | string[] | undefined): readonly string[] {
  const parts = [header ?? []].flat().join(',').split(',')
  return parts.map((part) => part.trim()).filter((part) => part !== '')
}
