import { describe, expect, it } from 'vitest'
import { type Arrival, Arrivals } from './arrivals.ts'
import { MemoryBudget } from './memory-budget.ts'

/** Arrivals that may hold 500,000 bytes together, on a clock that the test sets. */
function opened() {
  const budget = new MemoryBudget(1_000_000)
  const clock = { ms: 0 }
  const all = new Arrivals(budget, () => clock.ms)
  const givenUp: string[] = []
  const begin = (name: string, bytes: number): Arrival => {
    const arrival: Arrival = all.begin(() => {
      givenUp.push(name)
      arrival.set(0)
    })
    arrival.set(bytes)
    return arrival
  }
  return { budget, clock, all, givenUp, begin }
}

describe('bodies and messages that have come in part', () => {
  it('count as held until they are complete or given up', () => {
    const { budget, begin } = opened()
    const first = begin('first', 100_000)
    begin('second', 50_000)
    expect(budget.heldBytes).toBe(150_000)
    expect(first.hasRoom()).toBe(true)
    first.set(0)
    expect(budget.heldBytes).toBe(50_000)
  })

  it('are given up when there is no room, the slowest first, while those that come fast are not', () => {
    const { clock, givenUp, begin } = opened()
    begin('stalled', 100_000)
    const trickling = begin('trickling', 100_000)
    const fast = begin('fast', 100_000)
    clock.ms = 1_500
    trickling.set(101_000)
    fast.set(200_000)
    const next = begin('next', 120_000)
    expect(next.hasRoom()).toBe(true)
    expect(givenUp).toEqual(['stalled'])
    next.set(200_000)
    expect(next.hasRoom()).toBe(true)
    expect(givenUp).toEqual(['stalled', 'trickling'])
    next.set(400_000)
    expect(next.hasRoom()).toBe(false)
    expect(givenUp).toEqual(['stalled', 'trickling'])
  })

  it('are measured anew: what came fast at first and then stalls is slow', () => {
    const { clock, givenUp, begin } = opened()
    const burst = begin('burst', 10_000)
    clock.ms = 2_500
    burst.set(400_000)
    const large = begin('large', 200_000)
    expect(large.hasRoom()).toBe(false)
    expect(givenUp).toEqual([])
    clock.ms = 4_000
    large.set(230_000)
    expect(large.hasRoom()).toBe(true)
    expect(givenUp).toEqual(['burst'])
  })

  it('make room as well when other things hold the memory', () => {
    const { budget, clock, givenUp, begin } = opened()
    begin('stalled', 100_000)
    budget.hold(890_000)
    clock.ms = 2_000
    const next = begin('next', 20_000)
    expect(next.hasRoom()).toBe(true)
    expect(givenUp).toEqual(['stalled'])
    budget.hold(100_000)
    expect(next.hasRoom()).toBe(false)
  })

  it('are not given up while they are small, for one read may bring them', () => {
    const { budget, clock, givenUp, begin } = opened()
    begin('small', 1_024)
    budget.hold(1_000_000)
    clock.ms = 60_000
    expect(begin('next', 20_000).hasRoom()).toBe(false)
    expect(givenUp).toEqual([])
  })
})
