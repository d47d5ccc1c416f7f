import { page } from './page.ts'
import { answerError, invalid } from './stream-error.ts'

/** A token, or where to get one: asked before each request, so that it may be a fresh one, and once more after a 401. */
export type TokenSource = string | (() => string | Promise<string>)

export interface TransportOptions {
  url: string
  token?: TokenSource
  socketCredential?: 'token' | 'ticket'
  fetch?: typeof fetch
}

/** Sends requests to one server, with the caller's token, which goes nowhere else. */
export class Transport {
  readonly #base: string
  /** Whether asking again may give another token. */
  readonly renewsToken: boolean
  /** A fresh token, where there is a source of them; undefined: none at all. */
  readonly token: () => Promise<string | undefined>
  /** Whether the WebSocket is opened with a ticket. */
  readonly usesTickets: boolean
  readonly #fetch: typeof fetch

  constructor({ url, token, socketCredential, fetch: custom }: TransportOptions) {
    this.#base = url.replace(/\/+$/, '')
    this.usesTickets = socketCredential === 'ticket'
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

  /** A ticket for a path of this server, which stands for the token once. Throws what the server answers. */
  async ticket(stream: string): Promise<string> {
    const headers = { 'Content-Type': 'application/json' }
    const response = await this.send('/v1/tickets', { method: 'POST', body: JSON.stringify({ stream }) }, headers)
    if (!response.ok) throw await answerError(response)
    return ((await response.json()) as { ticket: string }).ticket
  }

  /** A path of this server as a URL that opens it once. */
  async ticketUrl(path: string): Promise<string> {
    const ticket = await this.ticket(path.replace(/\?.*/s, ''))
    return `${this.#base}${path}${path.includes('?') ? '&' : '?'}ticket=${ticket}`
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
