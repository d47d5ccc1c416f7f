import type { CallPlace } from './caller.ts'
import { type CorsSettings, isOriginAllowed } from './cors.ts'

/** Whether a caller may act in its own name: no page of a browser, a page of this very host, or of an origin that the settings list. */
export function admitsOrigin(cors: CorsSettings, { host, origin }: CallPlace): boolean {
  if (origin === undefined || isSameHost(origin, host)) return true
  return isOriginAllowed(cors, origin)
}

/** Browsers leave the default port out of Origin (RFC 6454 §6.1), and clients may send it in Host. */
function isSameHost(origin: string, host: string): boolean {
  const page = URL.parse(origin)
  return page !== null && host !== '' && URL.parse(`${page.protocol}//${host}`)?.host === page.host
}
