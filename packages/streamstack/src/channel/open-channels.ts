import { type Chunk, StreamstackError, toStreamstackError } from '@streamstack/protocol'
import { after } from '../storage/index.ts'
import { Channel, type ChannelOptions } from './channel.ts'
import { CALLER_SHARE, ChannelBudgets, type ChannelShare, DECLARATION_SHARE } from './channel-budgets.ts'
import type { ChannelGuard } from './channel-guard.ts'
import type { ChannelLog } from './channel-log.ts'
import type { ChannelTable, FoundChannel } from './channel-table.ts'
import type { ChannelsOptions } from './channels-options.ts'
import { openDurableLog } from './durable-log.ts'
import { HistoryLog, RECENT_BYTES } from './history-log.ts'
import { PublishKeys } from './publish-keys.ts'

/** Offsets of a millisecond: those of a channel in memory begin with the time, so that one from before it was let go of means nothing else after. */
const OFFSETS_PER_MS = 1_000

/** Channels that are looked after in one turn, and how often there is one. */
const TIDIED_AT_ONCE = 2_000
const TIDY_MS = 250

/** How often all of them are looked after because there is no room. */
const MAKE_ROOM_MS = 1_000

/** A message on its way into a channel. */
export interface Publication {
  readonly chunk: Chunk
  /** A digest; null: none. */
  readonly key: string | null
  /** The caller that publishes; null: a step of the workspace. */
  readonly owner: string | null
}

/**
 * The channels in memory: opened on use, bounded in number and bytes, in all, by caller and by declaration. They are evicted
 * when they have no readers and nothing unsaved; where there is no room, those without readers lose their messages in memory,
 * the longest unused first, beginning with the caller that has most.
 */
export class OpenChannels {
  readonly #options: ChannelsOptions
  readonly #guard: ChannelGuard
  readonly #channels = new Map<string, Channel>()
  /** Durable ones whose newest messages are being read. */
  readonly #opening = new Map<string, Promise<Channel>>()
  readonly #budgets = new ChannelBudgets()
  #table: ChannelTable | null = null
  #bytesHeld = 0
  /** No channel that was let go of has had a greater offset. */
  #greatestOffset = 0
  #tidyTimer: NodeJS.Timeout | undefined
  #tidyPosition: Iterator<Channel> | null = null
  #madeRoomAtMs = -Infinity

  constructor(options: ChannelsOptions, guard: ChannelGuard) {
    this.#options = options
    this.#guard = guard
  }

  get count(): number {
    return this.#channels.size
  }

  /** What they hold, about. */
  get bytesHeld(): number {
    return this.#bytesHeld
  }

