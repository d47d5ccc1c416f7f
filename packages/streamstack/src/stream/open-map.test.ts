import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { bytesLeftBehind } from '@streamstack/test-support/collect-garbage'
import { OpenMap } from './open-map.ts'

test('holds what a Map would', () => {
  const change = fc.record({ key: fc.nat(9), act: fc.constantFrom('set', 'set', 'set', 'delete', 'delete', 'clear') })
  fc.assert(
    fc.property(fc.array(change, { maxLength: 200 }), (changes) => {
      const map = new OpenMap<number, object>()
      const model = new Map<number, object>()
      for (const { key, act } of changes) {
        const value = {}
        for (const one of [map, model]) {
          if (act === 'set') one.set(key, value)
          else if (act === 'delete') one.delete(key)
          else one.clear()
        }
        expect([map.size, map.has(key), map.get(key)]).toEqual([model.size, model.has(key), model.get(key)])
        expect([...map.values()]).toEqual([...model.values()])
      }
    }),
  )
})

test('values that are taken out while they are gone through are passed over', () => {
  const map = new OpenMap<string, string>()
  for (const key of ['a', 'b', 'c']) map.set(key, key)
  const seen: string[] = []
  for (const value of map.values()) {
    seen.push(value)
    map.delete('b')
  }
  expect(seen).toEqual(['a', 'c'])
})

test('what stood in it is freed by collections of the young, however long the map has been in use', () => {
  const map = new OpenMap<string, number[]>()
  const comeAndGo = (count: number): void => {
    for (let i = 0; i < count; i++)
      map.set(
        `${i}`,
        Array.from({ length: 1_000 }, () => i),
      )
    for (let i = 0; i < count; i++) map.delete(`${i}`)
  }
  // All of it together held 32 MB, which a Map still holds here.
  expect(bytesLeftBehind(comeAndGo)).toBeLessThan(5_000_000)
})
