import type { Chunk, StreamstackError } from '@streamstack/protocol'
import type { AuthClaims } from '../access/index.ts'
import type { Stream, StreamReader, StreamSource } from '../stream/index.ts'
import type { Channel } from './channel.ts'
import { openChunk } from './message.ts'
import { pathOfName } from './name-pattern.ts'
import { holds } from './rule.ts'

const NO_HEADERS: ReadonlyMap<string, string> = new Map()

const NOTHING = (): boolean => false

/** A channel as one subscriber sees it. */
export class Subscription implements StreamSource {
  readonly url: string
  readonly run = null
  readonly contentType = undefined
  readonly responseHeaders = NO_HEADERS
  readonly failure = null
  refusal: StreamstackError | null = null
  readonly #channel: Channel
  #claims: AuthClaims | null
  readonly #readers = new Set<StreamReader>()
  /** For the rule that the channel had when it was made. */
  #select: ((chunk: Chunk) => boolean) | null = null
  #selectFor: object | null = null

  constructor(channel: Channel, claims: AuthClaims | null) {
    this.#channel = channel
    this.#claims = claims
    this.url = `/v1/channels/${pathOfName(channel.name)}`
  }

  get stream(): Stream {
    return this.#channel.stream
  }

  get begin(): number {
    return this.#channel.historyStart()
  }

  /** When its token expires, milliseconds since 1970; null: never, or there is none. Whoever serves it calls `refuse` then, or `renew` before. */
  get expiresAtMs(): number | null {
    const expiry = this.#claims?.['exp']
    return typeof expiry === 'number' ? expiry * 1000 : null
  }

  get select(): ((chunk: Chunk) => boolean) | null {
    // Also for a reader that does not look at `refusal`.
    if (this.refusal !== null) return NOTHING
    const { deliver } = this.#channel.found.channel
    if (this.#selectFor !== deliver) {
      this.#selectFor = deliver
      this.#select = deliver === null ? null : (chunk) => this.#mayGet(chunk)
    }
    return this.#select
  }

  /** Goes on with a fresh token. Throws `unauthenticated`, `forbidden`. */
  renew(claims: AuthClaims | null): void {
    this.#channel.check(claims)
    this.#claims = claims
  }

  /** Looks again whether it may be read, by rules that may have changed. */
  recheck(): void {
    try {
      this.#channel.check(this.#claims)
    } catch (error) {
      this.refuse(error as StreamstackError)
    }
  }

  /** Ends it for this subscriber, who gets nothing more. */
  refuse(error: StreamstackError): void {
    if (this.refusal !== null) return
    this.refusal = error
    for (const reader of this.#readers) reader.wake()
  }

  attach(reader: StreamReader): void {
    this.#readers.add(reader)
    this.#channel.enter(this, reader)
  }

  detach(reader: StreamReader): void {
    this.#readers.delete(reader)
    this.#channel.leave(this, reader, this.#readers.size === 0)
  }

  answerBegan(): void {
    // Nobody sets headers here.
  }

  #mayGet(chunk: Chunk): boolean {
    const { found, onFailure } = this.#channel
    const { deliver } = found.channel
    if (deliver === null) return true
    const { message, metadata } = openChunk(chunk)
    const context = {
      auth: this.#claims,
      channel: this.#channel.name,
      parameters: found.parameters,
      message,
      metadata,
    }
    return holds(deliver, context, (error) => onFailure('deliver', error))
  }
}
