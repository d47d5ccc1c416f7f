import { describe, expect, test } from 'vitest'
import { spendTurn } from './index.ts'

describe('work outside of runs', () => {
  test('takes turns of the event loop in the order in which it came', async () => {
    let turn = 0
    let isOpen = true
    const next = (): void => {
      turn++
      if (isOpen) setImmediate(next)
    }
    setImmediate(next)
    const turns: number[] = []
    const order: number[] = []
    await Promise.all(
      Array.from({ length: 6 }, async (_, n) => {
        await spendTurn(250_000)
        turns.push(turn)
        order.push(n)
      }),
    )
    isOpen = false
    expect(order).toStrictEqual([0, 1, 2, 3, 4, 5])
    expect(new Set(turns).size).toBe(6)
  })
})
