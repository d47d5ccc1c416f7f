import { type KeyObject, createHash, createPrivateKey, createPublicKey, generateKeyPairSync, sign } from 'node:crypto'

/** The public half, as a JSON Web Key (RFC 8037). */
export interface WebhookKey {
  readonly kty: string
  readonly crv: string
  readonly x: string
  readonly kid: string
  readonly use: 'sig'
  readonly alg: 'EdDSA'
}

/** Signs what webhooks are sent, so that they know it is this server that calls. */
export class WebhookSigner {
  readonly key: WebhookKey
  /** The private key as PEM (PKCS #8), to be kept. */
  readonly pem: string
  readonly #private: KeyObject

  /** Null makes a new key. */
  constructor(pem: string | null) {
    this.#private = pem === null ? generateKeyPairSync('ed25519').privateKey : createPrivateKey(pem)
    this.pem = pem ?? this.#private.export({ type: 'pkcs8', format: 'pem' }).toString()
    const { kty = '', crv = '', x = '' } = createPublicKey(this.#private).export({ format: 'jwk' })
    const kid = `ds_${createHash('sha256').update(x).digest('base64url').slice(0, 16)}`
    this.key = { kty, crv, x, kid, use: 'sig', alg: 'EdDSA' }
  }

  /** The header `Webhook-Signature` for a body that is sent now. */
  signature(body: string): string {
    const seconds = Math.floor(Date.now() / 1000)
    const signed = sign(null, Buffer.from(`${seconds}.${body}`), this.#private)
    return `t=${seconds},kid=${this.key.kid},ed25519=${signed.toString('base64url')}`
  }
}
