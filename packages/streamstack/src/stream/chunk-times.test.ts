import { expect, test } from 'vitest'
import { ChunkTimes } from './chunk-times.ts'

test('times of chunks are counted from a moment', () => {
  const times = new ChunkTimes()
  times.add(1, 1_000.04)
  times.add(4, 1_250)
  expect(times.since(1_000)).toEqual([
    [1, 0],
    [4, 250],
  ])
})

test('however many chunks come, their times take a bounded room and still span the whole run', () => {
  const times = new ChunkTimes()
  for (let offset = 1; offset <= 100_000; offset++) times.add(offset, offset)
  const marks = times.since(0)
  expect(times.bytesHeld).toBeLessThanOrEqual(65_536)
  expect(marks.length).toBeGreaterThan(2_000)
  expect(marks[0]).toEqual([1, 1])
  expect(marks.at(-1)?.[0]).toBeGreaterThan(99_900)
  expect(marks.every(([offset, atMs], index) => offset === atMs && offset > (marks[index - 1]?.[0] ?? 0))).toBe(true)
  // Evenly, wherever one looks.
  const steps = marks.slice(1).map(([offset], index) => offset - (marks[index]?.[0] ?? 0))
  expect(Math.max(...steps)).toBeLessThanOrEqual(2 * Math.min(...steps))
})

test('marks may be any time apart', () => {
  const times = new ChunkTimes()
  const offsets = Array.from({ length: 1_000 }, (_, index) => (index + 1) ** 3)
  for (const offset of offsets) times.add(offset, offset / 2)
  expect(times.since(0)).toEqual(offsets.map((offset) => [offset, offset / 2]))
})

test('marks at the pace of a model take a few bytes each', () => {
  const times = new ChunkTimes()
  for (let offset = 1; offset <= 2_000; offset++) times.add(offset, offset * 12 + (offset % 3))
  expect(times.bytesHeld).toBeLessThan(2_000 * 3)
})
