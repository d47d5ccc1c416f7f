import { setTimeout } from 'node:timers/promises'
import type { StreamstackError } from '@streamstack/protocol'
import { expect, test } from 'vitest'
import { HeldTokens } from './held-tokens.ts'
import { type TokenVerifier, toAuthClaims } from './index.ts'
import { PresentedToken } from './presented-token.ts'
import { verifiedToken } from './verified-token.ts'

/** Takes every token, or none. */
const verifier = (takes: boolean): TokenVerifier => ({
  verify: () =>
    takes
      ? Promise.resolve(
          verifiedToken(toAuthClaims({ sub: 'ann' }, null), { clockToleranceSeconds: 0, maxAgeSeconds: null }),
        )
      : Promise.reject(new Error('the token is wrong')),
})

interface Heard {
  readonly words: string[]
  readonly letGo: () => void
}

function hold(tokens: HeldTokens, token: PresentedToken): Heard {
  const words: string[] = []
  const letGo = tokens.hold({
    token,
    renewed: () => void words.push('renewed'),
    refused: ({ code }: StreamstackError) => void words.push(code),
  })
  return { words, letGo }
}

test('who has left is not asked again; each of very many that stay is, by the newest settings alone', async () => {
  let now = verifier(true)
  const errors: unknown[] = []
  const tokens = new HeldTokens(
    () => now,
    (error) => errors.push(error),
  )
  const token = await PresentedToken.check(now, 'Bearer x')
  const held = Array.from({ length: 1_000 }, () => hold(tokens, token))
  const [gone, ...stay] = held
  gone?.letGo()
  now = verifier(false)
  tokens.checkAll()
  now = verifier(true)
  tokens.checkAll()
  const [late] = held.slice(-1)
  await expect.poll(() => late?.words).toEqual(['renewed'])
  await setTimeout(1)
  expect(stay.every(({ words }) => words.join() === 'renewed')).toBe(true)
  expect(gone?.words).toEqual([])
  // One that was taken by what holds now costs nothing; one that was taken before is checked at once.
  const fresh = hold(tokens, await PresentedToken.check(now, 'Bearer x'))
  const old = hold(tokens, token)
  await expect.poll(() => old.words).toEqual(['renewed'])
  expect(fresh.words).toEqual([])
  expect(errors).toEqual([])
})

test('an unexpected failure is logged, and ends all readers', async () => {
  const errors: unknown[] = []
  let now = verifier(true)
  const tokens = new HeldTokens(
    () => now,
    (error) => errors.push(error),
  )
  const { words } = hold(tokens, await PresentedToken.check(now, 'Bearer x'))
  now = verifier(false)
  tokens.checkAll()
  await expect.poll(() => words).toEqual(['internal'])
  expect(errors).toEqual([new Error('the token is wrong')])
})
