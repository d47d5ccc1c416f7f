import { exportJWK, generateKeyPair } from 'jose'
import { describe, expect, it } from 'vitest'
import { createKeySet } from './key-set.ts'

const { publicKey } = await generateKeyPair('ES256')
const key = { ...(await exportJWK(publicKey)), alg: 'ES256', use: 'sig' }
const token = { payload: '', signature: '' }

describe('the key set of an issuer', () => {
  it('of more than 1,000 keys is taken for none, and the cause is reported', async () => {
    const causes: unknown[] = []
    const keys = Array.from({ length: 1_001 }, (_, n) => ({ ...key, kid: `k${n}` }))
    const set = createKeySet('https://issuer.example/keys', async () => ({ keys }), {
      onFailure: (cause) => causes.push(cause),
    })
    await expect(set.find({ alg: 'ES256', kid: 'k1' }, token)).rejects.toMatchObject({ code: 'unavailable' })
    expect(String(causes[0])).toContain('more than 1000 keys')
  })

  it('gives at most 20 keys for a token that names none, so that a caller cannot make the server try hundreds', async () => {
    const keys = Array.from({ length: 500 }, (_, n) => ({ ...key, kid: `k${n}` }))
    const set = createKeySet('https://issuer.example/keys', async () => ({ keys }))
    expect(await set.find({ alg: 'ES256' }, token)).toHaveLength(20)
    expect(await set.find({ alg: 'ES256', kid: 'k499' }, token)).toHaveLength(1)
  })

  it('is fetched once for a flood of tokens with unknown key ids', async () => {
    let fetched = 0
    let nowMs = 0
    const fetchJson = async (): Promise<unknown> => {
      fetched++
      return { keys: [{ ...key, kid: 'known' }] }
    }
    const set = createKeySet('https://issuer.example/keys', fetchJson, { now: () => nowMs })
    const flood = (): Promise<unknown> =>
      Promise.allSettled(Array.from({ length: 500 }, (_, n) => set.find({ alg: 'ES256', kid: `unknown${n}` }, token)))
    await flood()
    expect(fetched).toBe(1)
    nowMs = 31_000
    await flood()
    expect(fetched).toBe(2)
  })
})
