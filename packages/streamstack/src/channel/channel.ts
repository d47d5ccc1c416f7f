import type { Chunk, StreamstackError } from '@streamstack/protocol'
import type { Caller, Guard } from '../access/index.ts'
import { Stream, type StreamReader } from '../stream/index.ts'
import type { ChannelLog } from './channel-log.ts'
import type { FoundChannel } from './channel-table.ts'
import { RECENT_MS } from './history-log.ts'
import type { PublishKeys } from './publish-keys.ts'

/** Time for which an unused durable channel stays in memory. */
const IDLE_MS = 30_000

/** What a channel and a key hold in memory besides messages, about. */
const CHANNEL_BYTES = 2_048
const KEY_BYTES = 320

/** Why a condition failed, for the log of the server. */
export type FailedCondition = 'publish' | 'subscribe' | 'presence' | 'deliver'

export interface ChannelOptions {
  readonly name: string
  readonly found: FoundChannel
  /** The caller that opened it, against whom it counts; null: a step of the workspace. */
  readonly owner: string | null
  readonly log: ChannelLog
  readonly keys: PublishKeys
  readonly nowMs: () => number
  /** Whether this caller may read it, by its rule of now. */
  readonly check: (found: FoundChannel, caller: Caller) => void
  readonly onFailure: (found: FoundChannel, condition: FailedCondition, error: unknown) => void
  /** A message is there for readers. */
  readonly onShown: (found: FoundChannel) => void
}

/** A channel in use: its stream, its readers, and the keys of its newest messages. */
export class Channel {
  readonly name: string
  readonly stream: Stream
  readonly log: ChannelLog
  readonly owner: string | null
  /** The name in its declaration, as it was when it was opened. */
  readonly declared: string
  found: FoundChannel
  /** What it held in memory when that was last counted. */
  countedBytes = 0
  readonly #keys: PublishKeys
  readonly #options: ChannelOptions
  readonly #subscriptions = new Set<Guard>()
  #publishing = 0
  #isUntouched = true
  #usedAtMs: number
  /** Why it is no more. */
  #closed: StreamstackError | null = null

  constructor(options: ChannelOptions) {
    this.#options = options
    this.name = options.name
    this.found = options.found
    this.owner = options.owner
    this.declared = options.found.channel.pattern.text
    this.log = options.log
    this.#keys = options.keys
    this.stream = new Stream({ log: options.log, whenUnread: 'drop', unreadBytesMax: Infinity })
    this.#usedAtMs = options.nowMs()
  }

  /** Adds a message; one whose key is known adds nothing. The offset comes at once, or when the message is on disk. */
  publish(chunk: Chunk, key: string | null): number | Promise<number> {
    this.#usedAtMs = this.#options.nowMs()
    this.#isUntouched = false
    const known = key === null ? null : this.#keys.find(key, chunk)
    if (known !== null) return known
    const offset = this.log.keep === null ? this.#show(chunk) : this.#keep(chunk, key)
    if (key !== null) {
      this.#keys.remember(key, chunk, offset)
      if (offset instanceof Promise) {
        offset.then(
          (kept) => this.#keys.remember(key, chunk, kept),
          () => this.#keys.forget(key),
        )
      }
    }
    return offset
  }

  /** What it holds in memory. */
  get bytesHeld(): number {
    return CHANNEL_BYTES + this.log.bytesHeld + this.#keys.size * KEY_BYTES
  }

  historyStart(): number | Promise<number> {
    return this.log.historyStart(this.found.channel.history)
  }

  readonly onFailure = (condition: FailedCondition, error: unknown): void => {
    this.#options.onFailure(this.found, condition, error)
  }

  /** Throws when this caller may not read it. */
  check(caller: Caller): void {
    if (this.#closed !== null) throw this.#closed
    this.#options.check(this.found, caller)
  }

  enter(subscription: Guard, reader: StreamReader): void {
    this.#usedAtMs = this.#options.nowMs()
    this.#subscriptions.add(subscription)
    this.stream.attach(reader)
    // The rules may have changed since it was made.
    subscription.recheck()
  }

  leave(subscription: Guard, reader: StreamReader, isLast: boolean): void {
    this.#usedAtMs = this.#options.nowMs()
    this.stream.detach(reader)
    if (isLast) this.#subscriptions.delete(subscription)
  }

  /** Applies changed rules: readers that may no longer read end with an error. */
  redeclare(found: FoundChannel): void {
    this.found = found
    for (const subscription of this.#subscriptions) subscription.recheck()
  }

  /** Closes the channel; its readers end with `error`. */
  close(error: StreamstackError): void {
    this.#closed = error
    for (const subscription of this.#subscriptions) subscription.refuse(error)
  }

  /** Whether it has no readers and nothing unsaved; messages in memory are lost when it is evicted. */
  get isIdle(): boolean {
    return this.#subscriptions.size === 0 && this.#publishing === 0
  }

  /** Whether the channel can be evicted: it has no readers and nothing unsaved. */
  get isDispensable(): boolean {
    return this.#subscriptions.size === 0 && this.#publishing === 0 && (this.#isUntouched || this.log.keep !== null)
  }

  /** Drops old messages. */
  tidy(): void | Promise<void> {
    return this.log.trim(this.found.channel.history)
  }

  /** Whether it has not been used for so long that it can be evicted. */
  get isUnused(): boolean {
    if (this.#subscriptions.size > 0 || this.#publishing > 0) return false
    const unusedMs = this.#options.nowMs() - this.#usedAtMs
    if (this.log.keep !== null) return unusedMs >= IDLE_MS
    return unusedMs >= RECENT_MS && this.historyStart() === this.log.lastOffset
  }

  async #keep(chunk: Chunk, key: string | null): Promise<number> {
    let offset = 0
    this.#publishing += 1
    try {
      await this.log.keep?.(chunk, key, () => {
        offset = this.#show(chunk)
      })
      return offset
    } finally {
      this.#publishing -= 1
    }
  }

  #show(chunk: Chunk): number {
    const offset = this.stream.appendWithoutWaiting(chunk)
    this.#options.onShown(this.found)
    return offset
  }
}
