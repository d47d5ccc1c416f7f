import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { type OpenEntry, OpenList } from './open-list.ts'

test('holds what was added and not taken out, in the order in which it came', () => {
  const change = fc.record({ add: fc.boolean(), place: fc.nat() })
  fc.assert(
    fc.property(fc.array(change, { maxLength: 200 }), (changes) => {
      const list = new OpenList<number>()
      const entries: OpenEntry<number>[] = []
      const model: number[] = []
      for (const [number, { add, place }] of changes.entries()) {
        const entry = add ? undefined : entries[place % (entries.length + 1)]
        if (entry === undefined) {
          entries.push(list.add(number))
          model.push(number)
        } else {
          if (entry.isIn) model.splice(model.indexOf(entry.member), 1)
          entry.remove()
          expect(entry.isIn).toBe(false)
          // One that has grown old keeps nothing of the others.
          expect([entry.before, entry.next]).toEqual([null, null])
        }
        expect(list.members()).toEqual(model)
        expect([list.size, list.first?.member]).toEqual([model.length, model[0]])
      }
    }),
  )
})

test('members may leave while it is gone through', () => {
  const list = new OpenList<string>()
  const entries = ['a', 'b', 'c'].map((member) => list.add(member))
  const seen: string[] = []
  for (const { member, isIn } of list.entries()) {
    if (!isIn) continue
    seen.push(member)
    if (member === 'a') for (const entry of entries.slice(0, 2)) entry.remove()
  }
  expect(seen).toEqual(['a', 'c'])
  expect(list.members()).toEqual(['c'])
})
