import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'

/** A parsed IP address. */
export type Address = ipaddr.IPv4 | ipaddr.IPv6

/** Only this block is handed out for the public internet (RFC 4291, IANA IPv6 registry). */
const GLOBAL_UNICAST = ipaddr.IPv6.parse('2000::')

/**
 * Azure's metadata and DNS service answers on an address of a public range; every other cloud uses one that is
 * link-local, shared or unique-local, and so refused anyway.
 */
const PUBLIC_RANGE_METADATA = new Set(['168.63.129.16'])

/** The IP literal as an address, or undefined for a host name. Takes IPv6 with or without brackets. */
export function parseAddress(host: string): Address | undefined {
  const bare = host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host
  // Node's own test comes first: ipaddr.js alone would also read `0x7f.1` and other spellings that no socket takes.
  return isIP(bare) === 0 ? undefined : ipaddr.parse(bare)
}

/** `::ffff:10.0.0.1` becomes 10.0.0.1, so that a rule for the IPv4 network speaks for both spellings. */
export function canonicalAddress(address: Address): Address {
  return address instanceof ipaddr.IPv6 && address.isIPv4MappedAddress() ? address.toIPv4Address() : address
}

/**
 * Whether an address belongs to the public internet. Private, loopback, link-local, carrier-grade NAT, multicast,
 * reserved, documentation, unspecified and metadata addresses do not, nor does any IPv6 form that carries an IPv4
 * address inside it (mapped, compatible, NAT64, 6to4, Teredo): what they lead to cannot be known here.
 */
export function isPublicAddress(address: Address): boolean {
  if (address.range() !== 'unicast') return false
  if (address instanceof ipaddr.IPv4) return !PUBLIC_RANGE_METADATA.has(address.toString())
  return address.match(GLOBAL_UNICAST, 3)
}

/** Whether an address lies in a network of the same family. */
export function isInNetwork(address: Address, network: readonly [Address, number]): boolean {
  const [base, prefixLength] = network
  if (address instanceof ipaddr.IPv4) return base instanceof ipaddr.IPv4 && address.match(base, prefixLength)
  return base instanceof ipaddr.IPv6 && address.match(base, prefixLength)
}
