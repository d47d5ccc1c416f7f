import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { type Beating, Heartbeat } from './heartbeat.ts'

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance', 'setInterval', 'clearInterval'] }))
afterEach(() => void vi.useRealTimers())

/** A reader that notes when it beats, in seconds since it was made. */
function reader(): Beating & { readonly beats: number[]; lastWriteMs: number } {
  const startedMs = performance.now()
  const beats: number[] = []
  return {
    beats,
    lastWriteMs: startedMs,
    beat() {
      this.lastWriteMs = performance.now()
      beats.push(Math.round((this.lastWriteMs - startedMs) / 1_000))
    },
    goodbye: () => undefined,
  }
}

test('a reader that is silent for two minutes beats every interval, one that writes does not, one that is gone never', () => {
  const heartbeat = new Heartbeat(15_000)
  const [silent, busy, gone] = [reader(), reader(), reader()]
  const places = [silent, busy, gone].map((one) => heartbeat.add(one))
  places[2]?.remove()
  for (let second = 0; second < 120; second++) {
    vi.advanceTimersByTime(1_000)
    busy.lastWriteMs = performance.now()
  }
  expect(silent.beats).toEqual([15, 30, 45, 60, 75, 90, 105, 120])
  expect([busy.beats, gone.beats]).toEqual([[], []])
  for (const place of places) place.remove()
  vi.advanceTimersByTime(60_000)
  expect(silent.beats).toHaveLength(8)
})
