import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { startLongTimer } from './index.ts'

const DAY_MS = 86_400_000

beforeEach(() => {
  vi.useFakeTimers()
})

afterEach(() => {
  vi.useRealTimers()
})

test.each([0, 1, 24, 25, 49, 50, 200])('a timer of %i days fires once, then and not before', (days) => {
  const fired = vi.fn<() => void>()
  startLongTimer(fired, days * DAY_MS + 1)
  vi.advanceTimersByTime(days * DAY_MS)
  expect(fired).not.toHaveBeenCalled()
  vi.advanceTimersByTime(1)
  expect(fired).toHaveBeenCalledTimes(1)
  vi.advanceTimersByTime(400 * DAY_MS)
  expect(fired).toHaveBeenCalledTimes(1)
})

test('one without an end never fires; a negative one fires at once', () => {
  const never = vi.fn<() => void>()
  const atOnce = vi.fn<() => void>()
  startLongTimer(never, Infinity)
  startLongTimer(atOnce, -5)
  vi.advanceTimersByTime(0)
  expect(atOnce).toHaveBeenCalledTimes(1)
  vi.advanceTimersByTime(1_000 * DAY_MS)
  expect(never).not.toHaveBeenCalled()
})

test.each([10, 30 * DAY_MS])('one of %i ms is cleared and started again', (durationMs) => {
  const fired = vi.fn<() => void>()
  const timer = startLongTimer(fired, durationMs)
  vi.advanceTimersByTime(durationMs - 1)
  timer.refresh()
  vi.advanceTimersByTime(durationMs - 1)
  expect(fired).not.toHaveBeenCalled()
  timer.clear()
  vi.advanceTimersByTime(2 * durationMs)
  expect(fired).not.toHaveBeenCalled()
  timer.refresh()
  vi.advanceTimersByTime(durationMs)
  expect(fired).toHaveBeenCalledTimes(1)
})
