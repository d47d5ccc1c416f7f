import { createHash, randomBytes } from 'node:crypto'
import { StreamstackError } from '@streamstack/protocol'
import type { PresentedToken } from './presented-token.ts'
import { tokenError } from './token-error.ts'

/** How long a ticket can wait to be used: the time that a page needs to open a connection. */
const LIFETIME_MS = 30_000

/** Unused tickets of one subject. */
const PER_SUBJECT_MAX = 100

/** The tokens behind all unused tickets together, with their claims. */
const BYTES_MAX = 16 * 1_048_576

/** A ticket that was made, as its caller gets it. */
export interface IssuedTicket {
  readonly ticket: string
  readonly expiresInSeconds: number
}

interface Unused {
  readonly token: PresentedToken
  readonly path: string
  readonly expiresAtMs: number
}

/**
 * Single-use credentials for clients that can send no header, such as a browser's EventSource. Each stands for the token
 * of one caller at one path. The server keeps their hashes, in memory: after a restart no ticket is accepted.
 */
export class Tickets {
  readonly #nowMs: () => number
  /** By hash, in the order in which they expire. */
  readonly #unused = new Map<string, Unused>()
  readonly #perSubject = new Map<string, number>()
  #bytes = 0

  /** `nowMs`: a steady clock. */
  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs
  }

  /** Throws `too_many` for a caller with too many unused tickets, `unavailable` when all together take too much memory. */
  issue(token: PresentedToken, path: string): IssuedTicket {
    this.#dropExpired()
    const { subject } = token.verified
    if ((this.#perSubject.get(subject) ?? 0) >= PER_SUBJECT_MAX) {
      throw new StreamstackError(
        'too_many',
        `This caller has ${PER_SUBJECT_MAX} unused tickets. Use them, or wait until they expire.`,
        { retryAfterMs: LIFETIME_MS },
      )
    }
    if (this.#bytes + token.bytes > BYTES_MAX) {
      throw new StreamstackError('unavailable', 'Too many tickets are waiting to be used.', {
        retryAfterMs: LIFETIME_MS,
      })
    }
    const ticket = `sst_${randomBytes(32).toString('base64url')}`
    this.#unused.set(hashOf(ticket), { token, path, expiresAtMs: this.#nowMs() + LIFETIME_MS })
    this.#perSubject.set(subject, (this.#perSubject.get(subject) ?? 0) + 1)
    this.#bytes += token.bytes
    return { ticket, expiresInSeconds: LIFETIME_MS / 1_000 }
  }

  /**
   * Uses a ticket up and returns the token that it stands for, which is still to be verified again.
   *
   * @throws StreamstackError `unauthenticated`, for every fault alike.
   */
  use(ticket: string, path: string): PresentedToken {
    this.#dropExpired()
    const hash = hashOf(ticket)
    const unused = this.#unused.get(hash)
    if (unused === undefined) throw tokenError('ticket')
    this.#drop(hash, unused)
    if (unused.path !== path) throw tokenError('ticket')
    return unused.token
  }

  #dropExpired(): void {
    const nowMs = this.#nowMs()
    for (const [hash, unused] of this.#unused) {
      if (unused.expiresAtMs > nowMs) return
      this.#drop(hash, unused)
    }
  }

  #drop(hash: string, { token }: Unused): void {
    const { subject } = token.verified
    const left = (this.#perSubject.get(subject) ?? 1) - 1
    this.#unused.delete(hash)
    this.#bytes -= token.bytes
    if (left === 0) this.#perSubject.delete(subject)
    else this.#perSubject.set(subject, left)
  }
}

/** The lookup by hash leaks no information about a ticket through its timing. */
function hashOf(ticket: string): string {
  return createHash('sha256').update(ticket).digest('base64')
}
