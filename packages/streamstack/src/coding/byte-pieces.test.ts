import fc from 'fast-check'
import { expect, test } from 'vitest'
import { collectGarbage } from '@streamstack/test-support/collect-garbage'
import { BytePieces } from './byte-pieces.ts'

test('pieces of any size are joined in their order', () => {
  const size = fc.oneof(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 4_090, max: 4_100 }), fc.constant(20_000))
  fc.assert(
    fc.property(fc.array(size, { maxLength: 40 }), (sizes) => {
      const body = new BytePieces()
      const sent = sizes.map((length, n) => Buffer.alloc(length, n + 1))
      for (const piece of sent) body.push(piece)
      expect(body.length).toBe(Buffer.concat(sent).length)
      expect(body.joined().equals(Buffer.concat(sent))).toBe(true)
    }),
  )
})

test('a body that comes byte by byte holds little more than its bytes', () => {
  const held = (): number => {
    collectGarbage()
    const { heapUsed, arrayBuffers } = process.memoryUsage()
    return heapUsed + arrayBuffers
  }
  const before = held()
  const body = new BytePieces()
  const count = 300_000
  for (let n = 0; n < count; n++) body.push(Buffer.alloc(1, 0x20))
  // One object each would be 45 MB.
  expect(held() - before).toBeLessThan(10_000_000)
  expect(body.joined()).toEqual(Buffer.alloc(count, 0x20))
})
