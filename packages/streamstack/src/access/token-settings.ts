import { StreamstackError } from '@streamstack/protocol'
import { type TokenKey, readPrivateKey, readPublicKey } from './token-key.ts'

/** How the tokens of one issuer are checked: `auth.jwt` in `streamstack.yaml`, or one entry of it. */
export interface TokenSettings {
  /** Shared secret for the HS algorithms. */
  secret: string | null
  /** Key that signs tokens of the workspace, and verifies them: PEM or a JSON Web Key. */
  privateKey: string | null
  /** `kid` of tokens that `privateKey` signs; null: its own name, or its thumbprint. */
  keyId: string | null
  /** Further keys that verify tokens: PEM or JSON Web Keys. */
  publicKeys: readonly string[]
  /** Where an identity provider publishes its public keys (JWK Set, RFC 7517 §5). */
  jwksUrl: string | null
  /** Accepted values of `iss`; null: any. */
  issuers: readonly string[] | null
  /** One of these must be among the token's `aud`; null: any. */
  audience: readonly string[] | null
  /** null: HS256 with a secret, and all that fit with public keys. */
  algorithms: readonly string[] | null
  /** Claim that holds the roles, dots lead inwards (`realm_access.roles`); null: `roles` or `role`. */
  roleClaim: string | null
  /** How far clocks may differ when `exp`, `nbf` and `iat` are compared. */
  clockToleranceSeconds: number
  /** Whether a token must have `exp`; null: in `streamstack serve`, not in `streamstack dev`. */
  requireExp: boolean | null
  /** Greatest age of a token, counted from its `iat`; null: any. A token without `iat` is then refused. */
  maxAgeSeconds: number | null
}

/** Algorithms that may be named, and the bytes a secret needs for each (RFC 7518 §3.2: as many as the hash has). */
export const SECRET_BYTES_MIN: Readonly<Record<string, number>> = { HS256: 32, HS384: 48, HS512: 64 }

/** Public-key algorithms that may be named (RFC 7518 §3.1, RFC 8037, RFC 9864). */
export const PUBLIC_KEY_ALGORITHMS: readonly string[] = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
]

/** Which algorithms the secret may check, and which the public keys; the two never overlap. */
export interface TokenAlgorithms {
  secret: readonly string[]
  publicKey: readonly string[]
}

/** The settings of one issuer, checked. */
export interface CheckedTokens extends TokenAlgorithms {
  /** Keys of the settings, the one that signs first, each with the accepted ones of its algorithms. */
  keys: readonly TokenKey[]
}

/**
 * Checks the settings once, at load, and says which algorithms each kind of key serves. A secret only ever checks HS
 * tokens and published keys never do: that is what makes a token signed with a public key as if it were a secret useless.
 *
 * @throws StreamstackError that names the key in `streamstack.yaml` and the cure; it never repeats the secret.
 */
export function checkTokenSettings(settings: TokenSettings): CheckedTokens {
  const algorithms = splitAlgorithms(settings)
  const keys = readKeys(settings, algorithms.publicKey)
  if (settings.secret !== null) checkSecret(settings.secret, algorithms.secret)
  if (settings.jwksUrl !== null) checkJwksUrl(settings.jwksUrl)
  if (!(settings.clockToleranceSeconds >= 0 && settings.clockToleranceSeconds <= 3600)) {
    throw fault('auth.jwt.clock_tolerance must be between 0 and 3600 seconds. Use "60s" when clocks differ much.')
  }
  return { ...algorithms, keys }
}

function readKeys({ privateKey, keyId, publicKeys }: TokenSettings, accepted: readonly string[]): readonly TokenKey[] {
  if (keyId !== null && privateKey === null) {
    throw fault('auth.jwt.key_id names the key of tokens that auth.jwt.private_key signs, which is not set.')
  }
  const read: [setting: string, key: TokenKey][] = []
  if (privateKey !== null) read.push(['private_key', readPrivateKey(privateKey, keyId)])
  for (const text of publicKeys) read.push(['public_key', readPublicKey(text)])
  return read.map(([setting, key]) => {
    const algorithms = key.algorithms.filter((algorithm) => accepted.includes(algorithm))
    if (algorithms.length > 0) return { ...key, algorithms }
    throw fault(
      `auth.jwt.${setting} fits ${key.algorithms.join(', ')}, of which auth.jwt.algorithms has none. Add one, or drop the list.`,
    )
  })
}

/**
 * Checks several issuers against each other. The issuer of a token decides which keys verify it, so each
 * entry names its issuers and no two entries share one.
 *
 * @throws StreamstackError that names the key and the cure.
 */
