import { page } from './page.ts'
import { invalid } from './stream-error.ts'

/** A token, or where to get one: asked before each request, so that it may be a fresh one, and once more after a 401. */
export type TokenSource = string | (() => string | Promise<string>)

export interface TransportOptions {
  url: string
  token?: TokenSource
  fetch?: typeof fetch
}

/** Sends requests to one server, with the caller's token, which goes nowhere else. */
export class Transport {
  readonly #base: string
  /** Whether asking again may give another token. */
  readonly renewsToken: boolean
  /** A fresh token, where there is a source of them; undefined: none at all. */
  readonly token: () => Promise<string | undefined>
  readonly #fetch: typeof fetch

  constructor({ url, token, fetch: custom }: TransportOptions) {
    this.#base = url.replace(/\/+$/, '')
    this.renewsToken = typeof token === 'function'
    this.token = async () => (typeof token === 'function' ? token() : token)
    // Browsers want `fetch` to be called on the window.
    this.#fetch = custom ?? ((input, init) => fetch(input, init))
  }

  /** The path on this server that a path or a whole URL means. Throws `call_invalid` for one of another server. */
  pathOf(url: string): string {
    const path = url.startsWith(`${this.#base}/`) ? url.slice(this.#base.length) : url
    // `//host` and `/\host` are other hosts to a browser.
    if (/^\/(?![/\\])/.test(path)) return path
    throw invalid("The URL is another server's.")
  }

  /** Where the server's WebSockets are. */
  socketUrl(): URL {
    const url = new URL(`${this.#base}/v1/ws`, page.location?.href)
    url.protocol = url.protocol.replace('http', 'ws')
    return url
  }

  async send(path: string, init: RequestInit, headers?: Readonly<Record<string, string>>): Promise<Response> {
    const request = async (): Promise<Response> => {
      // Waits even for a token that is available, so that an immediate abort happens before
      // anything is sent.
      const token = await this.token()
      const authorization: Record<string, string> = token === undefined ? {} : { Authorization: `Bearer ${token}` }
      return this.#fetch(this.#base + path, { cache: 'no-store', ...init, headers: { ...headers, ...authorization } })
    }
    const response = await request()
    if (response.status !== 401 || !this.renewsToken) return response
    await response.body?.cancel()
    return request()
  }
}
