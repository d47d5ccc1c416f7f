/** Words that make the name that holds them the name of a secret, wherever they stand in it. */
const SECRET_WORDS = new Set(['password', 'passwd', 'passphrase', 'secret', 'secrets', 'credential', 'credentials'])

/** Words that do so at its end only: `access_token` is a secret, `token_count` is not. */
const SECRET_ENDS = new Set(['token', 'authorization', 'cookie', 'apikey', 'jwt', 'otp', 'cvv', 'cvc', 'pin'])

/** Words before `key` that make it a secret. */
const SECRET_KEYS = new Set(['api', 'access', 'private', 'secret', 'signing', 'encryption', 'service', 'license'])

/** Whether values of this name are secrets, by the words in it: `apiKey`, `X-API-Key`, `db_password`, `accessToken`. */
export function isSecretName(name: string): boolean {
  const words = name
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== '')
  const last = words.at(-1)
  if (last === undefined) return false
  if (words.some((word) => SECRET_WORDS.has(word)) || SECRET_ENDS.has(last)) return true
  return last === 'key' && SECRET_KEYS.has(words.at(-2) ?? '')
}
