import { randomFillSync } from 'node:crypto'

/** Asking for random bytes costs more than a run needs otherwise: many are asked for at once. Each byte is used once. */
const RANDOM_BYTES = 8_192
const ID_BYTES = 8
const random = Buffer.alloc(RANDOM_BYTES)
let used = RANDOM_BYTES

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
  if (used === RANDOM_BYTES) {
    randomFillSync(random)
    used = 0
  }
  const own = random.subarray(used, used + ID_BYTES)
  used += ID_BYTES
  own[0] = ((own[0] as number) & 0x3f) | 0x80
  const time = lastMs.toString(16).padStart(12, '0')
  const tail = own.toString('hex')
  return `${time.slice(0, 8)}-${time.slice(8)}-7${counter.toString(16).padStart(3, '0')}-${tail.slice(0, 4)}-${tail.slice(4)}`
}
