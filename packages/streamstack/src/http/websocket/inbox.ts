import type { CallTurns } from '../call-turns.ts'

export interface InboxOptions {
  readonly turns: CallTurns
  /** Whether messages are held for now, for a reason of the connection; call `goOn` when that ends. */
  readonly isHeld: () => boolean
  readonly handle: (text: string) => void
  /** Called after messages have waited for their turns: something has been handled. */
  readonly onHandled: () => void
}

/** Messages of one connection that wait to be handled, in order: each for its turn, all while they are held. */
export class Inbox {
  readonly #options: InboxOptions
  #texts: string[] = []
  #isWaiting = false

  constructor(options: InboxOptions) {
    this.#options = options
  }

  /** Whether the oldest message waits for its turn. The bound of all is the rate of messages: the connection is read no further meanwhile. */
  get isWaiting(): boolean {
    return this.#isWaiting
  }

  take(text: string): void {
    this.#texts.push(text)
    this.goOn()
  }

  goOn(): void {
    while (this.#texts.length > 0 && !this.#isWaiting && !this.#options.isHeld()) {
      this.#isWaiting = true
      let isLater = false
      this.#options.turns.begin(this, () => {
        const isHandled = this.#handleNext()
        if (isLater) {
          this.goOn()
          this.#options.onHandled()
        }
        return isHandled
      })
      isLater = true
    }
  }

  clear(): void {
    this.#texts = []
  }

  #handleNext(): boolean {
    this.#isWaiting = false
    if (this.#options.isHeld()) return false
    const text = this.#texts.shift()
    if (text === undefined) return false
    this.#options.handle(text)
    return true
  }
}
