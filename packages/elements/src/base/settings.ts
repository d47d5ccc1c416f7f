import type { TokenProvider } from '../source/source.ts'

/** What elements use that say nothing else. */
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

export function pageSettings(): Readonly<Required<PageSettings>> {
  return settings
}
