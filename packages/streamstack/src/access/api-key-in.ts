/** A prefix by which secret scanners and people know what they found. */
const API_KEY = /^ssk_[\w-]{43}$/

/** Null: the header holds no API key, whatever else it holds. */
export function apiKeyIn(authorization: string | undefined): string | null {
  const [, scheme = '', value = ''] = /^\s*(Bearer|Basic) +(\S+)\s*$/i.exec(authorization ?? '') ?? []
  const text = scheme.toLowerCase() === 'basic' ? passwordIn(value) : value
  return API_KEY.test(text) ? text : null
}

/** Clients that send a key alone write it as the name, with an empty password. */
function passwordIn(encoded: string): string {
  const pair = Buffer.from(encoded, 'base64').toString('utf8')
  const colon = pair.indexOf(':')
  return pair.slice(colon + 1) === '' ? pair.slice(0, colon) : pair.slice(colon + 1)
}
