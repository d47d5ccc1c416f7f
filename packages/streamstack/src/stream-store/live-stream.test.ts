import { setImmediate as nextTurn } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { LiveStream } from './live-stream.ts'
import type { StreamRecord } from './stream-record.ts'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as (options?: { type: 'minor' }) => void

const stream = (): LiveStream => new LiveStream({ touchedMs: 0, tail: 0, isClosed: false } as StreamRecord, true)

test('what watchers hold that left is freed by collections of the young, however long the stream has been watched', () => {
  const watched = stream()
  const comeAndGo = (count: number): void => {
    const watches = Array.from({ length: count }, () => {
      const held = Array.from({ length: 1_000 }, () => count)
      return watched.watch({ wake: () => void held.push(count) })
    })
    for (const watch of watches) watch.remove()
  }
  comeAndGo(10)
  // What the stream holds is old now.
  collectGarbage()
  collectGarbage()
  const before = process.memoryUsage().heapUsed
  for (let round = 0; round < 40; round++) {
    for (let wave = 0; wave < 10; wave++) comeAndGo(10)
    collectGarbage({ type: 'minor' })
    collectGarbage({ type: 'minor' })
  }
  // All of them together held 32 MB.
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(2_000_000)
})

test('a watcher that leaves while others are woken is not woken', async () => {
  const watched = stream()
  const woken: string[] = []
  const second = { wake: () => void woken.push('second') }
  watched.watch({
    wake: () => {
      woken.push('first')
      place.remove()
    },
  })
  const place = watched.watch(second)
  watched.watch({ wake: () => void woken.push('third') })
  watched.show(1, false)
  await nextTurn()
  expect(woken).toEqual(['first', 'third'])
  expect(watched.watcherCount).toBe(2)
})
