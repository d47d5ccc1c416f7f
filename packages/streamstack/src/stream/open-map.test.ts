import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { OpenMap } from './open-map.ts'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as (options?: { type: 'minor' }) => void

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
  comeAndGo(10)
  // Its table is old now.
  collectGarbage()
  collectGarbage()
  const before = process.memoryUsage().heapUsed
  for (let round = 0; round < 40; round++) {
    for (let wave = 0; wave < 10; wave++) comeAndGo(10)
    collectGarbage({ type: 'minor' })
    collectGarbage({ type: 'minor' })
  }
  // All of it together held 32 MB, which a Map still holds here.
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(5_000_000)
})
