import { isIPv4, isIPv6 } from 'node:net'
import type { Address } from './address.ts'
import { canonicalAddress, isInNetwork, parseAddress } from './address.ts'

/** One entry of `outbound.allow`: a host name or a network, on one port or on all. */
type AllowRule =
  | { kind: 'host'; host: string; port: number | undefined }
  | { kind: 'network'; network: readonly [Address, number]; port: number | undefined }

const CURE =
  'Write a host ("internal.example"), an address ("127.0.0.1", "[::1]") or a network ("10.0.0.0/8"), each with or without ":port"'

/** What `outbound.allow` opens beyond the public internet. */
export class AllowList {
  readonly #rules: readonly AllowRule[]

  /** Throws an Error that names the entry and the cure when an entry cannot be read. */
  constructor(entries: readonly string[]) {
    this.#rules = entries.map(parseRule)
  }

  /** A listed host name may resolve to any address: listing a name means trusting its DNS. */
  opensHost(host: string, port: number): boolean {
    return this.#rules.some((rule) => rule.kind === 'host' && rule.host === host && fits(rule, port))
  }

  opensAddress(address: Address, port: number): boolean {
    const canonical = canonicalAddress(address)
    return this.#rules.some(
      (rule) => rule.kind === 'network' && fits(rule, port) && isInNetwork(canonical, rule.network),
    )
  }

  /** Whether an entry names this port with this host or address: only that opens a port which is blocked by default. */
  namesPort(host: string, port: number): boolean {
    const address = parseAddress(host)
    return this.#rules.some((rule) => {
      if (rule.port !== port) return false
      if (rule.kind === 'host') return rule.host === host
      return address !== undefined && isInNetwork(canonicalAddress(address), rule.network)
    })
  }
}

/** What is wrong with an entry of `outbound.allow`, with the cure; undefined when nothing is. */
export function allowEntryProblem(entry: string): string | undefined {
  const rule = readRule(entry)
  return typeof rule === 'string' ? rule : undefined
}

/** The host of a URL as rules spell it: no brackets, no dot at the end (`localhost.` is localhost). */
export function hostOf(url: URL): string {
  const host = url.hostname
  if (host.startsWith('[')) return host.slice(1, -1)
  return host.endsWith('.') ? host.slice(0, -1) : host
}

/** The port of a URL, the scheme's own when it names none. */
export function portOf(url: URL): number {
  if (url.port !== '') return Number(url.port)
  return url.protocol === 'https:' ? 443 : 80
}

function fits(rule: AllowRule, port: number): boolean {
  return rule.port === undefined || rule.port === port
}

function parseRule(entry: string): AllowRule {
  const rule = readRule(entry)
  if (typeof rule === 'string') throw new Error(rule)
  return rule
}

function readRule(entry: string): AllowRule | string {
  const parts = splitPort(entry.trim())
  if (parts === undefined) return problem(entry, 'is neither a host nor a network')
  const port = parts.port === undefined ? undefined : Number(parts.port)
  if (port !== undefined && !(port >= 1 && port <= 65_535)) return problem(entry, 'has a port outside 1-65535')
  const network = readNetwork(parts.host)
  if (typeof network === 'string') return problem(entry, network)
  if (network !== undefined) return { kind: 'network', network, port }
  if (parts.bracketed) return problem(entry, 'has brackets around what is no IPv6 address')
  const host = readHost(parts.host)
  if (host === undefined) return problem(entry, 'is neither a host nor a network')
  return { kind: 'host', host, port }
}

function problem(entry: string, what: string): string {
  return `outbound.allow: "${entry}" ${what}. ${CURE}.`
}

interface EntryParts {
  host: string
  port: string | undefined
  bracketed: boolean
}

function splitPort(entry: string): EntryParts | undefined {
  const bracketed = /^\[([^\]]+)\](?::(\d{1,6}))?$/.exec(entry)
  if (bracketed !== null) return { host: bracketed[1] ?? '', port: bracketed[2], bracketed: true }
  // More than one colon without brackets can only be an IPv6 address or network, which then has no port.
  if (entry.indexOf(':') !== entry.lastIndexOf(':')) {
    return isIPv6(entry.replace(/\/\d+$/, '')) ? { host: entry, port: undefined, bracketed: false } : undefined
  }
  const plain = /^([^:]+)(?::(\d{1,6}))?$/.exec(entry)
  return plain === null ? undefined : { host: plain[1] ?? '', port: plain[2], bracketed: false }
}

/** Undefined when the text is no network at all, a text when it is a wrong one. */
function readNetwork(text: string): readonly [Address, number] | string | undefined {
  const [base = '', length, more] = text.split('/')
  const address = parseAddress(base)
  if (address === undefined || more !== undefined)
    return length === undefined ? undefined : 'has no address before the "/"'
  const bits = isIPv4(base) ? 32 : 128
  if (length === undefined) return [canonicalAddress(address), canonicalAddress(address).kind() === 'ipv4' ? 32 : bits]
  if (!/^\d{1,3}$/.test(length) || Number(length) > bits) return `has a prefix length outside 0-${bits}`
  return [address, Number(length)]
}

function readHost(text: string): string | undefined {
  if (/[\s/?#@\\*[\]%]/.test(text) || !URL.canParse(`http://${text}/`)) return undefined
  const host = hostOf(new URL(`http://${text}/`))
  // `127.1` and `0x7f000001` are addresses in disguise: an entry must look like what it opens.
  return host === '' || parseAddress(host) !== undefined ? undefined : host
}
