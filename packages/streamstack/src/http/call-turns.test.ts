import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { CallTurns } from './call-turns.ts'

const first = {}
const second = {}

test('begins calls at once while a turn has room, and the others in turns by connection, each in its order', async () => {
  const turns = new CallTurns()
  const begun: string[] = []
  const begin = (connection: object, name: string): void =>
    turns.begin(connection, () => {
      begun.push(name)
      return true
    })
  for (let n = 0; n < 100; n++) begin(first, `a${n}`)
  for (let n = 0; n < 3; n++) begin(second, `b${n}`)
  expect(begun).toEqual(Array.from({ length: 64 }, (_, n) => `a${n}`))
  expect(turns.countOf(first)).toBe(36)
  const counts: number[] = []
  while (!turns.areAllBegun) {
    await nextTurn()
    counts.push(begun.length)
  }
  expect(counts).toEqual([64, 96, 103])
  expect(begun.slice(64, 72)).toEqual(['a64', 'b0', 'a65', 'b1', 'a66', 'b2', 'a67', 'a68'])
  expect(begun.filter((name) => name.startsWith('a'))).toEqual(Array.from({ length: 100 }, (_, n) => `a${n}`))
})

test('callers that are gone take no place of a turn', async () => {
  const turns = new CallTurns()
  let begun = 0
  for (let n = 0; n < 1_000; n++) turns.beginLater(first, () => false)
  for (let n = 0; n < 20; n++) {
    turns.beginLater(second, () => {
      begun++
      return true
    })
  }
  expect(begun).toBe(0)
  await nextTurn()
  expect([begun, turns.areAllBegun]).toEqual([20, true])
})

test('a call that another begins while it begins waits for its own turn', async () => {
  const turns = new CallTurns()
  let begun = 0
  const begin = (): boolean => {
    begun++
    if (begun < 200) turns.begin(first, begin)
    return true
  }
  for (let n = 0; n < 70; n++) turns.begin(first, () => true)
  turns.beginLater(first, begin)
  let most = 0
  while (!turns.areAllBegun) {
    const before = begun
    await nextTurn()
    most = Math.max(most, begun - before)
  }
  expect([begun, most]).toEqual([200, 32])
})
