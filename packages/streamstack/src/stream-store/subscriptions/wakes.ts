import { randomUUID } from 'node:crypto'
import type { StreamStore } from '../stream-store.ts'
import type { StreamStatus, SubscriptionLinks } from './subscription-links.ts'
import type { Subscription, Wake } from './subscription.ts'
import type { WakeTokens } from './wake-token.ts'

const RETRY_MS_MIN = 1_000
const RETRY_MS_MAX = 60_000

/** The body that a webhook receives. */
export interface WakeNotice {
  readonly subscription_id: string
  readonly wake_id: string
  readonly generation: number
  readonly streams: readonly StreamStatus[]
  readonly callback_token: string
}

/** Calls a webhook. Resolves to true if the work is done already. Rejects if it must be called again. */
export type DeliverWake = (subscription: Subscription, notice: WakeNotice) => Promise<boolean>

export interface WakesOptions {
  readonly store: StreamStore
  readonly links: SubscriptionLinks
  readonly tokens: WakeTokens
  readonly deliver: DeliverWake
  readonly onError: (error: unknown) => void
  /** Stores a subscription. */
  readonly keep: (subscription: Subscription) => Promise<void>
  /** Whether a subscription exists; one that is deleted, or still begins, wakes no worker. */
  readonly isActive: (subscription: Subscription) => boolean
}

/** Wakes the workers of subscriptions: calls webhooks, again after failures, or appends to wake streams; and ends leases. */
export class Wakes {
  readonly #store: StreamStore
  readonly #links: SubscriptionLinks
  readonly #tokens: WakeTokens
  readonly #callWebhook: DeliverWake
  readonly #onError: WakesOptions['onError']
  readonly #keep: WakesOptions['keep']
  readonly #isActive: WakesOptions['isActive']

  constructor({ store, links, tokens, deliver, onError, keep, isActive }: WakesOptions) {
    this.#store = store
    this.#links = links
    this.#tokens = tokens
    this.#callWebhook = deliver
    this.#onError = onError
    this.#keep = keep
    this.#isActive = isActive
  }

  /** Wakes a worker if there is something to read and no wake is open. Returns true if a wake is on its way. */
  async wakeIfPending(subscription: Subscription): Promise<boolean> {
    if (!this.#isAsleep(subscription) || (await this.#links.firstPending(subscription)) === null) return false
    // Another event may have woken it.
    if (!this.#isAsleep(subscription)) return false
    const { generation } = subscription
    this.open(subscription)
    // Stored before a worker receives the generation, so that no later wake reuses it after a crash.
    await this.#keep(subscription)
    if (subscription.generation !== generation + 1) return true
    if (subscription.config.type === 'webhook') await this.#deliver(subscription)
    else await this.#announce(subscription)
    return true
  }

  /** Opens the next wake, which fences all earlier ones. */
  open(subscription: Subscription): Wake {
    subscription.generation += 1
    subscription.wake = { id: `w_${randomUUID()}`, holder: null }
    return subscription.wake
  }

  /** Ends the wake and its timer. */
  end(subscription: Subscription): void {
    this.stopTimer(subscription)
    subscription.wake = null
  }

  /** Begins, or renews, the lease of a worker. When it ends, the next worker can claim the work. */
  startLease(subscription: Subscription): void {
    this.stopTimer(subscription)
    subscription.timer = setTimeout(() => {
      this.end(subscription)
      this.#background(() => this.wakeIfPending(subscription))
    }, subscription.config.leaseTtlMs).unref()
  }

  /** Stops the lease, or the next retry of a webhook. */
  stopTimer(subscription: Subscription): void {
    if (subscription.timer !== null) clearTimeout(subscription.timer)
    subscription.timer = null
  }

  #isAsleep(subscription: Subscription): boolean {
    return subscription.wake === null && this.#isActive(subscription)
  }

  async #deliver(subscription: Subscription): Promise<void> {
    const { wake, generation } = subscription
    if (wake === null) return
    this.startLease(subscription)
    // Positions from before the call: a webhook that is done has not seen later chunks.
    const snapshot = await this.#links.tails(subscription)
    const streams = await this.#links.statuses(subscription)
    if (subscription.wake !== wake) return
    const notice: WakeNotice = {
      subscription_id: subscription.id,
      wake_id: wake.id,
      generation,
      streams,
      callback_token: this.#tokens.make(subscription.id, generation),
    }
    this.#callWebhook(subscription, notice).then(
      (isDone) => {
        subscription.failures = 0
        if (!isDone || subscription.wake !== wake) return
        for (const [name, position] of snapshot) {
          const link = subscription.links.get(name)
          if (link !== undefined) link.acked = Math.max(link.acked, position)
        }
        this.end(subscription)
        this.#background(() => this.#keep(subscription))
        this.#background(() => this.wakeIfPending(subscription))
      },
      () => {
        subscription.failures += 1
        if (subscription.wake !== wake || !this.#isActive(subscription)) return
        this.stopTimer(subscription)
        const again = (): void => this.#background(() => this.#deliver(subscription))
        subscription.timer = setTimeout(again, retryMs(subscription.failures)).unref()
      },
    )
  }

  /** Appends to the wake stream, without waiting for its readers. */
  async #announce(subscription: Subscription): Promise<void> {
    const { id, config, generation } = subscription
    const stream = (await this.#links.firstPending(subscription)) ?? ''
    const event = { type: 'wake', subscription_id: id, stream, generation, ts: Date.now() }
    await this.#store.append(config.wakeStream ?? '', {
      contentType: 'application/json',
      data: Buffer.from(`${JSON.stringify(event)},`),
      close: false,
      producer: null,
      sequence: null,
    })
  }

  #background(act: () => Promise<unknown>): void {
    act().catch(this.#onError)
  }
}

/** Doubles with each failure, with a random fifth, so that deliveries that failed together are not retried together. */
function retryMs(failures: number): number {
  const base = Math.min(RETRY_MS_MIN * 2 ** (failures - 1), RETRY_MS_MAX)
  return base * (0.8 + 0.4 * Math.random())
}
