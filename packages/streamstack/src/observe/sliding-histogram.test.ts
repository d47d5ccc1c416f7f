import fc from 'fast-check'
import { expect, test } from 'vitest'
import { SlidingHistogram } from './sliding-histogram.ts'
import { SlidingCount, SlidingWindow } from './sliding-window.ts'

/** The nearest rank, as it is defined: the smallest value that the share of all does not exceed. */
function exact(sorted: readonly number[], share: number): number {
  return sorted[Math.max(1, Math.ceil(share * sorted.length)) - 1] ?? Number.NaN
}

/** Durations of all sizes alike, from microseconds to half an hour. */
const duration = fc
  .tuple(fc.double({ min: 1, max: 10, noNaN: true }), fc.integer({ min: -3, max: 5 }))
  .map(([digits, power]) => digits * 10 ** power)

test('percentiles are those of a sorted list, within 1.6 % or a microsecond', () => {
  fc.assert(
    fc.property(fc.array(duration, { minLength: 1, maxLength: 400 }), (durations) => {
      const histogram = new SlidingHistogram(new SlidingWindow())
      for (const each of durations) histogram.record(each, 1)
      const sorted = durations.toSorted((first, second) => first - second)
      const { count, p50, p95, p99 } = histogram.percentiles()
      expect(count).toBe(durations.length)
      for (const [found, share] of [
        [p50, 0.5],
        [p95, 0.95],
        [p99, 0.99],
      ] as const) {
        const right = exact(sorted, share)
        expect(Math.abs((found ?? Number.NaN) - right)).toBeLessThanOrEqual(Math.max(right / 64, 0.001) * 1.0001)
      }
    }),
  )
})

test('a duration that many had counts as many', () => {
  const histogram = new SlidingHistogram(new SlidingWindow())
  histogram.record(1, 94)
  histogram.record(50, 5)
  histogram.record(700, 1)
  const { count, p50, p95, p99 } = histogram.percentiles()
  expect(count).toBe(100)
  expect(p50).toBeCloseTo(1, 1)
  expect([Math.round(p95 ?? 0), Math.round(p99 ?? 0)]).toEqual([50, 50])
})

test.each([-5, -0.0001, 1e15, Number.POSITIVE_INFINITY])('%d is recorded as the nearest that there is', (odd) => {
  const histogram = new SlidingHistogram(new SlidingWindow())
  histogram.record(odd, 1)
  const { count, p99 } = histogram.percentiles()
  expect(count).toBe(1)
  expect(p99).toBeGreaterThanOrEqual(0)
  expect(p99).toBeLessThan(2 ** 31)
})

test('nothing recorded has no percentiles', () => {
  expect(new SlidingHistogram(new SlidingWindow()).percentiles()).toEqual({ count: 0, p50: null, p95: null, p99: null })
})

test('the window forgets what is older than a minute and nothing that is younger than 55 s', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ afterMs: fc.integer({ min: 0, max: 40_000 }), duration }), { minLength: 1, maxLength: 60 }),
      (records) => {
        const window = new SlidingWindow()
        const histogram = new SlidingHistogram(window)
        const count = new SlidingCount(window)
        const times: number[] = []
        let nowMs = 0
        for (const { afterMs, duration: ms } of records) {
          nowMs += afterMs
          times.push(nowMs)
          window.turn(nowMs)
          histogram.record(ms, 2)
          count.add(2)
          const within = (ageMs: number): number => 2 * times.filter((time) => nowMs - time < ageMs).length
          expect(count.lastMinute).toBe(histogram.percentiles().count)
          expect(count.lastMinute).toBeGreaterThanOrEqual(within(55_000))
          expect(count.lastMinute).toBeLessThanOrEqual(within(60_001))
        }
        expect(count.total).toBe(2 * records.length)
        window.turn(nowMs + 60_000)
        expect(histogram.percentiles()).toEqual({ count: 0, p50: null, p95: null, p99: null })
        expect(count.lastMinute).toBe(0)
      },
    ),
  )
})

test('a time before the newest counts for the newest', () => {
  const window = new SlidingWindow()
  const count = new SlidingCount(window)
  window.turn(100_000)
  count.add(1)
  window.turn(10_000)
  count.add(1)
  expect(count.lastMinute).toBe(2)
})
