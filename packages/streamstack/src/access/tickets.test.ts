import { expect, test } from 'vitest'
import { PresentedToken } from './presented-token.ts'
import { toAuthClaims } from './index.ts'
import { Tickets } from './tickets.ts'
import { verifiedToken } from './verified-token.ts'

const tokenOf = (sub: string, length = 200): Promise<PresentedToken> =>
  PresentedToken.check(
    {
      verify: () =>
        Promise.resolve(verifiedToken(toAuthClaims({ sub }, null), { clockToleranceSeconds: 0, maxAgeSeconds: null })),
    },
    'x'.repeat(length),
  )

test('an unused ticket expires after half a minute and leaves room for others', async () => {
  let nowMs = 0
  const tickets = new Tickets(() => nowMs)
  const token = await tokenOf('ann')
  const made = Array.from({ length: 100 }, () => tickets.issue(token, '/a').ticket)
  expect(() => tickets.issue(token, '/a')).toThrow('100 unused tickets')
  nowMs = 29_999
  expect(tickets.use(made[0] ?? '', '/a')).toBe(token)
  nowMs = 30_000
  expect(() => tickets.use(made[1] ?? '', '/a')).toThrow('not accepted')
  for (let count = 0; count < 100; count++) tickets.issue(token, '/a')
})

test('the tokens behind all tickets together are bounded in bytes', async () => {
  const tickets = new Tickets(() => 0)
  let count = 0
  const fill = async (): Promise<void> => {
    for (; ; count++) tickets.issue(await tokenOf(`caller ${count}`, 16_000), '/a')
  }
  await expect(fill()).rejects.toMatchObject({ code: 'unavailable', status: 503, retryAfterMs: 30_000 })
  expect(count).toBeLessThan(300)
})
