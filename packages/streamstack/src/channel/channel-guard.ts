import { type Caller, cannotCheckTokens } from '../access/index.ts'
import type { FailedCondition } from './channel.ts'
import { type FoundChannel, unknownChannel } from './channel-table.ts'
import type { ChannelsOptions } from './channels-options.ts'
import { type ChannelAct, allow, needsToken } from './rule.ts'

/** Checks the rights on channels, by the rules in their declarations. */
export class ChannelGuard {
  readonly #options: ChannelsOptions
  /** Conditions that have failed since they were declared, told once. */
  readonly #told = new WeakMap<object, Set<FailedCondition>>()

  constructor(options: ChannelsOptions) {
    this.#options = options
  }

  /**
   * Lets this caller pass, or throws.
   *
   * @throws StreamstackError `channel_unknown`, `unauthenticated`, `forbidden`, and `unavailable` when a token is needed and none can be checked.
   */
  check(act: ChannelAct, name: string, found: FoundChannel, caller: Caller): void {
    const { channel, parameters } = found
    const rule = channel[act]
    // A channel for steps alone is hidden from all callers.
    if (channel.publish === null && channel.subscribe === null && channel.presence === null) throw unknownChannel()
    if (rule !== null && caller.claims === null && needsToken(rule) && !this.#options.checksTokens()) {
      throw cannotCheckTokens('This channel wants')
    }
    const context = { auth: caller.claims, channel: name, parameters, message: null, metadata: null }
    allow(act, rule, context, (error) => this.conditionFailed(found, act, error))
  }

  /** Tells the log that a condition failed, once for each that is declared. */
  conditionFailed({ channel }: FoundChannel, condition: FailedCondition, error: unknown): void {
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
