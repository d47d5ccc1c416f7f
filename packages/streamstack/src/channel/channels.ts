import { StreamstackError, toStreamstackError } from '@streamstack/protocol'
import type { Caller } from '../access/index.ts'
import { after } from '../storage/index.ts'
import { ownerOf } from './channel-owner.ts'
import { ChannelGuard } from './channel-guard.ts'
import { type FoundChannel, ChannelTable } from './channel-table.ts'
import type { ChannelsOptions } from './channels-options.ts'
import { type Message, type Stamp, checkOutside, chunkOf } from './message.ts'
import { OpenChannels } from './open-channels.ts'
import type { PresenceMember } from './presence.ts'
import type { PresenceView } from './presence-view.ts'
import { type Arrival, Presences } from './presences.ts'
import { keyDigest } from './publish-keys.ts'
import type { ChannelAct } from './rule.ts'
import { Subscription } from './subscription.ts'

const MEMBER_DATA_BYTES_MAX = 4_096

/** Who publishes. */
interface Publisher {
  /** Whose keys its keys are. */
  readonly publisher: string | null
  readonly sender: Stamp['sender']
  /** Against whom the channel counts; null: a step of the workspace. */
  readonly owner: string | null
}

/** The channels of a workspace: named streams that endpoints and clients publish to. */
export class Channels {
  readonly #options: ChannelsOptions
  readonly #guard: ChannelGuard
  readonly #open: OpenChannels
  readonly #presences: Presences
  #table = ChannelTable.empty

  constructor(options: ChannelsOptions) {
    this.#options = options
    this.#guard = new ChannelGuard(options)
    this.#open = new OpenChannels(options, this.#guard)
    this.#presences = new Presences(options)
  }

  /** Channels in memory. */
  get openCount(): number {
    return this.#open.count
  }

  /** What they hold there, about. */
  get bytesHeld(): number {
    return this.#open.bytesHeld
  }

  /** Number of current readers of all channels. */
  get subscriberCount(): number {
    return this.#open.subscriberCount
  }

  /** Members of all channels. */
  get memberCount(): number {
    return this.#presences.memberCount
  }

  /** Applies the declarations of the workspace, also to current subscribers. */
  declare(table: ChannelTable): void {
    this.#table = table
    this.#open.redeclare(table)
    this.#presences.recheck((name, caller) => this.#allow('presence', name, caller))
  }

  /**
   * A channel for a caller to read, from where its history starts now. A promise only when it has to wait for the disk.
   *
   * @throws StreamstackError `channel_unknown`, `unauthenticated`, `forbidden`, `unavailable`, `channel_full`, and for durable ones `storage_failed`.
   */
  subscribe(name: string, caller: Caller): Subscription | Promise<Subscription> {
    const found = this.#allow('subscribe', name, caller)
    return after(this.#open.open(name, found, ownerOf(caller)), (channel) =>
      after(channel.historyStart(), (begin) => new Subscription(channel, caller, begin)),
    )
  }

  /** The bytes that a message may have. Throws what `publish` would, but for what is wrong with the message. */
  checkPublish(name: string, caller: Caller): number {
    return this.#allow('publish', name, caller).channel.maxBytes
  }

  /**
   * Publishes for a caller. Settles when the message is kept: in memory, or for durable channels on disk. A message that comes again with
   * its key adds nothing, and gets the offset that it has. Its metadata get `sent_at` and, of the token, `sender`.
   *
   * @throws StreamstackError as `subscribe`, and `input_invalid`, `body_too_large`, `idempotency_conflict`, `storage_full`.
   */
  async publish(name: string, caller: Caller, message: Message): Promise<{ offset: number }> {
    try {
      const found = this.#allow('publish', name, caller)
      checkOutside(message)
      const sender = caller.subject
      const publisher = sender === null ? null : `token ${sender}`
      return { offset: await this.#publish(name, found, message, { publisher, sender, owner: ownerOf(caller) }) }
    } catch (error) {
      this.#options.observer.refused(toStreamstackError(error).code)
      throw error
    }
  }

  /** Publishes for a step of the workspace, which may always. A promise only when it has to wait for the disk. */
  serverPublish(name: string, message: Message): { offset: number } | Promise<{ offset: number }> {
    const refused = (error: unknown): never => {
      this.#options.observer.refused(toStreamstackError(error).code)
      throw error
    }
    try {
      const offset = this.#publish(name, this.#table.find(name), message, {
        publisher: 'server',
        sender: undefined,
        owner: null,
      })
      return offset instanceof Promise ? offset.then((kept) => ({ offset: kept }), refused) : { offset }
    } catch (error) {
      return refused(error)
    }
  }

  /**
   * The members of a channel for one reader: `{event: 'here', members}` first, then `{event: 'join' | 'leave' | 'update', member}`. Throws as `subscribe`.
   */
  presence(name: string, caller: Caller): PresenceView {
    this.#allow('presence', name, caller)
    return this.#presences.open(name).view(caller, (renewed) => this.#allow('presence', name, renewed))
  }

  /** Returns the current members of a channel. Throws as `subscribe`. */
  members(name: string, caller: Caller): readonly PresenceMember[] {
    this.#allow('presence', name, caller)
    return this.#presences.members(name)
  }

  /**
   * Adds a member to a channel, for one connection. The returned function ends that connection; a subject is a member once, however many connections it has,
   * until a short while after the last. Throws as `subscribe`, and `input_invalid`.
   */
  enter(name: string, caller: Caller, { connection, data }: Arrival): () => void {
    this.#allow('presence', name, caller)
    checkOutside({ content: data, metadata: null, key: null })
    if (Buffer.byteLength(JSON.stringify(data)) > MEMBER_DATA_BYTES_MAX) {
      throw new StreamstackError(
        'input_invalid',
        `\`data\` of a member takes ${MEMBER_DATA_BYTES_MAX} bytes as JSON at most.`,
      )
    }
    return this.#presences.enter(name, caller, { connection, data })
  }

  /** Drops old messages and evicts unused channels. */
  tidy(): void {
    this.#open.tidy()
  }

  /** Ends every subscription; readers can resume after their last message. */
  dismiss(error: StreamstackError): void {
    this.#open.dismiss(error)
    this.#presences.dismiss(error)
  }

  close(): void {
    this.dismiss(
      new StreamstackError('unavailable', 'The server is stopping. Come back after the last offset that you got.'),
    )
  }

  /** Throws unless this caller may do that. */
  #allow(act: ChannelAct, name: string, caller: Caller): FoundChannel {
    const found = this.#table.find(name)
    this.#guard.check(act, name, found, caller)
    return found
  }

  #publish(
    name: string,
    found: FoundChannel,
    message: Message,
    { publisher, sender, owner }: Publisher,
  ): number | Promise<number> {
    const chunk = chunkOf(message, found.channel.maxBytes, { sentAtMs: this.#options.nowMs(), sender })
    const key = message.key === null ? null : keyDigest(publisher, message.key)
    return this.#open.publish(name, found, { chunk, key, owner })
  }
}