export function checkIssuers(entries: readonly TokenSettings[]): void {
  if (entries.length < 2) return
  const seen = new Map<string, number>()
  for (const [index, { issuers }] of entries.entries()) {
    if (issuers === null) {
      throw fault(`auth.jwt[${index}].issuer must be set: with several entries, each names the issuers of its tokens.`)
    }
    for (const issuer of issuers) {
      const before = seen.get(issuer)
      if (before !== undefined && before !== index) {
        throw fault(
          `auth.jwt[${index}].issuer names ${JSON.stringify(issuer)}, as auth.jwt[${before}] does. Name each issuer once.`,
        )
      }
      seen.set(issuer, index)
    }
  }
}

/** @throws StreamstackError when the secret is too short or no secret at all. */
export function checkSecret(secret: string, algorithms: readonly string[]): void {
  if (secret.includes('{{')) {
    throw fault('auth.jwt.secret still holds {{ }}. List the name under `env:` and give it a value in .env.')
  }
  if (secret.trimStart().startsWith('-----BEGIN')) {
    throw fault('auth.jwt.secret is a PEM key. Set it as auth.jwt.private_key, or auth.jwt.public_key, instead.')
  }
  const bytes = Buffer.byteLength(secret)
  const bytesMin = Math.max(...algorithms.map((algorithm) => SECRET_BYTES_MIN[algorithm] ?? 0), 32)
  if (bytes < bytesMin) {
    throw fault(
      `auth.jwt.secret has ${bytes} bytes; ${algorithms.join(', ')} needs at least ${bytesMin}. ` +
        'Make one with: openssl rand -base64 48',
    )
  }
}

function splitAlgorithms(settings: TokenSettings): TokenAlgorithms {
  const hasSecret = settings.secret !== null
  const hasKeys = settings.jwksUrl !== null || settings.privateKey !== null || settings.publicKeys.length > 0
  if (settings.algorithms === null) {
    return { secret: hasSecret ? ['HS256'] : [], publicKey: hasKeys ? PUBLIC_KEY_ALGORITHMS : [] }
  }
  const secret: string[] = []
  const publicKey: string[] = []
  for (const algorithm of settings.algorithms) {
    if (Object.hasOwn(SECRET_BYTES_MIN, algorithm)) secret.push(algorithm)
    else if (PUBLIC_KEY_ALGORITHMS.includes(algorithm)) publicKey.push(algorithm)
    else {
      const known = [...Object.keys(SECRET_BYTES_MIN), ...PUBLIC_KEY_ALGORITHMS].join(', ')
      throw fault(`auth.jwt.algorithms names ${JSON.stringify(algorithm)}. Use some of: ${known}.`)
    }
  }
  if (secret.length > 0 && !hasSecret) {
    throw fault(`auth.jwt.algorithms names ${secret.join(', ')}, which need auth.jwt.secret. Set it, or drop them.`)
  }
  if (publicKey.length > 0 && !hasKeys) {
    throw fault(
      `auth.jwt.algorithms names ${publicKey.join(', ')}, which need auth.jwt.jwks_url, public_key or private_key. Set one, or drop them.`,
    )
  }
  if (hasSecret && secret.length === 0) {
    throw fault(
      'auth.jwt.secret is set, but auth.jwt.algorithms names none that uses it. Add HS256, or drop the secret.',
    )
  }
  if (hasKeys && publicKey.length === 0) {
    const set = settings.jwksUrl !== null ? 'jwks_url' : settings.privateKey !== null ? 'private_key' : 'public_key'
    throw fault(`auth.jwt.${set} is set, but auth.jwt.algorithms names none that uses it. Add RS256, ES256 or EdDSA.`)
  }
  return { secret, publicKey }
}

/** Keys that travel in the clear can be swapped on the way, so plain http serves only this machine and its neighbours. */
function checkJwksUrl(text: string): void {
  const url = URL.canParse(text) ? new URL(text) : null
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    throw fault('auth.jwt.jwks_url is not a web address. Use one like https://login.example.com/.well-known/jwks.json')
  }
  if (url.username !== '' || url.password !== '') {
    throw fault('auth.jwt.jwks_url holds a user name or password. Key sets are public: leave them out.')
  }
  const isNear = /^(\[::1\]|127(\.\d+){3}|[^.:[\]]+)$/.test(url.hostname)
  if (url.protocol === 'http:' && !isNear) {
    throw fault(
      'auth.jwt.jwks_url uses http. Use https: an attacker who changes the keys in transit can sign any token.',
    )
  }
}

function fault(message: string): StreamstackError {
  return new StreamstackError('setting_invalid', message)
}