  /** Number of their current readers. */
  get subscriberCount(): number {
    let count = 0
    for (const { stream } of this.#channels.values()) count += stream.readerCount
    return count
  }

  /** What is declared now holds for those that are open, too. */
  redeclare(table: ChannelTable): void {
    this.#table = table
    for (const [name, channel] of this.#channels) {
      const found = stillFound(table, name, channel)
      if (found instanceof StreamstackError) this.#letGo(name, channel, found)
      else channel.redeclare(found)
    }
  }

  /** The channel of a name, made when it is used. Throws, or rejects with, `channel_full`, and for durable ones `storage_failed`. */
  open(name: string, found: FoundChannel, owner: string | null): Channel | Promise<Channel> {
    const open = this.#channels.get(name) ?? this.#opening.get(name)
    if (open !== undefined) return open
    const { maxOpen } = this.#options.settings()
    this.#demandShare(found, owner, maxOpen)
    if (this.#used >= maxOpen) this.#tidyAll()
    if (this.#used >= maxOpen && !this.#evictOne(this.#budgets.largestCaller(), null)) {
      throw full(
        `The server has ${maxOpen.toLocaleString('en')} channels in use, as many as \`channels.max_open\` allows. Try again later.`,
      )
    }
    const keys = new PublishKeys()
    const log = this.#log(name, found, keys)
    if (!(log instanceof Promise)) return this.#add({ name, found, owner, log, keys })
    const table = this.#table
    const opening = log.then(
      (opened) => {
        this.#opening.delete(name)
        const channel = this.#add({ name, found, owner, log: opened, keys })
        if (this.#table !== null && this.#table !== table) this.redeclare(this.#table)
        return channel
      },
      (error: unknown) => {
        this.#opening.delete(name)
        throw error
      },
    )
    this.#opening.set(name, opening)
    return opening
  }

  /** Adds a message. The offset comes at once, or when the message is on disk. Throws as `open`, and `storage_full`. */
  publish(name: string, found: FoundChannel, { chunk, key, owner }: Publication): number | Promise<number> {
    return after(this.open(name, found, owner), (channel) => this.#publish(channel, chunk, key))
  }

  /** Drops old messages and evicts unused channels. */
  tidy(): void {
    this.#tidyPosition = null
    for (const channel of this.#channels.values()) this.#tidyOne(channel)
  }

  /** Closes all of them; their readers end with the reason. */
  dismiss(error: StreamstackError): void {
    for (const [name, channel] of this.#channels) this.#letGo(name, channel, error)
  }

  #publish(channel: Channel, chunk: Chunk, key: string | null): number | Promise<number> {
    this.#makeRoom(channel)
    this.#budgets.use(channel)
    const offset = channel.publish(chunk, key)
    this.#count(channel)
    if (!(offset instanceof Promise)) return offset
    return offset.then(
      (kept) => {
        this.#count(channel)
        return kept
      },
      (error: unknown) => {
        const { code } = toStreamstackError(error)
        // The disk has the valid state; the next user reads it again.
        const isSound = code === 'unavailable' || code === 'storage_full'
        if (!isSound && this.#channels.get(channel.name) === channel) this.#letGo(channel.name, channel, broken())
        throw error
      },
    )
  }

  /** How many are open or being opened. */
  get #used(): number {
    return this.#channels.size + this.#opening.size
  }

  #add(opened: Pick<ChannelOptions, 'name' | 'found' | 'owner' | 'log' | 'keys'>): Channel {
    const { name } = opened
    const channel = new Channel({
      ...opened,
      nowMs: this.#options.nowMs,
      check: (now, claims) => this.#guard.check('subscribe', name, now, claims),
      onFailure: (now, condition, error) => this.#guard.conditionFailed(now, condition, error),
      onShown: (now) => this.#options.observer.published(now.channel.pattern.text),
    })
    this.#channels.set(name, channel)
    this.#budgets.add(channel)
    this.#count(channel)
    this.#tidyTimer ??= setInterval(() => this.#tidySome(), TIDY_MS).unref()
    return channel
  }

  #log(name: string, { channel: { delivery } }: FoundChannel, keys: PublishKeys): ChannelLog | Promise<ChannelLog> {
    const { nowMs } = this.#options
    const base = Math.max(Math.floor(nowMs()) * OFFSETS_PER_MS, this.#greatestOffset + 1)
    if (delivery === 'memory')
      return new HistoryLog({ after: base, bytesMax: this.#options.settings().windowBytes, nowMs })
    return openDurableLog({
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

  #letGo(name: string, channel: Channel, error: StreamstackError | null): void {
    this.#channels.delete(name)
    this.#budgets.remove(channel)
    this.#bytesHeld -= channel.countedBytes
    this.#greatestOffset = Math.max(this.#greatestOffset, channel.log.lastOffset)
    if (error !== null) channel.close(error)
    if (this.#channels.size > 0) return
    clearInterval(this.#tidyTimer)
    this.#tidyTimer = undefined
    // It would hold on to what the map held when it was begun.
    this.#tidyPosition = null
  }

  #count(channel: Channel): void {
    if (this.#channels.get(channel.name) !== channel) return
    const bytes = channel.bytesHeld
    this.#bytesHeld += bytes - channel.countedBytes
    this.#budgets.count(channel, bytes - channel.countedBytes)
    channel.countedBytes = bytes
  }

  /** Makes room for one more channel of a caller and of a declaration. Throws `channel_full`. */
  #demandShare({ channel: { pattern } }: FoundChannel, owner: string | null, maxOpen: number): void {
    const own = this.#budgets.ofCaller(owner)
    if (owner !== null && own.count >= maxOpen * CALLER_SHARE && !this.#evictOne(own, null)) {
      throw full('This caller has as many channels in use as one may have. Leave some, or try again later.')
    }
    if (this.#declarationShare === 1) return
    const declared = this.#budgets.ofDeclaration(pattern.text)
    if (declared.count >= maxOpen * this.#declarationShare && !this.#evictOne(declared, null)) {
      throw full('As many channels of this declaration are in use as may be. Try again later.')
    }
  }

  /** Makes room for a message. Throws `storage_full` when the channels, or those of its caller or declaration, hold as much as they may and are all in use. */
  #makeRoom(channel: Channel): void {
    const { memoryBytes } = this.#options.settings()
    const { owner, declared } = channel
    if (owner !== null) this.#shrink(this.#budgets.ofCaller(owner), memoryBytes * CALLER_SHARE, channel)
    this.#shrink(this.#budgets.ofDeclaration(declared), memoryBytes * this.#declarationShare, channel)
    if (this.#bytesHeld < memoryBytes) return
    this.#tidyAll()
    while (this.#bytesHeld >= memoryBytes) {
      if (!this.#evictOne(this.#budgets.largestCaller(), channel)) throw noRoom()
    }
  }

  #shrink(share: ChannelShare, bytesMax: number, needy: Channel): void {
    while (share.bytes >= bytesMax) if (!this.#evictOne(share, needy)) throw noRoom()
  }

  /** Evicts the channel of a share that is idle for longest. Returns whether there was one. */
  #evictOne(share: ChannelShare | null, needy: Channel | null): boolean {
    const channel = share?.idle(needy) ?? null
    if (channel === null) return false
    this.#letGo(channel.name, channel, null)
    this.#options.observer.evicted(channel.declared)
    return true
  }

  /** A declaration that is alone may have everything. */
  get #declarationShare(): number {
    return (this.#table?.channels.length ?? 0) > 1 ? DECLARATION_SHARE : 1
  }

  #tidyAll(): void {
    const nowMs = performance.now()
    if (nowMs - this.#madeRoomAtMs < MAKE_ROOM_MS) return
    this.#madeRoomAtMs = nowMs
    this.tidy()
    if (this.#used < this.#options.settings().maxOpen) return
    for (const [name, channel] of this.#channels) if (channel.isDispensable) this.#letGo(name, channel, null)
  }

  /** A part of the channels at a time, so that very many of them do not block the event loop. */
  #tidySome(): void {
    const position = (this.#tidyPosition ??= this.#channels.values())
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
    const tidied = (): void => {
      this.#count(channel)
      if (channel.isUnused && this.#channels.get(channel.name) === channel) this.#letGo(channel.name, channel, null)
    }
    const failed = (error: unknown): void => {
      this.#options.log.error({ channel: channel.name, err: error }, 'a channel could not be looked after')
      if (this.#channels.get(channel.name) === channel) this.#letGo(channel.name, channel, broken())
    }
    try {
      const tidy = channel.tidy()
      if (tidy instanceof Promise) tidy.then(tidied, failed)
      else tidied()
    } catch (error) {
      failed(error)
    }
  }
}

function stillFound(table: ChannelTable, name: string, channel: Channel): FoundChannel | StreamstackError {
  try {
    const found = table.find(name)
    return found.channel.delivery === channel.found.channel.delivery ? found : broken()
  } catch (error) {
    if (error instanceof StreamstackError) return error
    throw error
  }
}

function full(message: string): StreamstackError {
  return new StreamstackError('channel_full', message, { retryAfterMs: MAKE_ROOM_MS * 5 })
}

function noRoom(): StreamstackError {
  return new StreamstackError(
    'storage_full',
    'The channels hold as many messages in memory as `channels.memory_bytes` allows, or those of one caller or declaration their part of it. Raise it, or let channels keep less history.',
  )
}

function broken(): StreamstackError {
  return new StreamstackError('unavailable', 'The channel begins anew. Subscribe again.', { retryAfterMs: 1_000 })
}
