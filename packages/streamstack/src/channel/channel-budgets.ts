import type { Channel } from './channel.ts'

/** Of all channels and their bytes, the part that those of one caller may be. */
export const CALLER_SHARE = 1 / 2

/** The same for the channels of one declaration, where there are others. */
export const DECLARATION_SHARE = 3 / 4

/** Channels that are looked at for one that is idle; those in use go to the end of the line. */
const LOOKED_AT_MAX = 100

/** Channels that count against one budget, those that were not used for longest first. */
export class ChannelShare {
  bytes = 0
  readonly #channels = new Set<Channel>()

  get count(): number {
    return this.#channels.size
  }

  add(channel: Channel): void {
    this.#channels.add(channel)
  }

  remove(channel: Channel): void {
    this.#channels.delete(channel)
  }

  /** It was used just now. */
  use(channel: Channel): void {
    this.#channels.delete(channel)
    this.#channels.add(channel)
  }

  /** Of those that were not used for longest, one that has nothing to lose, else the first that is idle; null: all are in use. `other`: the channel that needs room. */
  idle(other: Channel | null): Channel | null {
    let idle: Channel | null = null
    const used: Channel[] = []
    let looked = 0
    for (const channel of this.#channels) {
      if (++looked > LOOKED_AT_MAX) break
      if (channel === other || !channel.isIdle) used.push(channel)
      else if (channel.isDispensable) return channel
      else idle ??= channel
    }
    for (const channel of used) this.use(channel)
    return idle
  }
}

const NOTHING = new ChannelShare()

/** What the open channels of each caller and of each declaration hold. */
export class ChannelBudgets {
  /** By caller; '' for steps of the workspace. */
  readonly #callers = new Map<string, ChannelShare>()
  /** By the name in the declaration. */
  readonly #declarations = new Map<string, ChannelShare>()

  /** Null: a step of the workspace. */
  ofCaller(owner: string | null): ChannelShare {
    return this.#callers.get(owner ?? '') ?? NOTHING
  }

  ofDeclaration(declared: string): ChannelShare {
    return this.#declarations.get(declared) ?? NOTHING
  }

  add(channel: Channel): void {
    for (const share of this.#sharesOf(channel)) share.add(channel)
  }

  remove(channel: Channel): void {
    for (const share of this.#sharesOf(channel)) {
      share.remove(channel)
      share.bytes -= channel.countedBytes
    }
    forget(this.#callers, channel.owner ?? '')
    forget(this.#declarations, channel.declared)
  }

  use(channel: Channel): void {
    for (const share of this.#sharesOf(channel)) share.use(channel)
  }

  /** Counts more bytes of a channel, or fewer. */
  count(channel: Channel, bytes: number): void {
    for (const share of this.#sharesOf(channel)) share.bytes += bytes
  }

  /** The caller whose channels hold most. */
  largestCaller(): ChannelShare | null {
    let largest: ChannelShare | null = null
    for (const share of this.#callers.values()) if (largest === null || share.bytes > largest.bytes) largest = share
    return largest
  }

  #sharesOf({ owner, declared }: Channel): readonly ChannelShare[] {
    return [shareIn(this.#callers, owner ?? ''), shareIn(this.#declarations, declared)]
  }
}

function shareIn(shares: Map<string, ChannelShare>, name: string): ChannelShare {
  let share = shares.get(name)
  if (share === undefined) {
    share = new ChannelShare()
    shares.set(name, share)
  }
  return share
}

function forget(shares: Map<string, ChannelShare>, name: string): void {
  if (shares.get(name)?.count === 0) shares.delete(name)
}
