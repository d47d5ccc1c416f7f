import { randomBytes } from 'node:crypto'

let lastMs = 0
let counter = 0

/**
 * The id of a new run: a UUID of version 7 (RFC 9562 §5.7), so that ids sort by when their runs began. The time never goes back, and runs of one
 * millisecond are counted (method 1 of §6.2); 62 random bits keep an id from being guessed, because whoever knows it may read a run that needs no token.
 */
export function newRunId(): string {
  const nowMs = Date.now()
  if (nowMs > lastMs) {
    lastMs = nowMs
    counter = 0
  } else if (++counter > 0xfff) {
    lastMs += 1
    counter = 0
  }
  const random = randomBytes(8)
  random[0] = ((random[0] as number) & 0x3f) | 0x80
  const time = lastMs.toString(16).padStart(12, '0')
  const tail = random.toString('hex')
  return `${time.slice(0, 8)}-${time.slice(8)}-7${counter.toString(16).padStart(3, '0')}-${tail.slice(0, 4)}-${tail.slice(4)}`
}
