import type { Chunk } from '@streamstack/protocol'
import { type Caller, GuardedSource } from '../access/index.ts'
import type { Stream, StreamReader } from '../stream/index.ts'
import type { Channel } from './channel.ts'
import { openChunk } from './message.ts'
import { pathOfName } from './name-pattern.ts'
import { holds } from './rule.ts'

/** A channel as one subscriber sees it. */
export class Subscription extends GuardedSource {
  readonly url: string
  /** The offset after which its history began when it was made. */
  readonly begin: number
  /** Messages that were not for this subscriber, of those that it was asked for. */
  passedOver = 0
  readonly #channel: Channel
  /** For the rule that the channel had when it was made. */
  #select: ((chunk: Chunk) => boolean) | null = null
  #selectFor: object | null = null

  constructor(channel: Channel, caller: Caller, begin: number) {
    super(caller)
    this.begin = begin
    this.#channel = channel
    this.url = `/v1/channels/${pathOfName(channel.name)}`
  }

  /** Name of the channel as it is declared, `rooms/{room}`. */
  get declaredName(): string {
    return this.#channel.found.channel.pattern.text
  }

  get stream(): Stream {
    return this.#channel.stream
  }

  protected attached(reader: StreamReader): void {
    this.#channel.enter(this, reader)
  }

  protected detached(reader: StreamReader): void {
    this.#channel.leave(this, reader, this.readers.size === 0)
  }

  protected check(caller: Caller): void {
    this.#channel.check(caller)
  }

  protected override selection(): ((chunk: Chunk) => boolean) | null {
    const { deliver } = this.#channel.found.channel
    if (this.#selectFor !== deliver) {
      this.#selectFor = deliver
      this.#select = deliver === null ? null : (chunk) => this.#mayGet(chunk)
    }
    return this.#select
  }

  #mayGet(chunk: Chunk): boolean {
    const { found, onFailure } = this.#channel
    const { deliver } = found.channel
    if (deliver === null) return true
    const { message, metadata } = openChunk(chunk)
    const context = {
      auth: this.caller.claims,
      channel: this.#channel.name,
      parameters: found.parameters,
      message,
      metadata,
    }
    const isFor = holds(deliver, context, (error) => onFailure('deliver', error))
    if (!isFor) this.passedOver++
    return isFor
  }
}
