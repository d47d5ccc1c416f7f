import { StreamstackError } from '@streamstack/protocol'
import type { Caller } from '../access/index.ts'
import type { ChannelsOptions } from './channels-options.ts'
import { pathOfName } from './name-pattern.ts'
import { Presence, type PresenceMember } from './presence.ts'

/** The presence of each channel that has members or readers of its presence. */
export class Presences {
  readonly #options: ChannelsOptions
  readonly #presences = new Map<string, Presence>()

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

  /** The rules have changed: `check` throws when this caller may not be there any more. */
  recheck(check: (name: string, caller: Caller) => void): void {
    for (const [name, presence] of this.#presences) presence.recheck((caller) => check(name, caller))
  }

  /** Sends everybody away. */
  dismiss(error: StreamstackError): void {
    for (const presence of this.#presences.values()) presence.close(error)
  }
}
