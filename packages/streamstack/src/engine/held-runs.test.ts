import fc from 'fast-check'
import { expect, test } from 'vitest'
import { MemoryLog, Stream } from '../stream/index.ts'
import { HeldRuns } from './held-runs.ts'
import type { LiveRun } from './live-run.ts'
import { newRunId } from './run-id.ts'

/** As much of a run as the lists look at. */
function liveRun(): LiveRun {
  const stream = new Stream({ log: new MemoryLog(65_536), whenUnread: 'drop', unreadBytesMax: 0 })
  const run = { run: newRunId(), stream, execution: { startedMs: 0 }, inputs: null }
  return run as unknown as LiveRun
}

const FOREVER = { retentionMs: 60_000, bytesMax: Infinity }

test('whatever begins, ends and goes, each run that is held is found and no other', () => {
  const anyMove = fc.tuple(fc.constantFrom('begin', 'begin', 'retain', 'remove'), fc.nat(5_000))
  fc.assert(
    fc.property(fc.array(anyMove, { minLength: 3_000, maxLength: 6_000, size: 'max' }), (moves) => {
      const evicted: string[] = []
      const held = new HeldRuns((id) => evicted.push(id))
      const going: LiveRun[] = []
      const known = new Set<string>()
      const gone: string[] = []
      for (const [move, place] of moves) {
        if (move === 'begin' || going.length === 0) {
          const live = liveRun()
          held.begin(live)
          going.push(live)
          known.add(live.run)
          continue
        }
        const [live] = going.splice(place % going.length, 1) as [LiveRun]
        live.stream.finish({ outcome: 'completed', error: null }, null)
        held.retain(live, FOREVER)
        if (move === 'retain' && place % 4 > 0) continue
        held.remove(live.run)
        known.delete(live.run)
        gone.push(live.run)
      }
      expect(evicted).toEqual(gone)
      expect([...held.values()].map(({ run }) => run)).toEqual([...known])
      for (const id of known) expect(held.get(id)?.run).toBe(id)
      for (const id of [...gone, newRunId(), '', '0', 'z', '\u{10FFFF}']) expect(held.get(id)).toBe(undefined)
    }),
    { numRuns: 10 },
  )
})

test('those that are over go, the oldest first, as soon as together they hold more than the bound', () => {
  const evicted: string[] = []
  const held = new HeldRuns((id) => evicted.push(id))
  const runs = Array.from({ length: 5_000 }, liveRun)
  for (const live of runs) held.begin(live)
  const [goingOn, ...ending] = runs as [LiveRun, ...LiveRun[]]
  for (const live of ending) {
    live.stream.finish({ outcome: 'completed', error: null }, null)
    held.retain(live, { retentionMs: 60_000, bytesMax: 1_000_000 })
  }
  expect(evicted.length).toBeGreaterThan(3_000)
  expect(evicted.length).toBeLessThan(4_990)
  expect(evicted).toEqual(ending.slice(0, evicted.length).map(({ run }) => run))
  expect([...held.values()].map(({ run }) => run)).toEqual([
    goingOn.run,
    ...ending.slice(evicted.length).map(({ run }) => run),
  ])
  expect(held.get(goingOn.run)).toBe(goingOn)
})
