import fc from 'fast-check'
import { expect, test } from 'vitest'
import { PackedRows } from './packed-rows.ts'

test('packed rows are the numbers that they were', () => {
  const anyNumber = fc.oneof(
    fc.integer({ min: -300, max: 300 }),
    fc.integer({ min: -9_000_000, max: 9_000_000 }),
    fc.maxSafeInteger(),
    fc.double(),
    fc.constantFrom(0, -0, NaN, Infinity),
  )
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 4 }), fc.array(anyNumber, { maxLength: 40 }), (width, numbers) => {
      const rows = numbers.slice(0, numbers.length - (numbers.length % width))
      const packed = PackedRows.from(rows, width)
      const isPackable = rows.every(
        (number, index) =>
          Number.isSafeInteger(number) &&
          !Object.is(number, -0) &&
          (index < width || Math.abs(number - (rows[index - width] ?? 0)) <= 0x7f_ffff),
      )
      expect(packed !== null).toBe(isPackable)
      if (packed !== null) expect(packed.unpacked()).toEqual(rows)
    }),
    { numRuns: 1_000 },
  )
})

test('differences of one byte take one byte, whatever stands between them', () => {
  const counters = (step: number): number[] => Array.from({ length: 1_000 }, (_, index) => index * step)
  expect(PackedRows.from(counters(1), 1)?.bytes).toBeLessThan(1_200)
  expect(PackedRows.from([...counters(127), 1_000_000, 1_000_001], 1)?.bytes).toBeLessThan(1_200)
  expect(PackedRows.from(counters(128), 1)?.bytes).toBeGreaterThan(2_000)
})
