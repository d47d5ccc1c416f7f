import { randomUUID } from 'node:crypto'
import type { Value } from '@streamstack/protocol'
import type { Caller } from '../access/index.ts'
import type { Channels } from '../channel/index.ts'

/** A member of a channel, by one subscription. */
export class Stay {
  readonly #channels: Channels
  readonly #channel: string
  readonly #data: Value
  readonly #connection = randomUUID()
  #wasNobody: boolean
  #leave: () => void

  /** Throws what `Channels.enter` does. */
  constructor(channels: Channels, channel: string, data: Value, caller: Caller) {
    this.#channels = channels
    this.#channel = channel
    this.#data = data
    this.#wasNobody = caller.subject === null
    this.#leave = this.#enter(caller)
  }

  /** Goes on with a fresh token. A caller that had none before becomes another member. Throws as the constructor; the member is removed then. */
  renew(caller: Caller): void {
    if (this.#wasNobody) this.#leave()
    this.#wasNobody = false
    try {
      this.#leave = this.#enter(caller)
    } catch (error) {
      this.#leave()
      throw error
    }
  }

  leave(): void {
    this.#leave()
  }

  #enter(caller: Caller): () => void {
    return this.#channels.enter(this.#channel, caller, { connection: this.#connection, data: this.#data })
  }
}
