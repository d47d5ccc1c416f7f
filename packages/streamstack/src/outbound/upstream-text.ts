import { newRedactor } from '../content/index.ts'
import { cutText } from '../text/cut-text.ts'

/** Of what an upstream said, the log gets so much. */
const CHARACTERS_MAX = 1024

const HIDDEN = '[secret]'

/** Shorter values of headers are no secrets, and stand in any text. */
const CREDENTIAL_CHARACTERS_MIN = 8

const CREDENTIAL_HEADERS: ReadonlySet<string> = new Set([
  'authorization',
  'proxy-authorization',
  'cookie',
  'x-api-key',
  'x-goog-api-key',
  'api-key',
])

const keys = newRedactor({ kinds: ['key'], nationalIds: [], fields: [], matchers: [], replacement: HIDDEN })

/**
 * What an upstream said, as the cause of an error: for the log alone, which no secret may reach. Services quote the key that they were sent.
 * `credentials`: texts that are replaced wherever they stand, besides everything that looks like a key.
 */
export function upstreamText(text: string, credentials: readonly string[] = []): Error {
  let shown = text.slice(0, CHARACTERS_MAX * 2)
  for (const credential of credentials) shown = shown.replaceAll(credential, HIDDEN)
  return new Error(cutText(keys.text(shown), CHARACTERS_MAX))
}

/** The credentials among the headers of a request, with and without their scheme. */
export function credentialsIn(headers: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(headers)
    .filter(([name]) => CREDENTIAL_HEADERS.has(name.toLowerCase()))
    .flatMap(([, value]) => [value, value.replace(/^\S+\s+/, '')])
    .filter(({ length }) => length >= CREDENTIAL_CHARACTERS_MIN)
}
