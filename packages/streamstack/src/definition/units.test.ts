import { expect, test } from 'vitest'
import { parseByteSize, parseDurationMs } from './index.ts'

test.each([
  ['500ms', 500],
  ['30s', 30_000],
  ['1.5 m', 90_000],
  ['2H', 7_200_000],
  ['1d', 86_400_000],
  ['250', 250],
  [250, 250],
  [0, 0],
  [-1, null],
  ['-1s', null],
  ['', null],
  ['5 moons', null],
  [Number.NaN, null],
  [Infinity, null],
  [true, null],
])('the duration %j is %j ms', (value, expected) => {
  expect(parseDurationMs(value)).toBe(expected)
})

test.each([
  ['512kb', 524_288],
  ['10 MB', 10_485_760],
  ['4gb', 4_294_967_296],
  ['1kib', 1024],
  ['7', 7],
  ['7 bytes', 7],
  [7, 7],
  [-1, null],
  ['10xb', null],
  [null, null],
])('the size %j is %j bytes', (value, expected) => {
  expect(parseByteSize(value)).toBe(expected)
})
