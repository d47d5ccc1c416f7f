import { type CorsSettings, isOriginAllowed } from '../access/index.ts'

/** Whether a caller may call as what it is: no page of a browser, a page of this very host, or of an origin that the settings list. */
export function admitsOrigin(cors: CorsSettings, origin: string | undefined, host: string): boolean {
  if (origin === undefined || URL.parse(origin)?.host === host.toLowerCase()) return true
  return isOriginAllowed(cors, origin)
}
