import { splitUrl } from '../source/own-source.ts'
import type { TokenProvider } from '../source/source.ts'

/** Defaults of elements. */
export interface PageSettings {
  /** Base URL of the server. Default: '', the page's own. */
  server?: string
  /** Sent to the element's server as a bearer token. */
  token?: TokenProvider | null
}

const settings: Required<PageSettings> = { server: '', token: null }

/** Sets the server and the token for all elements of the page that have none of their own. Elements read it when they next open their source. */
export function configure(next: PageSettings): void {
  Object.assign(settings, next)
}

/**
 * The server that an element talks to, and the token for it: its own, or that of the page where the server is the page's. The page's token goes to no other server,
 * whatever an address in the markup says.
 */
export function placeOf(
  element: { server: string; token: TokenProvider | null },
  url: string,
): { server: string; token: TokenProvider | null } {
  const own = settings.server.replace(/\/+$/, '')
  const { server } = splitUrl(element.server || own, url)
  return { server, token: element.token ?? (server === own ? settings.token : null) }
}
