import { StreamstackError } from '@streamstack/protocol'
import { type CallPlace, type PlacedRequest, TrustedProxies } from './call-place.ts'
import { isHostListed, isLoopbackHost, isWellFormedHost } from './hosts.ts'
import { foreignOrigin, isForeignRequest } from './page-origin.ts'
import type { AccessPolicy } from './policy.ts'

/**
 * Determines the origin of requests and whether their host is this server. It does not authenticate
 * callers.
 */
export class Gate {
  readonly #policy: () => AccessPolicy
  #proxies: { policy: AccessPolicy; trusted: TrustedProxies } | null = null

  constructor(policy: () => AccessPolicy) {
    this.#policy = policy
  }

  /**
   * Lets a request pass that was meant for this server: by its Host, and, where it changes something, by no page of a foreign origin. Tokens protect neither
   * endpoints that ask for none nor a server on a developer's own machine.
   *
   * @param changes whether it may change something: an unsafe method (RFC 9110 §9.2.1), or a WebSocket.
   * @throws StreamstackError `header_invalid`, `host_unknown`, `forbidden`.
   */
  admit(place: CallPlace, changes: boolean): void {
    this.admitHost(place)
    if (changes && isForeignRequest(this.#policy().cors, place)) throw foreignOrigin()
  }

  /**
   * Where clients reach this server, for URLs that are handed on to others: `server.public_url`; else the host that a caller used, if that is known to be
   * this server; else where it listens. A caller must not have webhooks look for their keys at a host of its choice.
   */
  baseUrlFor({ host, scheme }: CallPlace): string {
    const { publicUrl, hasPublicUrl, hosts } = this.#policy()
    const isKnown = hosts !== null || isLoopbackHost(host)
    return hasPublicUrl || !isKnown ? publicUrl : `${scheme}://${host}`
  }

  /** The value of `Strict-Transport-Security` (RFC 6797) for a request that came by TLS; null: none. A browser would keep it for every port of `localhost`. */
  strictTransport({ host }: CallPlace): string | null {
    const { hstsSeconds } = this.#policy()
    return hstsSeconds === 0 || isLoopbackHost(host) ? null : `max-age=${hstsSeconds}`
  }

  /** Returns the origin of a request, as seen through trusted proxies. */
  placeOf(request: PlacedRequest): CallPlace {
    const policy = this.#policy()
    if (this.#proxies?.policy !== policy) {
      this.#proxies = { policy, trusted: new TrustedProxies(policy.trustedProxies, policy.forwarded) }
    }
    return this.#proxies.trusted.placeOf(request)
  }

  /** The part of `admit` that is about Host. */
  admitHost({ host }: CallPlace): void {
    const { hosts } = this.#policy()
    if (!isWellFormedHost(host)) throw new StreamstackError('header_invalid', 'The Host of the request is no host.')
    if (hosts === null) return
    if (hosts === 'loopback' ? isLoopbackHost(host) : isHostListed(hosts, host)) return
    throw new StreamstackError(
      'host_unknown',
      hosts === 'loopback'
        ? `\`streamstack dev\` answers to names of this machine only, such as localhost and 127.0.0.1. Use \`streamstack serve\` for others.`
        : 'This server does not answer to that Host; its operator lists hosts under `server.hosts`.',
    )
  }
}
