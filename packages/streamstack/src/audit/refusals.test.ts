import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type RefusalCount, Refusals } from './refusals.ts'

const refusal = (by: string, error = 'unauthenticated') => ({
  by,
  address: by,
  subject: null,
  route: '/mine',
  error,
  reason: null,
})

test('the first refusal of a caller has an entry, the others of that second one together, and later ones less often', () => {
  const told: RefusalCount[] = []
  const refusals = new Refusals((count) => told.push(count))
  let own = 0
  for (let second = 0; second < 20; second++) {
    for (let n = 0; n < 100; n++) if (refusals.isFirst(refusal('10.0.0.1'), second * 1_000 + n)) own++
    refusals.tick(second * 1_000 + 999)
  }
  expect(own).toBe(1)
  expect(told.length).toBeLessThan(6)
  refusals.flush()
  expect(own + told.reduce((sum, { count }) => sum + count, 0)).toBe(2_000)
  expect(told[0]).toMatchObject({
    type: 'refusals',
    address: '10.0.0.1',
    route: '/mine',
    since: '1970-01-01T00:00:00.000Z',
  })
})

test('a caller that was quiet has an entry of its own again', () => {
  const refusals = new Refusals(() => undefined)
  expect(refusals.isFirst(refusal('10.0.0.1'), 0)).toBe(true)
  refusals.tick(1_000)
  expect(refusals.isFirst(refusal('10.0.0.1'), 1_100)).toBe(true)
})

test('every refusal is an entry or part of a count, however many callers there are, and entries are bounded', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ callers: fc.integer({ min: 1, max: 3_000 }), each: fc.integer({ min: 1, max: 3 }) }), {
        minLength: 1,
        maxLength: 12,
      }),
      fc.constantFrom(['forbidden'], ['forbidden', 'rate_limited', 'run_unknown']),
      (seconds, errors) => {
        const told: RefusalCount[] = []
        const refusals = new Refusals((count) => told.push(count))
        let own = 0
        let total = 0
        for (const [second, { callers, each }] of seconds.entries()) {
          for (let caller = 0; caller < callers * each; caller++) {
            const error = errors[caller % errors.length]
            total++
            if (refusals.isFirst(refusal(`address ${caller % callers}`, error), second * 1_000)) own++
          }
          refusals.tick(second * 1_000 + 999)
        }
        const beforeEnd = own + told.length
        refusals.flush()
        expect(own + told.reduce((sum, { count }) => sum + count, 0)).toBe(total)
        expect(told.every(({ count, errors: all }) => count === Object.values(all).reduce((a, b) => a + b, 0))).toBe(
          true,
        )
        // The burst, ten a second, and one a second for all others.
        expect(beforeEnd).toBeLessThanOrEqual(500 + 11 * seconds.length)
      },
    ),
    { numRuns: 40 },
  )
})

test('more callers than are counted one by one are counted together', () => {
  const told: RefusalCount[] = []
  const refusals = new Refusals((count) => told.push(count))
  for (let caller = 0; caller < 30_000; caller++) refusals.isFirst(refusal(`address ${caller}`), 0)
  refusals.flush()
  expect(told).toHaveLength(1)
  expect(told[0]).toMatchObject({ address: null, route: null, count: 30_000 - 500 })
})
