import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { RateCounter } from './rate-counter.ts'

describe('a rate counter', () => {
  test('allows so many calls at once, then one each interval, and says when', () => {
    const counter = new RateCounter(3, 3_000)
    expect([1, 2, 3].map(() => counter.take('a', 0))).toEqual([
      { isAllowed: true, remaining: 2, resetMs: 1_000, retryAfterMs: 0 },
      { isAllowed: true, remaining: 1, resetMs: 2_000, retryAfterMs: 0 },
      { isAllowed: true, remaining: 0, resetMs: 3_000, retryAfterMs: 0 },
    ])
    expect(counter.take('a', 400)).toEqual({ isAllowed: false, remaining: 0, resetMs: 2_600, retryAfterMs: 600 })
    expect(counter.take('a', 1_000).isAllowed).toBe(true)
    expect(counter.take('b', 1_000).remaining).toBe(2)
  })

  test('in no span of its period pass more than twice the calls, and over long times no more than the rate', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 10, max: 5_000 }),
        fc.array(fc.nat(2_000), { maxLength: 200 }),
        (calls, perMs, gaps) => {
          const counter = new RateCounter(calls, perMs)
          let now = 0
          let passed = 0
          for (const gap of gaps) {
            now += gap
            if (counter.take('key', now).isAllowed) passed++
          }
          expect(passed).toBeLessThanOrEqual(calls + Math.ceil((now / perMs) * calls) + 1)
        },
      ),
    )
  })

  test('a caller that waits as long as it is told is let in', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 100_000 }), (calls, perMs) => {
        const counter = new RateCounter(calls, perMs)
        for (let call = 0; call < calls; call++) expect(counter.take('key', 5).isAllowed).toBe(true)
        const { isAllowed, retryAfterMs } = counter.take('key', 5)
        expect(isAllowed).toBe(false)
        expect(counter.take('key', 5 + retryAfterMs).isAllowed).toBe(true)
      }),
    )
  })

  test('keys of strangers do not grow it without end', () => {
    const counter = new RateCounter(1, 60_000)
    for (let n = 0; n < 150_000; n++) counter.take(`address ${n}`, n / 1_000)
    expect(counter.size).toBeLessThanOrEqual(100_000)
  })
})
