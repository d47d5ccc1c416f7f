import { randomFillSync } from 'node:crypto'

/** Random bytes and their digits cost more than a run needs otherwise: many are made at once. Each is used once. */
const RANDOM_BYTES = 8_192
const ID_BYTES = 8
const random = Buffer.alloc(RANDOM_BYTES)
/** Hexadecimal. */
let digits = ''
let used = 0

/** The two digits of each byte: looking them up costs a tenth of writing a number by a base. */
const HEX: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))
/** The high half of the 48 bits of the time counts these. */
const HALF = 2 ** 24

let lastMs = 0
let counter = 0
/** Of the id, what is of its millisecond. */
let head = ''

/**
 * The id of a new run: a UUID of version 7 (RFC 9562 §5.7), so that ids sort by when their runs began. The time never goes back, and runs of one
 * millisecond are counted (method 1 of §6.2); 62 random bits keep an id from being guessed, because any caller that knows it may read a run that needs no token.
 */
export function newRunId(): string {
  const nowMs = Date.now()
  if (nowMs > lastMs) beginMs(nowMs)
  else if (++counter > 0xfff) beginMs(lastMs + 1)
  if (used === digits.length) drawDigits()
  const own = digits.slice(used, used + 4)
  const rest = digits.slice(used + 4, used + ID_BYTES * 2)
  used += ID_BYTES * 2
  return `${head}${hex(counter >> 8).slice(1)}${hex(counter)}-${own}-${rest}`
}

function beginMs(ms: number): void {
  lastMs = ms
  counter = 0
  const high = Math.floor(ms / HALF)
  const low = ms % HALF
  head = `${hex(high >> 16)}${hex(high >> 8)}${hex(high)}${hex(low >> 16)}-${hex(low >> 8)}${hex(low)}-7`
}

/** The digits of the lowest byte. */
function hex(number: number): string {
  return HEX[number & 0xff] as string
}

function drawDigits(): void {
  randomFillSync(random)
  // The two bits of the variant (§4.1).
  for (let first = 0; first < RANDOM_BYTES; first += ID_BYTES) random[first] = ((random[first] as number) & 0x3f) | 0x80
  digits = random.toString('hex')
  used = 0
}
