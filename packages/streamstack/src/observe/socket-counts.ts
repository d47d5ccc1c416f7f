import { CLOSE_CODES } from '@streamstack/protocol'

/** Codes that the standard names (RFC 6455 §7.4.1, and those registered since), and ours. Clients may send two thousand others. */
const KNOWN_CODES: ReadonlySet<number> = new Set([
  ...Array.from({ length: 15 }, (_, index) => 1_000 + index),
  ...Object.values(CLOSE_CODES).map(({ code }) => code),
])

/** What a server counts of WebSockets. */
export class SocketCounts {
  opened = 0
  /** By the code that they were closed with, `other` for those that clients make up. */
  readonly closedCodes = new Map<string, number>()
  #closed = 0

  get open(): number {
    return this.opened - this.#closed
  }

  socketOpened(): void {
    this.opened++
  }

  /** `code`: of the close frame that came, 1005 when it had none, 1006 when none came. */
  socketClosed(code: number): void {
    this.#closed++
    const label = KNOWN_CODES.has(code) ? String(code) : 'other'
    this.closedCodes.set(label, (this.closedCodes.get(label) ?? 0) + 1)
  }
}
