import type { Value } from '@streamstack/protocol'
import { describe, expect, it } from 'vitest'
import { ANONYMOUS } from '../access/index.ts'
import type { RateLimitDeclaration } from '../definition/types.ts'
import { RateLimits } from './rate-limits.ts'

const limit: RateLimitDeclaration = {
  unit: 'calls',
  amount: 1,
  perMs: 60_000,
  by: 'input.x',
  roles: [],
  keys: [],
  mode: 'enforce',
}

describe('a limit by an input', () => {
  const take = (limits: RateLimits, x: Value) => limits.take('e', [limit], { caller: ANONYMOUS, inputs: { x } }, 0)[0]
  const long = 'x'.repeat(100_000)

  it.each<[string, Value, Value]>([
    ['texts', `${long}a`, `${long}b`],
    ['lists', [long, 'a'], [long, 'b']],
    ['objects', { a: long, b: 1 }, { a: long, b: 2 }],
    ['a text and a number', '1', 1],
    ['a text and the list of it', '["a"]', ['a']],
  ])('tells %s apart, however late they differ, and keeps no more than a short key of each', (_, one, other) => {
    const limits = new RateLimits()
    expect(take(limits, one)?.quota.isAllowed).toBe(true)
    expect(take(limits, other)?.quota.isAllowed).toBe(true)
    const again = take(limits, structuredClone(one))
    expect(again?.quota.isAllowed).toBe(false)
    expect(again?.key.length).toBeLessThanOrEqual(64)
  })
})
