import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { retryDelayMs, sleep } from './retry.ts'
import { retryAfterMs } from './stream-error.ts'

const retry = { attempts: 5, delayMs: 1_000, delayMsMax: 30_000 }

describe('the wait before a try', () => {
  test.each([
    [1, 1_000],
    [2, 2_000],
    [5, 16_000],
    [6, 30_000],
    [60, 30_000],
  ])('number %i is anything up to %i ms', (attempt, bound) => {
    const waits = Array.from({ length: 500 }, () => retryDelayMs(attempt, retry, null))
    expect(Math.max(...waits)).toBeLessThan(bound)
    expect(Math.max(...waits)).toBeGreaterThan(bound * 0.8)
    expect(Math.min(...waits)).toBeLessThan(bound * 0.2)
  })

  test('is at least what the server asks for, and an hour at most', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100 }), fc.nat({ max: 3_600_000 }), (attempt, askedMs) => {
        const waitMs = retryDelayMs(attempt, retry, askedMs)
        expect(waitMs).toBeGreaterThanOrEqual(askedMs)
        expect(waitMs).toBeLessThanOrEqual(Math.max(askedMs, retry.delayMsMax))
      }),
    )
    // A timer that is set for longer than 2^31 ms fires at once.
    expect(retryDelayMs(1, retry, 1e15)).toBe(3_600_000)
  })

  test('is cut short by a signal', async () => {
    const abort = new AbortController()
    const slept = sleep(60_000, abort.signal)
    abort.abort()
    await slept
    await sleep(60_000, abort.signal)
  })
})

test.each([
  ['3', 3_000],
  ['0', 0],
  ['1.5', 1_500],
  ['-7', 0],
  ['Thu, 01 Jan 1970 00:01:00 GMT', 50_000],
  ['Thu, 01 Jan 1970 00:00:01 GMT', 0],
  ['soon', null],
  ['', null],
  [null, null],
])('Retry-After %j asks for %j ms', (header, ms) => {
  expect(retryAfterMs(header, 10_000)).toBe(ms)
})
