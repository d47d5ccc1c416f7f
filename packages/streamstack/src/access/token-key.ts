import { type JsonWebKey, type KeyObject, createHash, createPrivateKey, createPublicKey } from 'node:crypto'
import { StreamstackError } from '@streamstack/protocol'

/** A key of the settings that verifies tokens and, if its private half is known, signs them. */
export interface TokenKey {
  readonly publicKey: KeyObject
  readonly privateKey: KeyObject | null
  /** `kid` of its tokens; null: a public key that does not tell, and may have signed tokens with any `kid`. */
  readonly id: string | null
  /** Signature algorithms that the key can be used with (RFC 7518 §3.1, RFC 8037 §3.1), the usual one first. */
  readonly algorithms: readonly string[]
}

/** Smaller RSA keys can be broken (RFC 7518 §3.3). */
const RSA_BITS_MIN = 2048

const RSA_ALGORITHMS: readonly string[] = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512']

/** By the names that OpenSSL gives to the curves (RFC 7518 §3.4). */
const CURVE_ALGORITHMS: Readonly<Record<string, string>> = {
  prime256v1: 'ES256',
  secp384r1: 'ES384',
  secp521r1: 'ES512',
}

/** How to make a key, for messages. */
const CURE = 'Make one with: openssl genpkey -algorithm ed25519 -out jwt.pem'

/**
 * Reads a private key: PEM (PKCS #8, PKCS #1 or SEC 1) or a JSON Web Key. `id`: the `kid` of its tokens; null: that of the JSON Web Key, else its thumbprint
 * (RFC 7638).
 *
 * @throws StreamstackError that names the setting and the cure, and never repeats the key.
 */
export function readPrivateKey(text: string, id: string | null): TokenKey {
  const setting = 'auth.jwt.private_key'
  const { jwk, pem } = parsed(setting, text)
  if (pem?.includes('ENCRYPTED') === true) {
    throw fault(`${setting} is encrypted. Decrypt it with: openssl pkey -in jwt.pem -out plain.pem`)
  }
  if (jwk === null ? !/PRIVATE KEY/.test(pem) : jwk['d'] === undefined) {
    throw fault(`${setting} is no private key; a public key that verifies tokens is \`public_key\`. ${CURE}`)
  }
  const privateKey = readable(setting, () =>
    jwk === null ? createPrivateKey(pem) : createPrivateKey({ key: jwk, format: 'jwk' }),
  )
  const publicKey = createPublicKey(privateKey)
  const own = id ?? nameOf(jwk) ?? thumbprint(publicKey)
  return { publicKey, privateKey, id: own, algorithms: algorithmsOf(setting, publicKey, jwk) }
}

/**
 * Reads a public key: PEM (SPKI, or a certificate) or a JSON Web Key.
 *
 * @throws StreamstackError that names the setting and the cure.
 */
export function readPublicKey(text: string): TokenKey {
  const setting = 'auth.jwt.public_key'
  const { jwk, pem } = parsed(setting, text)
  if (jwk === null ? /PRIVATE KEY/.test(pem) : jwk['d'] !== undefined) {
    throw fault(`${setting} is a private key. Put it under \`private_key\`, or give its public half alone here.`)
  }
  const publicKey = readable(setting, () =>
    jwk === null ? createPublicKey(pem) : createPublicKey({ key: jwk, format: 'jwk' }),
  )
  return { publicKey, privateKey: null, id: nameOf(jwk), algorithms: algorithmsOf(setting, publicKey, jwk) }
}

type ReadText = { readonly jwk: JsonWebKey; readonly pem: null } | { readonly jwk: null; readonly pem: string }

function parsed(setting: string, text: string): ReadText {
  if (text.includes('{{')) {
    throw fault(
      `${setting} still holds {{ }}. List the name under \`env:\` and give it a value, or a file by NAME_FILE.`,
    )
  }
  const trimmed = text.trim()
  if (trimmed.startsWith('{')) return { jwk: parsedJwk(setting, trimmed), pem: null }
  // Variables that hold one line write the line ends of a PEM as \n.
  const pem = trimmed.replaceAll(String.raw`\n`, '\n')
  if (pem.startsWith('-----BEGIN ')) return { jwk: null, pem: `${pem}\n` }
  throw fault(`${setting} is neither PEM (-----BEGIN …) nor a JSON Web Key ({"kty":…}). ${CURE}`)
}

function parsedJwk(setting: string, text: string): JsonWebKey {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw fault(`${setting} begins like a JSON Web Key and is not valid JSON.`)
  }
  const jwk = value as JsonWebKey & { keys?: unknown }
  if (jwk.kty === 'oct') throw fault(`${setting} is a shared secret. Put it under \`secret\`.`)
  if (jwk.keys !== undefined) throw fault(`${setting} is a set of keys. Give one of its keys.`)
  return jwk
}

function readable(setting: string, read: () => KeyObject): KeyObject {
  try {
    return read()
  } catch {
    throw fault(`${setting} cannot be read as a key. ${CURE}`)
  }
}

function algorithmsOf(setting: string, key: KeyObject, jwk: JsonWebKey | null): readonly string[] {
  const possible = possibleAlgorithms(setting, key)
  // A JSON Web Key may be for one algorithm alone (RFC 7517 §4.4).
  const only = jwk?.['alg']
  if (only === undefined) return possible
  if (typeof only === 'string' && possible.includes(only)) return [only]
  throw fault(`${setting} is for ${JSON.stringify(only)}, which its key does not fit; it fits ${possible.join(', ')}.`)
}

function possibleAlgorithms(setting: string, key: KeyObject): readonly string[] {
  const { modulusLength = 0, namedCurve = '' } = key.asymmetricKeyDetails ?? {}
  switch (key.asymmetricKeyType) {
    case 'rsa':
      if (modulusLength >= RSA_BITS_MIN) return RSA_ALGORITHMS
      throw fault(`${setting} has ${modulusLength} bits; RSA keys need at least ${RSA_BITS_MIN}. ${CURE}`)
    case 'ed25519':
      return ['EdDSA', 'Ed25519']
    case 'ec': {
      const algorithm = Object.hasOwn(CURVE_ALGORITHMS, namedCurve) ? CURVE_ALGORITHMS[namedCurve] : undefined
      if (algorithm !== undefined) return [algorithm]
      throw fault(`${setting} is on the curve ${namedCurve}; use P-256, P-384, P-521 or Ed25519. ${CURE}`)
    }
    default:
      throw fault(`${setting} is no key for signatures; use RSA, P-256, P-384, P-521 or Ed25519. ${CURE}`)
  }
}

function nameOf(jwk: JsonWebKey | null): string | null {
  const name = jwk?.['kid']
  return typeof name === 'string' && name !== '' ? name : null
}

/** RFC 7638: SHA-256 of the required members, in their order. */
function thumbprint(publicKey: KeyObject): string {
  const { crv, e, kty, n, x, y } = publicKey.export({ format: 'jwk' })
  const members = kty === 'RSA' ? { e, kty, n } : { crv, kty, x, y }
  return createHash('sha256').update(JSON.stringify(members)).digest('base64url')
}

function fault(message: string): StreamstackError {
  return new StreamstackError('setting_invalid', message)
}
