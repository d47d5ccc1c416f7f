import type { Value } from '@streamstack/protocol'
import { startLongTimer } from '../definition/index.ts'
import { type ObservedAnswer, type Outbound, createOutbound } from '../outbound/index.ts'
import type { Settings } from '../workspace/index.ts'

/** A key set is small, so a fetch that takes longer has failed. */
const KEY_SET_BYTES_MAX = 1_048_576
const KEY_SET_TIMEOUT_MS = 10_000

/** A head of the audit that its webhook does not take in this time is sent with the next. */
const HEAD_TIMEOUT_MS = 5_000

/** The door itself breaks off what is under way when it closes. */
const NEVER = new AbortController().signal

/** The outbound door of a workspace: other settings replace it, while calls under way continue through the old one. */
export class OutwardDoor {
  readonly #onAnswer: ((answer: ObservedAnswer) => void) | undefined
  #current: Outbound

  constructor(settings: Settings, ownUrl: string | null, onAnswer: ((answer: ObservedAnswer) => void) | undefined) {
    this.#onAnswer = onAnswer
    this.#current = this.#open(settings, ownUrl)
  }

  /** The door under the current settings. Ask for it at each call, since a reload replaces it. */
  get current(): Outbound {
    return this.#current
  }

  /** Opens another door. The old one closes after the longest time that a run may take. */
  replace(settings: Settings, ownUrl: string | null): void {
    const old = this.#current
    this.#current = this.#open(settings, ownUrl)
    startLongTimer(() => void old.close(), settings.limits.maxDurationMs).unref()
  }

  /** Fetches a key set. */
  async fetchKeys(url: string): Promise<unknown> {
    return (
      await this.#current.request({
        url,
        totalTimeoutMs: KEY_SET_TIMEOUT_MS,
        maxBytes: KEY_SET_BYTES_MAX,
        signal: NEVER,
      })
    ).body
  }

  /** Sends a head of the audit to its webhook. */
  async postHead(url: string, authorization: string | null, body: object): Promise<void> {
    await this.#current.request({
      method: 'POST',
      url,
      headers: authorization === null ? {} : { Authorization: authorization },
      body: body as Value,
      totalTimeoutMs: HEAD_TIMEOUT_MS,
      signal: NEVER,
    })
  }

  close(): Promise<void> {
    return this.#current.close()
  }

  #open({ outbound }: Settings, ownUrl: string | null): Outbound {
    const onAnswer = this.#onAnswer
    return createOutbound({ ...outbound, ownUrl, ...(onAnswer !== undefined && { onAnswer }) })
  }
}
