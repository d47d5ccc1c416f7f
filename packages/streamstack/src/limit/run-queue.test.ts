import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { RunQueue, type Release } from './run-queue.ts'

const bounds = { runs: 1, queue: 100, waitMs: 60_000 }

/** Enters calls in order; tells whose turn it was. */
function queueOf(bound = bounds) {
  const queue = new RunQueue(bound)
  const order: string[] = []
  const refused: string[] = []
  const places: Release[] = []
  const enter = (caller: string): void => {
    const got = (release: Release): void => {
      order.push(caller)
      places.push(release)
    }
    try {
      const place = queue.enter(caller, bound, null)
      if (place instanceof Promise) place.then(got, () => refused.push(caller))
      else got(place)
    } catch {
      refused.push(caller)
    }
  }
  const end = async (): Promise<void> => {
    places.shift()?.()
    await Promise.resolve()
    await Promise.resolve()
  }
  return { queue, order, refused, enter, end }
}

describe('a queue of calls', () => {
  test('gives places in turns: a caller with many calls waits behind one with few', async () => {
    const { queue, order, enter, end } = queueOf()
    for (const caller of ['a', 'a', 'a', 'a', 'b', 'c', 'b']) enter(caller)
    expect([queue.running, queue.waiting]).toEqual([1, 6])
    for (let n = 0; n < 7; n++) await end()
    expect(order).toEqual(['a', 'a', 'b', 'c', 'a', 'b', 'a'])
    expect([queue.running, queue.waiting]).toEqual([0, 0])
  })

  test('that is full refuses the caller that fills it, not the one that comes', async () => {
    const { enter, order, refused, end } = queueOf({ runs: 1, queue: 3, waitMs: 60_000 })
    for (const caller of ['a', 'a', 'a', 'a', 'a', 'b']) enter(caller)
    await Promise.resolve()
    expect(refused).toEqual(['a', 'a'])
    for (let n = 0; n < 4; n++) await end()
    expect(order).toEqual(['a', 'a', 'b', 'a'])
  })

  test('refuses a call that has waited too long, and forgets one whose caller is gone', async () => {
    const queue = new RunQueue({ runs: 1, queue: 5, waitMs: 5 })
    const release = queue.enter('a', { runs: 1, queue: 5, waitMs: 5 }, null) as Release
    await expect(queue.enter('b', { runs: 1, queue: 5, waitMs: 5 }, null)).rejects.toMatchObject({
      code: 'unavailable',
      retryAfterMs: 1_000,
    })
    let leave = (): void => undefined
    const gone = queue.enter('c', { runs: 1, queue: 5, waitMs: 60_000 }, (listener) => {
      leave = listener
    })
    leave()
    await expect(gone).rejects.toMatchObject({ code: 'cancelled' })
    expect(queue.waiting).toBe(0)
    release()
    release()
    expect(queue.running).toBe(0)
  })

  test('never lets in more than its bound, and loses no call, whatever comes in whatever order', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 0, max: 6 }),
        fc.array(fc.oneof(fc.constant('end'), fc.constantFrom('a', 'b', 'c')), { maxLength: 60 }),
        async (runs, length, acts) => {
          const { queue, order, refused, enter, end } = queueOf({ runs, queue: length, waitMs: 60_000 })
          for (const act of acts) {
            if (act === 'end') await end()
            else enter(act)
            expect(queue.running).toBeLessThanOrEqual(runs)
            expect(queue.waiting).toBeLessThanOrEqual(length)
            expect(queue.waiting === 0 || queue.running === runs).toBe(true)
          }
          while (queue.running > 0) await end()
          const calls = acts.filter((act) => act !== 'end')
          expect([...order, ...refused].toSorted()).toEqual(calls.toSorted())
        },
      ),
      { numRuns: 50 },
    )
  })
})
