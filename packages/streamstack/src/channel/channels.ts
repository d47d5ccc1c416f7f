import { StreamstackError, type Value, toStreamstackError } from '@streamstack/protocol'
import { type AuthClaims, subjectOf } from '../access/index.ts'
import type { StreamStore } from '../stream-store/index.ts'
import { Channel, type FailedCondition } from './channel.ts'
import type { ChannelLog } from './channel-log.ts'
import { type FoundChannel, ChannelTable, unknownChannel } from './channel-table.ts'
import { DurableLog } from './durable-log.ts'
import { HistoryLog, RECENT_BYTES } from './history-log.ts'
import { type Message, type Stamp, checkOutside, chunkOf } from './message.ts'
import { pathOfName } from './name-pattern.ts'
import { Presence, type PresenceMember } from './presence.ts'
import type { PresenceView } from './presence-view.ts'
import { PublishKeys, keyDigest } from './publish-keys.ts'
import { type ChannelAct, allow, needsToken } from './rule.ts'
import { Subscription } from './subscription.ts'

/** Offsets of a millisecond: those of a channel in memory begin with the time, so that one from before it was let go of means nothing else after. */
const OFFSETS_PER_MS = 1_000

/** Channels that are looked after in one turn, and how often there is one. */
const TIDIED_AT_ONCE = 2_000
const TIDY_MS = 250

/** How often all of them are looked after because there is no room. */
const MAKE_ROOM_MS = 1_000

const MEMBER_DATA_BYTES_MAX = 4_096

export interface ChannelSettings {
  /** Channels in memory at the same time. */
  readonly maxOpen: number
  /** What all of them may hold there. */
  readonly memoryBytes: number
  /** What one may hold there. */
  readonly windowBytes: number
  readonly presenceGraceMs: number
}

/** What channels tell of themselves, as it happens. */
export interface ChannelObserver {
  /** Somebody can read a message of a channel, by the name in its declaration. */
  published(declared: string): void
  /** A message was refused, with the code of the error. */
  refused(code: string): void
}

export interface ChannelsOptions {
  readonly settings: () => ChannelSettings
  readonly store: () => StreamStore
  /** Whether tokens can be checked: without, whoever must have one is told that the server is at fault. */
  readonly checksTokens: () => boolean
  readonly observer: ChannelObserver
  readonly log: { warn(fields: object, message: string): void; error(fields: object, message: string): void }
  /** Milliseconds since 1970, of a clock that does not jump. */
  readonly nowMs: () => number
}

/** Who is there over a connection, and what others see of them. */
export interface Arrival {
  /** Unique among all connections. */
  readonly connection: string
  readonly data: Value
}

/** The channels of a workspace: named streams that endpoints and clients publish to. */
export class Channels {
  readonly #options: ChannelsOptions
  #table = ChannelTable.empty
  readonly #open = new Map<string, Channel>()
  readonly #presences = new Map<string, Presence>()
  #bytesHeld = 0
  /** No channel that was let go of has had a greater offset. */
  #greatestOffset = 0
  #tidyTimer: NodeJS.Timeout | undefined
  #tidyPosition: Iterator<Channel> | null = null
  #madeRoomAtMs = -Infinity
  /** Conditions that have failed since they were declared, told once. */
  #told = new WeakMap<object, Set<FailedCondition>>()

  constructor(options: ChannelsOptions) {
    this.#options = options
  }

  /** Channels in memory. */
  get openCount(): number {
    return this.#open.size
  }

  /** What they hold there, about. */
  get bytesHeld(): number {
    return this.#bytesHeld
  }

