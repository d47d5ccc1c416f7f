import { StreamstackError } from '@streamstack/protocol'
import type { CallPlace } from './call-place.ts'
import { type CorsSettings, isOriginAllowed } from './cors.ts'

/** Whether a caller may act in its own name: no page of a browser, a page of this very host, or of an origin that the settings list. */
export function admitsOrigin(cors: CorsSettings, { host, origin }: Pick<CallPlace, 'host' | 'origin'>): boolean {
  if (origin === undefined || isSameHost(origin, host)) return true
  return isOriginAllowed(cors, origin)
}

/**
 * Whether a request comes from a foreign page. Browsers send Origin with all requests that can change something; `Sec-Fetch-Site`, which no page can set,
 * tells more: behind a proxy that replaces Host the page of this very site would look foreign, and pictures and scripts are fetched without an Origin.
 */
export function isForeignRequest(cors: CorsSettings, place: CallPlace): boolean {
  const { site, origin } = place
  if (site === 'same-origin') return false
  if (origin === undefined) return site !== undefined && site !== 'none'
  return !admitsOrigin(cors, place)
}

export function foreignOrigin(): StreamstackError {
  return new StreamstackError('forbidden', 'Pages of this origin may not call; list it under `server.cors.origins`.')
}

/** Browsers leave the default port out of Origin (RFC 6454 §6.1), and clients may send it in Host. */
function isSameHost(origin: string, host: string): boolean {
  const page = URL.parse(origin)
  return page !== null && host !== '' && URL.parse(`${page.protocol}//${host}`)?.host === page.host
}
