import { StreamstackError, type Value } from '@streamstack/protocol'
import type { Caller } from '../access/index.ts'
import { ownerOf } from './channel-owner.ts'
import type { ChannelsOptions } from './channels-options.ts'
import { pathOfName } from './name-pattern.ts'
import { Presence, type PresenceMember } from './presence.ts'

/** Of `channels.memory_bytes`, what the members of all channels may show of themselves, and the part of it for one caller. */
const MEMORY_SHARE = 1 / 4
const CALLER_SHARE = 1 / 2

/** What a member costs besides its data, about. */
const MEMBER_BYTES = 512

/** A member on one connection, with the data that others see. */
export interface Arrival {
  /** Unique among all connections. */
  readonly connection: string
  readonly data: Value
}

/** The presence of each channel that has members or readers of its presence. */
export class Presences {
  readonly #options: ChannelsOptions
  readonly #presences = new Map<string, Presence>()
  #bytes = 0
  readonly #callerBytes = new Map<string, number>()

  constructor(options: ChannelsOptions) {
    this.#options = options
  }

  /** Members of all channels. */
  get memberCount(): number {
    let count = 0
    for (const presence of this.#presences.values()) count += presence.memberCount
    return count
  }

  /** Returns the current members of a channel. */
  members(name: string): readonly PresenceMember[] {
    return this.#presences.get(name)?.members ?? []
  }

  /** The presence of a channel, made when it is used. Throws `channel_full`. */
  open(name: string): Presence {
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

  /** Adds a member to a channel for one connection; the returned function ends that connection. Throws `channel_full`. */
  enter(name: string, caller: Caller, { connection, data }: Arrival): () => void {
    const bytes = MEMBER_BYTES + JSON.stringify(data).length
    const owner = ownerOf(caller)
    this.#hold(owner, bytes)
    try {
      const leave = this.open(name).enter(caller, connection, data)
      let isGone = false
      return () => {
        if (isGone) return
        isGone = true
        this.#release(owner, bytes)
        leave()
      }
    } catch (error) {
      this.#release(owner, bytes)
      throw error
    }
  }

  /** The rules have changed: `check` throws when this caller may not be there any more. */
  recheck(check: (name: string, caller: Caller) => void): void {
    for (const [name, presence] of this.#presences) presence.recheck((caller) => check(name, caller))
  }

  /** Removes all members. */
  dismiss(error: StreamstackError): void {
    for (const presence of this.#presences.values()) presence.close(error)
  }

  #hold(owner: string | null, bytes: number): void {
    const bytesMax = this.#options.settings().memoryBytes * MEMORY_SHARE
    const own = owner === null ? 0 : (this.#callerBytes.get(owner) ?? 0)
    if (this.#bytes + bytes > bytesMax || own + bytes > bytesMax * CALLER_SHARE) {
      throw new StreamstackError(
        'channel_full',
        'The members of all channels, or those of one caller, show as much data as they may. Come with less data, or later.',
      )
    }
    this.#bytes += bytes
    if (owner !== null) this.#callerBytes.set(owner, own + bytes)
  }

  #release(owner: string | null, bytes: number): void {
    this.#bytes -= bytes
    if (owner === null) return
    const left = (this.#callerBytes.get(owner) ?? 0) - bytes
    if (left > 0) this.#callerBytes.set(owner, left)
    else this.#callerBytes.delete(owner)
  }
}
