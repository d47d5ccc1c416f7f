import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')

/** Collects all garbage, or with `minor` that of the young alone, as V8 does most of the time. */
export const collectGarbage = runInNewContext('gc') as (options?: { type: 'minor' }) => void

/**
 * What collections of the young do not free, in bytes, of 400 waves of ten that come and go. `comeAndGo`: lets so many come to what is tested, and all of
 * them go; each should hold about 8 kB.
 */
export function bytesLeftBehind(comeAndGo: (count: number) => void): number {
  comeAndGo(10)
  // What is tested is old now.
  collectGarbage()
  collectGarbage()
  const before = process.memoryUsage().heapUsed
  for (let round = 0; round < 40; round++) {
    for (let wave = 0; wave < 10; wave++) comeAndGo(10)
    collectGarbage({ type: 'minor' })
    collectGarbage({ type: 'minor' })
  }
  return process.memoryUsage().heapUsed - before
}
