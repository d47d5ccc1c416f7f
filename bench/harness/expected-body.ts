/** Compares a body with what it must be, byte for byte, as it arrives. A benchmark of wrong data must fail. */
export class ExpectedBody {
  readonly #expected: Buffer
  readonly #name: string
  #at = 0

  constructor(expected: Buffer, name: string) {
    this.#expected = expected
    this.#name = name
  }

  readonly take = (buffer: Buffer, start: number, end: number): void => {
    const until = this.#at + end - start
    if (until > this.#expected.length || this.#expected.compare(buffer, start, end, this.#at, until) !== 0) {
      const got = buffer.toString('utf8', start, Math.min(end, start + 300))
      const due = this.#expected.toString('utf8', this.#at, this.#at + 300)
      throw new Error(`${this.#name} serves wrong data near byte ${this.#at}:\n${got}\ninstead of\n${due}`)
    }
    this.#at = until
  }

  /** Throws unless all of it came. */
  finish(): void {
    if (this.#at === this.#expected.length) return
    throw new Error(`${this.#name} ended after ${this.#at} of ${this.#expected.length} bytes`)
  }
}
