import { argon2, randomBytes, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import { StreamstackError } from '@streamstack/protocol'

/** Costs of a hash: OWASP's first recommendation for argon2id. Some tens of milliseconds of one processor, and 19 MiB outside the heap. */
const MEMORY_KIB = 19_456
const PASSES = 2
const LANES = 1
const SALT_BYTES = 16
const HASH_BYTES = 32

/** Costs of stored hashes that are still computed: a record must not decide how long a call takes. */
const MEMORY_KIB_MAX = 65_536
const PASSES_MAX = 10
const LANES_MAX = 4

/** Longer passwords are refused: their bytes would be hashed first, at the cost of the server. */
export const PASSWORD_BYTES_MAX = 1_024

/** Hashes that are computed at once. They share four threads with the file system and DNS lookups. */
const ACTIVE_MAX = 2
/** Hashes that wait for these, a few seconds of work. */
const WAITING_MAX = 100

const compute = typeof argon2 === 'function' ? promisify(argon2) : null

/** Whether this Node.js has argon2: from 24.7 on. */
export const hasPasswordHashes = compute !== null

interface Costs {
  readonly memoryKib: number
  readonly passes: number
  readonly lanes: number
}

interface StoredHash extends Costs {
  readonly salt: Buffer
  readonly hash: Buffer
}

const OWN_COSTS: Costs = { memoryKib: MEMORY_KIB, passes: PASSES, lanes: LANES }

/** Stands in for the hash of a user that does not exist, so that the answer takes as long. No password fits it. */
const NOBODY: StoredHash = Object.freeze({
  ...OWN_COSTS,
  salt: randomBytes(SALT_BYTES),
  hash: randomBytes(HASH_BYTES),
})

let active = 0
const waiting: (() => void)[] = []

/**
 * Hashes a password with argon2id (RFC 9106), outside the main thread. Returns the PHC string, `$argon2id$v=19$m=…,t=…,p=…$salt$hash`,
 * which holds all that `verifyPassword` needs.
 *
 * @throws StreamstackError `input_invalid` for an empty or a very long password, `unavailable` when too many wait.
 */
export async function hashPassword(password: string): Promise<string> {
  const bytes = bytesOf(password)
  if (bytes.length === 0) throw new StreamstackError('input_invalid', 'The password is empty.')
  if (bytes.length > PASSWORD_BYTES_MAX) {
    throw new StreamstackError('input_invalid', `The password has more than ${PASSWORD_BYTES_MAX} bytes.`)
  }
  const salt = randomBytes(SALT_BYTES)
  const hash = await derive(bytes, salt, OWN_COSTS, HASH_BYTES)
  return `$argon2id$v=19$m=${MEMORY_KIB},t=${PASSES},p=${LANES}$${encoded(salt)}$${encoded(hash)}`
}

/**
 * Whether a password is the one of a hash. Without a hash, or with one that is not of argon2id, the answer is false and takes as
 * long: callers must not learn from the time whether a user exists.
 *
 * @throws StreamstackError `unavailable` when too many wait.
 */
export async function verifyPassword(password: string, stored: string | null): Promise<boolean> {
  const bytes = bytesOf(password)
  const known = stored === null ? null : readHash(stored)
  const { salt, hash, ...costs } = known ?? NOBODY
  const found = await derive(bytes.subarray(0, PASSWORD_BYTES_MAX), salt, costs, hash.length)
  return timingSafeEqual(found, hash) && known !== null && bytes.length <= PASSWORD_BYTES_MAX
}

/** One password typed on two systems can be two sequences of code points (NIST SP 800-63B §3.1.1.2). */
function bytesOf(password: string): Buffer {
  return Buffer.from(password.normalize('NFKC'))
}

async function derive(message: Buffer, nonce: Buffer, costs: Costs, tagLength: number): Promise<Buffer> {
  if (compute === null) {
    throw new StreamstackError('unavailable', `Passwords need Node.js 24.7 or later; this is ${process.version}.`, {
      recoverable: false,
    })
  }
  await turn()
  try {
    const { memoryKib: memory, passes, lanes: parallelism } = costs
    return await compute('argon2id', { message, nonce, memory, passes, parallelism, tagLength })
  } finally {
    // The place goes to the call that has waited longest, not to a new one.
    const next = waiting.shift()
    if (next === undefined) active--
    else next()
  }
}

/** Settles when there is a place. Throws `unavailable` when too many wait. */
async function turn(): Promise<void> {
  if (active < ACTIVE_MAX) {
    active++
    return
  }
  if (waiting.length >= WAITING_MAX) {
    throw new StreamstackError('unavailable', 'Too many passwords are being checked.', { retryAfterMs: 2_000 })
  }
  await new Promise<void>((resolve) => waiting.push(resolve))
}

const PHC = /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,3}),p=(\d{1,3})\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{16,86})$/

/** Null: it is no hash that is computed here. */
function readHash(text: string): StoredHash | null {
  const [, memory, passes, lanes, salt = '', hash = ''] = PHC.exec(text) ?? []
  const costs = { memoryKib: Number(memory), passes: Number(passes), lanes: Number(lanes) }
  const isBounded =
    costs.memoryKib >= 8 * costs.lanes &&
    costs.memoryKib <= MEMORY_KIB_MAX &&
    costs.passes >= 1 &&
    costs.passes <= PASSES_MAX &&
    costs.lanes >= 1 &&
    costs.lanes <= LANES_MAX
  return isBounded ? { ...costs, salt: Buffer.from(salt, 'base64'), hash: Buffer.from(hash, 'base64') } : null
}

/** As PHC strings have it: without padding. */
function encoded(bytes: Buffer): string {
  return bytes.toString('base64').replaceAll('=', '')
}
