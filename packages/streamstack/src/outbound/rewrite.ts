import { AllowList, allowEntryProblem, hostOf, portOf } from './allow-list.ts'
import { parseAddress } from './address.ts'
import { SELF } from './own-server.ts'
import type { OutboundRequest } from './prepare-request.ts'

/** Sends requests for some origins elsewhere, so that a definition that names a provider can be tried against a mock. */
export class Rewrites {
  readonly #targets: ReadonlyMap<string, string>

  constructor(rewrite: Readonly<Record<string, string>>) {
    this.#targets = new Map(Object.entries(rewrite).map(([from, to]) => [new URL(from).origin, prefixOf(to)]))
  }

  /** The request as it goes out. A target on the own server leaves a path. */
  resolved(request: OutboundRequest): OutboundRequest {
    if (this.#targets.size === 0 || typeof request.url !== 'string' || !URL.canParse(request.url)) return request
    const url = new URL(request.url)
    const target = this.#targets.get(url.origin)
    return target === undefined ? request : { ...request, url: target + url.pathname + url.search }
  }
}

function prefixOf(target: string): string {
  return target === SELF ? '' : target.replace(/\/+$/, '')
}

/**
 * What is wrong with an entry of `outbound.rewrite`, with the cure; null when nothing is. Requests carry their credentials along, so a
 * target must be listed under `outbound.allow`.
 */
export function rewriteProblem(from: string, to: string, allow: readonly string[]): string | null {
  if (!isOrigin(from))
    return `rewrites "${from}", which is not an origin; write scheme, host and port, as "https://api.example.com"`
  if (to === SELF || /^\/(?![/\\])/.test(to)) {
    return allow.includes(SELF) ? null : `sends requests to this server; list "${SELF}" under outbound.allow`
  }
  const url = URL.canParse(to) ? new URL(to) : null
  if (url === null || !/^https?:$/.test(url.protocol) || url.search !== '' || url.hash !== '' || url.username !== '') {
    return `has the target "${to}"; write an address as "http://127.0.0.1:9000", a path of this server, or "${SELF}"`
  }
  const host = hostOf(url)
  const address = parseAddress(host)
  // The settings' schema reports invalid entries.
  const allowed = new AllowList(allow.filter((entry) => entry !== SELF && allowEntryProblem(entry) === undefined))
  const isListed =
    address === undefined ? allowed.opensHost(host, portOf(url)) : allowed.opensAddress(address, portOf(url))
  return isListed ? null : `has the target "${to}", which is not allowed; list "${url.host}" under outbound.allow`
}

function isOrigin(text: string): boolean {
  if (!URL.canParse(text)) return false
  const url = new URL(text)
  return /^https?:$/.test(url.protocol) && [url.origin, `${url.origin}/`].includes(text)
}
