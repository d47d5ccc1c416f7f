import type { CallPlace } from './call-place.ts'
import { type CorsSettings, isOriginAllowed } from './cors.ts'

/** Whether a caller may act in its own name: no page of a browser, a page of this very host, or of an origin that the settings list. */
export function admitsOrigin(cors: CorsSettings, { host, origin }: Pick<CallPlace, 'host' | 'origin'>): boolean {
  if (origin === undefined || isSameHost(origin, host)) return true
  return isOriginAllowed(cors, origin)
}

/**
 * Whether a request that changes something comes from a foreign page. Browsers send Origin with all such requests; `Sec-Fetch-Site`, which no page can
 * set, tells more: behind a proxy that replaces Host the page of this very site would look foreign.
 */
export function isForeignRequest(cors: CorsSettings, place: CallPlace, site: string | undefined): boolean {
  if (site === 'same-origin') return false
  if (place.origin === undefined) return site !== undefined && site !== 'none'
  return !admitsOrigin(cors, place)
}

/** Browsers leave the default port out of Origin (RFC 6454 §6.1), and clients may send it in Host. */
function isSameHost(origin: string, host: string): boolean {
  const page = URL.parse(origin)
  return page !== null && host !== '' && URL.parse(`${page.protocol}//${host}`)?.host === page.host
}
