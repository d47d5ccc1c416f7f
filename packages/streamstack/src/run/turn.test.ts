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
        await spendTurn(250_000, 'one')
        turns.push(turn)
        order.push(n)
      }),
    )
    isOpen = false
    expect(order).toStrictEqual([0, 1, 2, 3, 4, 5])
    expect(new Set(turns).size).toBe(6)
  })

  test('takes turns by caller', async () => {
    const order: string[] = []
    const spend = async (caller: string): Promise<void> => {
      await spendTurn(250_000, caller)
      order.push(caller)
    }
    await Promise.all([...Array.from({ length: 6 }, () => spend('many')), spend('one'), spend('one')])
    expect(order).toHaveLength(8)
    expect(order.slice(0, 5).filter((caller) => caller === 'one')).toHaveLength(2)
  })
})
