import { StreamstackError } from '@streamstack/protocol'
import { ArgumentError, HOST_ARGUMENT } from '../expression/index.ts'
import type { OutboundRequest } from './prepare-request.ts'

/** The entry of `outbound.allow` that opens the server itself, wherever it listens. */
export const SELF = 'self'

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

  /**
   * A request whose URL is only a path goes to this server, and nowhere else: URL parsers take `//host`, `/\\host` and a tab between two
   * slashes for another host. Throws `step_failed` when it is not allowed or would leave, `upstream_refused` when no server is running.
   */
  resolved(request: OutboundRequest): OutboundRequest {
    const { url } = request
    if (typeof url !== 'string' || !/^[\s\p{Cc}]*[/\\]/u.test(url)) return request
    if (!this.#isAllowed) {
      throw new ArgumentError(
        'step_failed',
        'The URL of the outbound request is not an absolute URL (https://…). For a path of this server, list `self` under outbound.allow in streamstack.yaml.',
        { argument: HOST_ARGUMENT },
      )
    }
    if (this.#url === null) {
      throw new StreamstackError(
        'upstream_refused',
        'The URL of the outbound request is a path of this server, and no server is running.',
      )
    }
    const resolved = URL.parse(url, this.#url.href)
    if (!PLAIN_PATH.test(url) || resolved?.origin !== this.#url.origin) {
      throw new ArgumentError(
        'step_failed',
        'The URL of the outbound request is not a plain path of this server: it must begin with one slash and hold no backslash, white space or control character.',
        { argument: HOST_ARGUMENT },
      )
    }
    return { ...request, url: resolved.href }
  }
}

/** One slash, and nothing that URL parsers take out or turn into a slash. */
const PLAIN_PATH = /^\/(?!\/)[^\\\s\p{Cc}]*$/u

function defaultPort({ protocol }: URL): string {
  return protocol === 'https:' ? '443' : '80'
}
