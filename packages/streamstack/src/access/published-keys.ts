import { type TokenSettings, checkTokenSettings } from './token-settings.ts'

/**
 * Returns the keys by which other services verify tokens that this workspace signs, as a JWK Set (RFC 7517 §5): the public halves of `private_key`, and the
 * public keys beside them, which signed before.
 */
export function publishedKeys(entries: readonly TokenSettings[]): { readonly keys: readonly object[] } {
  const signing = entries.filter(({ privateKey }) => privateKey !== null)
  return {
    keys: signing.flatMap((entry) =>
      checkTokenSettings(entry).keys.map(({ publicKey, id, algorithms }) => ({
        ...publicKey.export({ format: 'jwk' }),
        ...(id === null ? {} : { kid: id }),
        // RSA keys fit several: naming one would exclude the others.
        ...(algorithms.length === 1 ? { alg: algorithms[0] } : {}),
        use: 'sig',
      })),
    ),
  }
}
