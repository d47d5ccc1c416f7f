import { StreamstackError } from '@streamstack/protocol'
import type { OutboundRequest } from './prepare-request.ts'

/** The entry of `outbound.allow` that opens the server itself, wherever it listens. */
const SELF = 'self'

/** Addresses to listen on that are none to call: https://www.rfc-editor.org/rfc/rfc1122#section-3.2.1.3, RFC 4291 §2.5.2. */
const callable: ReadonlyMap<string, string> = new Map([
  ['0.0.0.0', '127.0.0.1'],
  ['[::]', '[::1]'],
])

/** Lets steps call endpoints of their own server by path alone, so that no definition has to know the port. */
export class OwnServer {
  /** The list with `self` made a host and port. */
  readonly allow: readonly string[]
  readonly #isAllowed: boolean
  readonly #url: URL | null

  constructor(allow: readonly string[], ownUrl: string | null) {
    this.#isAllowed = allow.includes(SELF)
    this.#url = ownUrl === null ? null : new URL(ownUrl)
    if (this.#url !== null) this.#url.hostname = callable.get(this.#url.hostname) ?? this.#url.hostname
    const host = this.#url === null ? [] : [`${this.#url.hostname}:${this.#url.port || defaultPort(this.#url)}`]
    this.allow = allow.flatMap((entry) => (entry === SELF ? host : [entry]))
  }

  /** A request whose URL is only a path goes to this server. Throws `step_failed` when that is not allowed,
   * `upstream_refused` when no server is running. */
  resolved(request: OutboundRequest): OutboundRequest {
    const { url } = request
    // `//host/path` names another host.
    if (typeof url !== 'string' || !/^\/(?![/\\])/.test(url)) return request
    if (!this.#isAllowed) {
      throw new StreamstackError(
        'step_failed',
        'The URL of the outbound request is not an absolute URL (https://…). For a path of this server, list `self` under outbound.allow in streamstack.yaml.',
      )
    }
    if (this.#url === null) {
      throw new StreamstackError(
        'upstream_refused',
        'The URL of the outbound request is a path of this server, and no server is running.',
      )
    }
    return { ...request, url: new URL(url, this.#url).href }
  }
}

function defaultPort({ protocol }: URL): string {
  return protocol === 'https:' ? '443' : '80'
}
