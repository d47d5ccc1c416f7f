import { expect, test } from 'vitest'
import { collectGarbage } from '@streamstack/test-support/collect-garbage'
import { TextPieces } from './text-pieces.ts'

test('a text that comes in tiny pieces keeps their order and holds little more than its characters', () => {
  const held = (): number => {
    collectGarbage()
    return process.memoryUsage().heapUsed
  }
  const piece = (n: number): string => `${n % 10}é`
  const before = held()
  const pieces = new TextPieces()
  const count = 400_000
  for (let n = 0; n < count; n++) pieces.push(piece(n))
  // One text each would be 16 MB.
  expect(held() - before).toBeLessThan(6_000_000)
  expect(pieces.length).toBe(2 * count)
  expect(pieces.text()).toBe(Array.from({ length: count }, (_, n) => piece(n)).join(''))
  pieces.clear()
  pieces.push('a')
  expect(pieces.text()).toBe('a')
})