  /** Who reads channels now, once for each reader. */
  get subscriberCount(): number {
    let count = 0
    for (const { stream } of this.#open.values()) count += stream.readerCount
    return count
  }

  /** Members of all channels. */
  get memberCount(): number {
    let count = 0
    for (const presence of this.#presences.values()) count += presence.memberCount
    return count
  }

  /** Takes over what the workspace declares now. It holds for those who are subscribed, too. */
  declare(table: ChannelTable): void {
    this.#table = table
    for (const [name, channel] of this.#open) {
      const found = this.#stillFound(name, channel)
      if (found instanceof StreamstackError) this.#letGo(name, channel, found)
      else channel.redeclare(found)
    }
    for (const [name, presence] of this.#presences) {
      presence.recheck((claims) => this.#allow('presence', name, claims))
    }
  }

  /**
   * A channel for somebody to read. `begin` is where its history starts now.
   *
   * @throws StreamstackError `channel_unknown`, `unauthenticated`, `forbidden`, `unavailable`, `channel_full`, and for durable ones `storage_failed`.
   */
  subscribe(name: string, claims: AuthClaims | null): Subscription {
    const found = this.#allow('subscribe', name, claims)
    return new Subscription(this.#channel(name, found), claims)
  }

  /** The bytes that a message may have. Throws what `publish` would, but for what is wrong with the message. */
  checkPublish(name: string, claims: AuthClaims | null): number {
    return this.#allow('publish', name, claims).channel.maxBytes
  }

  /**
   * Publishes for somebody outside. Settles when the message is kept: in memory, or for durable channels on disk. A message that comes again with
   * its key adds nothing, and gets the offset that it has. Its metadata get `sent_at` and, of the token, `sender`.
   *
   * @throws StreamstackError as `subscribe`, and `input_invalid`, `body_too_large`, `idempotency_conflict`, `storage_full`.
   */
  async publish(name: string, claims: AuthClaims | null, message: Message): Promise<{ offset: number }> {
    try {
      const found = this.#allow('publish', name, claims)
      checkOutside(message)
      const sender = claims === null ? null : subjectOf(claims)
      const publisher = sender === null ? null : `token ${sender}`
      return { offset: await this.#publish(name, found, message, publisher, sender) }
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
      const offset = this.#publish(name, this.#table.find(name), message, 'server', undefined)
      return offset instanceof Promise ? offset.then((kept) => ({ offset: kept }), refused) : { offset }
    } catch (error) {
      return refused(error)
    }
  }

  /**
   * Who is in a channel, for somebody to read: `{event: 'here', members}` first, then `{event: 'join' | 'leave' | 'update', member}`. Throws as `subscribe`.
   */
  presence(name: string, claims: AuthClaims | null): PresenceView {
    this.#allow('presence', name, claims)
    return this.#presence(name).view(claims, (renewed) => this.#allow('presence', name, renewed))
  }

  /** Who is in a channel now. Throws as `subscribe`. */
  members(name: string, claims: AuthClaims | null): readonly PresenceMember[] {
    this.#allow('presence', name, claims)
    return this.#presences.get(name)?.members ?? []
  }

  /**
   * Lets somebody be seen in a channel. The returned function says that this connection is gone; a subject is there once, however many connections it has,
   * until a short while after the last. Throws as `subscribe`, and `input_invalid`.
   */
  enter(name: string, claims: AuthClaims | null, { connection, data }: Arrival): () => void {
    this.#allow('presence', name, claims)
    checkOutside({ content: data, metadata: null, key: null })
    if (Buffer.byteLength(JSON.stringify(data)) > MEMBER_DATA_BYTES_MAX) {
      throw new StreamstackError(
        'input_invalid',
        `\`data\` of a member takes ${MEMBER_DATA_BYTES_MAX} bytes as JSON at most.`,
      )
    }
    return this.#presence(name).enter(claims === null ? null : subjectOf(claims), claims, connection, data)
  }

  /** Looks after every channel: old messages go, and channels that nobody uses. */
  tidy(): void {
    this.#tidyPosition = null
    for (const channel of this.#open.values()) this.#tidyOne(channel)
  }

  /** Ends every subscription, so that those who read can come back after the last that they got. */
  dismiss(error: StreamstackError): void {
    for (const [name, channel] of this.#open) this.#letGo(name, channel, error)
    for (const presence of this.#presences.values()) presence.close(error)
  }

  close(): void {
    clearInterval(this.#tidyTimer)
    this.#tidyTimer = undefined
    this.dismiss(
      new StreamstackError('unavailable', 'The server is stopping. Come back after the last offset that you got.'),
    )
  }

  /** Throws unless somebody with these claims may do that. */
  #allow(act: ChannelAct, name: string, claims: AuthClaims | null): FoundChannel {
    const found = this.#table.find(name)
    this.#check(act, name, found, claims)
    return found
  }

  #check(act: ChannelAct, name: string, found: FoundChannel, claims: AuthClaims | null): void {
    const { channel, parameters } = found
    const rule = channel[act]
    // A channel for steps alone is nobody's business.
    if (channel.publish === null && channel.subscribe === null && channel.presence === null) throw unknownChannel()
    if (rule !== null && claims === null && needsToken(rule) && !this.#options.checksTokens()) {
      throw new StreamstackError(
        'unavailable',
        'This channel wants a token, and the server has no way to check one: set auth.jwt in streamstack.yaml.',
      )
    }
    const context = { auth: claims, channel: name, parameters, message: null, metadata: null }
    allow(act, rule, context, (error) => this.#conditionFailed(found, act, error))
  }

  #publish(
    name: string,
    found: FoundChannel,
    message: Message,
    publisher: string | null,
    sender: Stamp['sender'],
  ): number | Promise<number> {
    const chunk = chunkOf(message, found.channel.maxBytes, { sentAtMs: this.#options.nowMs(), sender })
    const channel = this.#channel(name, found)
    this.#makeRoom()
    const offset = channel.publish(chunk, message.key === null ? null : keyDigest(publisher, message.key))
    this.#count(channel)
    if (!(offset instanceof Promise)) return offset
    return offset.then(
      (kept) => {
        this.#count(channel)
        return kept
      },
      (error: unknown) => {
        const { code } = toStreamstackError(error)
        // What is on disk is the truth: it is read again by whoever comes next.
        const isSound = code === 'unavailable' || code === 'storage_full'
        if (!isSound && this.#open.get(name) === channel) this.#letGo(name, channel, broken())
        throw error
      },
    )
  }

  /** The channel of a name, made when it is used. */
  #channel(name: string, found: FoundChannel): Channel {
    const open = this.#open.get(name)
    if (open !== undefined) return open
    const { maxOpen } = this.#options.settings()
    if (this.#open.size >= maxOpen) this.#tidyAll()
    if (this.#open.size >= maxOpen) {
      throw new StreamstackError(
        'channel_full',
        `The server has ${maxOpen.toLocaleString('en')} channels in use, as many as \`channels.max_open\` allows. Try again later.`,
        { retryAfterMs: MAKE_ROOM_MS * 5 },
      )
    }
    const keys = new PublishKeys()
    const channel = new Channel({
      name,
      found,
      keys,
      log: this.#log(name, found, keys),
      nowMs: this.#options.nowMs,
      check: (now, claims) => this.#check('subscribe', name, now, claims),
      onFailure: (now, condition, error) => this.#conditionFailed(now, condition, error),
      onShown: (now) => this.#options.observer.published(now.channel.pattern.text),
    })
    this.#open.set(name, channel)
    this.#count(channel)
    this.#tidyTimer ??= setInterval(() => this.#tidySome(), TIDY_MS).unref()
    return channel
  }

  #log(name: string, { channel: { delivery } }: FoundChannel, keys: PublishKeys): ChannelLog {
    const { nowMs } = this.#options
    const base = Math.max(Math.floor(nowMs()) * OFFSETS_PER_MS, this.#greatestOffset + 1)
    if (delivery === 'memory')
      return new HistoryLog({ after: base, bytesMax: this.#options.settings().windowBytes, nowMs })
    return new DurableLog({
      store: this.#options.store(),
      name,
      base,
      recentBytes: RECENT_BYTES * 2,
      nowMs,
      onLoaded: ({ chunk, key }, offset) => {
        if (key !== null) keys.remember(key, chunk, offset)
      },
    })
  }

  #presence(name: string): Presence {
    const known = this.#presences.get(name)
    if (known !== undefined) return known
    if (this.#presences.size >= this.#options.settings().maxOpen) {
      throw new StreamstackError(
        'channel_full',
        'The server has as many channels in use as `channels.max_open` allows.',
      )
    }
    const presence = new Presence({
      url: `/v1/presence/${pathOfName(name)}`,
      graceMs: () => this.#options.settings().presenceGraceMs,
      onEmpty: () => this.#presences.delete(name),
    })
    this.#presences.set(name, presence)
    return presence
  }

  #stillFound(name: string, channel: Channel): FoundChannel | StreamstackError {
    try {
      const found = this.#table.find(name)
      return found.channel.delivery === channel.found.channel.delivery ? found : broken()
    } catch (error) {
      if (error instanceof StreamstackError) return error
      throw error
    }
  }

  #letGo(name: string, channel: Channel, error: StreamstackError | null): void {
    this.#open.delete(name)
    this.#bytesHeld -= channel.countedBytes
    this.#greatestOffset = Math.max(this.#greatestOffset, channel.log.lastOffset)
    if (error !== null) channel.close(error)
    if (this.#open.size > 0) return
    clearInterval(this.#tidyTimer)
    this.#tidyTimer = undefined
    // It would hold on to what the map held when it was begun.
    this.#tidyPosition = null
  }

  #count(channel: Channel): void {
    if (this.#open.get(channel.name) !== channel) return
    const bytes = channel.bytesHeld
    this.#bytesHeld += bytes - channel.countedBytes
    channel.countedBytes = bytes
  }

  /** Throws `storage_full` when the channels hold as much as they may. */
  #makeRoom(): void {
    const { memoryBytes } = this.#options.settings()
    if (this.#bytesHeld < memoryBytes) return
    this.#tidyAll()
    if (this.#bytesHeld < memoryBytes) return
    throw new StreamstackError(
      'storage_full',
      'The channels hold as many messages in memory as `channels.memory_bytes` allows. Raise it, or let channels keep less history.',
    )
  }

  #tidyAll(): void {
    const nowMs = performance.now()
    if (nowMs - this.#madeRoomAtMs < MAKE_ROOM_MS) return
    this.#madeRoomAtMs = nowMs
    this.tidy()
    if (this.#open.size < this.#options.settings().maxOpen) return
    for (const [name, channel] of this.#open) if (channel.isDispensable) this.#letGo(name, channel, null)
  }

  /** A part of the channels at a time: with very many of them nobody else waits. */
  #tidySome(): void {
    const position = (this.#tidyPosition ??= this.#open.values())
    for (let count = 0; count < TIDIED_AT_ONCE; count++) {
      const { value, done } = position.next()
      if (done === true) {
        this.#tidyPosition = null
        return
      }
      this.#tidyOne(value)
      // The last channel was let go, and with it the timer and the position.
      if (this.#tidyPosition !== position) return
    }
  }

  #tidyOne(channel: Channel): void {
    try {
      const isUnused = channel.tidy()
      this.#count(channel)
      if (isUnused) this.#letGo(channel.name, channel, null)
    } catch (error) {
      this.#options.log.error({ channel: channel.name, err: error }, 'a channel could not be looked after')
      this.#letGo(channel.name, channel, broken())
    }
  }

  #conditionFailed({ channel }: FoundChannel, condition: FailedCondition, error: unknown): void {
    const told = this.#told.get(channel) ?? new Set()
    if (told.has(condition)) return
    this.#told.set(channel, told.add(condition))
    const { file } = channel.position
    const reason = error instanceof Error ? error.message : String(error)
    this.#options.log.warn(
      { file, channel: channel.pattern.text, condition },
      `a condition of a channel failed, which counts as no (told once): ${reason}`,
    )
  }
}

function broken(): StreamstackError {
  return new StreamstackError('unavailable', 'The channel begins anew. Subscribe again.', { retryAfterMs: 1_000 })
}
