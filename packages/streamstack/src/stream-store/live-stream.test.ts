import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { bytesLeftBehind } from '@streamstack/test-support/collect-garbage'
import { LiveStream } from './live-stream.ts'
import type { StreamRecord } from './stream-record.ts'

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
  // All of them together held 32 MB.
  expect(bytesLeftBehind(comeAndGo)).toBeLessThan(2_000_000)
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
