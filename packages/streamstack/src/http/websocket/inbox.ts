import type { ClientMessage } from '@streamstack/protocol'
import type { Caller } from '../../access/index.ts'
import { inTurnsOfLargeBody, isLarge } from '../call/large-body.ts'
import type { CallTurns } from '../call-turns.ts'
import { type BadMessage, readClientMessage, readClientMessageInPieces } from './client-message.ts'

export interface InboxOptions {
  readonly turns: CallTurns
  /** The caller that sends the messages. */
  readonly caller: () => Caller
  /** Whether messages are held for now, for a reason of the connection; call `goOn` when that ends. */
  readonly isHeld: () => boolean
  /** `read` throws what is wrong with the message. */
  readonly handle: (read: () => ClientMessage | BadMessage) => void
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
    for (let [next] = this.#texts; next !== undefined && this.#mayGoOn; [next] = this.#texts) {
      this.#isWaiting = true
      if (isLarge(next)) this.#waitLong(next)
      else this.#waitForTurn()
    }
  }

  get #mayGoOn(): boolean {
    return !this.#isWaiting && !this.#options.isHeld()
  }

  #waitForTurn(): void {
    let isLater = false
    this.#options.turns.begin(this, () => {
      const isHandled = this.#handleNext()
      if (isLater) this.#afterWait()
      return isHandled
    })
    isLater = true
  }

  /** Parsing the message takes milliseconds. */
  #waitLong(text: string): void {
    const caller = this.#options.caller()
    const goOn = (read: () => ClientMessage | BadMessage): void => {
      this.#handleNext(read)
      this.#afterWait()
    }
    inTurnsOfLargeBody(text, readClientMessageInPieces(text), { caller, place: caller.place }).then(
      (message) => goOn(() => message),
      (thrown: unknown) =>
        goOn(() => {
          throw thrown
        }),
    )
  }

  #afterWait(): void {
    this.goOn()
    this.#options.onHandled()
  }

  clear(): void {
    this.#texts = []
  }

  /** `read`: of a message that has been parsed already. */
  #handleNext(read: (() => ClientMessage | BadMessage) | null = null): boolean {
    this.#isWaiting = false
    if (this.#options.isHeld()) return false
    const text = this.#texts.shift()
    if (text === undefined) return false
    this.#options.handle(read ?? (() => readClientMessage(text)))
    return true
  }
}
