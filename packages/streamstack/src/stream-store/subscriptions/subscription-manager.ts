import { after } from '../../storage/index.ts'
import type { LiveStream } from '../live-stream.ts'
import type { StreamEvent, StreamStore } from '../stream-store.ts'
import { matchesPattern } from './name-pattern.ts'
import { SubscriptionError } from './subscription-error.ts'
import { type StreamStatus, SubscriptionLinks } from './subscription-links.ts'
import { type Link, type Subscription, type SubscriptionConfig, fromText, toText } from './subscription.ts'
import { WakeTokens } from './wake-token.ts'
import { type DeliverWake, Wakes } from './wakes.ts'

const SUBSCRIPTIONS_MAX = 1_000
const DOCUMENT_PREFIX = 'subscription/'

/** What a worker says of its work. */
export interface Acknowledgement {
  readonly wakeId: string
  readonly generation: number
  readonly acks: readonly { readonly stream: string; readonly offset: string }[]
  readonly isDone: boolean
}

export interface SubscriptionOptions {
  readonly store: StreamStore
  /** What `keptSubscriptions` has read. */
  readonly kept: Iterable<string>
  readonly deliver: DeliverWake
  readonly onError: (error: unknown) => void
}

/** The subscriptions that a store keeps, as text. */
export function keptSubscriptions(store: StreamStore): Iterable<string> | Promise<Iterable<string>> {
  return after(store.documents(DOCUMENT_PREFIX), (documents) => documents.values())
}

/**
 * Calls workers when there is something to read in the streams that they have subscribed to: by a webhook, or by a message in a stream that
 * they follow (Durable Streams, "Subscriptions"). One worker at a time, for as long as its lease; what it has acknowledged is kept, what it has
 * not is given out again.
 */
export class SubscriptionManager {
  readonly #options: SubscriptionOptions
  readonly #tokens = new WakeTokens()
  readonly #subscriptions = new Map<string, Subscription>()
  /** Subscriptions whose streams are being looked up: they follow streams that are created meanwhile, and call no worker yet. */
  readonly #beginning = new Map<string, Subscription>()
  readonly #links: SubscriptionLinks
  readonly #wakes: Wakes

  constructor(options: SubscriptionOptions) {
    this.#options = options
    this.#links = new SubscriptionLinks(options.store)
    this.#wakes = new Wakes({
      store: options.store,
      links: this.#links,
      tokens: this.#tokens,
      deliver: options.deliver,
      onError: options.onError,
      keep: (subscription) => this.#keep(subscription),
      isActive: (subscription) => this.#subscriptions.get(subscription.id) === subscription,
    })
    for (const text of options.kept) {
      const subscription = fromText(text)
      this.#subscriptions.set(subscription.id, subscription)
      this.#links.resume(subscription)
    }
    options.store.listen((event, stream) => this.#changed(event, stream))
    for (const subscription of this.#subscriptions.values())
      this.#background(() => this.#wakes.wakeIfPending(subscription))
  }

  /** Makes a subscription, or finds it as it was asked for. */
  async put(
    id: string,
    config: SubscriptionConfig,
    baseUrl: string,
  ): Promise<{ isNew: boolean; subscription: Subscription }> {
    const existing = this.#subscriptions.get(id) ?? this.#beginning.get(id)
    if (existing !== undefined) {
      if (JSON.stringify(existing.config) === JSON.stringify(config)) return { isNew: false, subscription: existing }
      throw new SubscriptionError('SUBSCRIPTION_ALREADY_EXISTS', 'The subscription exists, made with something else.')
    }
    if (this.#subscriptions.size + this.#beginning.size >= SUBSCRIPTIONS_MAX) {
      throw new SubscriptionError(
        'INVALID_REQUEST',
        `There are ${SUBSCRIPTIONS_MAX} subscriptions already; delete one.`,
      )
    }
    const createdAt = new Date().toISOString()
    const links = new Map<string, Link>()
    const subscription: Subscription = {
      id,
      config,
      baseUrl,
      createdAt,
      links,
      generation: 0,
      wake: null,
      failures: 0,
      timer: null,
    }
    this.#beginning.set(id, subscription)
    try {
      await this.#links.begin(subscription)
    } catch (error) {
      this.#links.leaveAll(subscription)
      throw error
    } finally {
      this.#beginning.delete(id)
    }
    this.#subscriptions.set(id, subscription)
    await this.#keep(subscription)
    this.#background(() => this.#wakes.wakeIfPending(subscription))
    return { isNew: true, subscription }
  }

  get(id: string): Subscription {
    const subscription = this.#subscriptions.get(id)
    if (subscription === undefined)
      throw new SubscriptionError('SUBSCRIPTION_NOT_FOUND', 'There is no such subscription.')
    return subscription
  }

  async delete(id: string): Promise<void> {
    const subscription = this.#subscriptions.get(id)
    if (subscription === undefined) return
    this.#subscriptions.delete(id)
    this.#wakes.stopTimer(subscription)
    this.#links.leaveAll(subscription)
    await this.#options.store.putDocument(DOCUMENT_PREFIX + id, null)
  }

  async addStreams(id: string, names: readonly string[]): Promise<void> {
    const subscription = this.get(id)
    for (const name of names) {
      this.#links.follow(subscription, name, { isExplicit: true, acked: await this.#links.tail(name) })
    }
    await this.#keep(subscription)
  }

  async removeStream(id: string, name: string): Promise<void> {
    const subscription = this.get(id)
    const link = subscription.links.get(name)
    if (link === undefined) return
    link.isExplicit = false
    if (!link.isMatched) this.#links.leave(subscription, name)
    await this.#keep(subscription)
  }

  streams(subscription: Subscription): Promise<readonly StreamStatus[]> {
    return this.#links.statuses(subscription)
  }

  /** Takes the work for a worker, and gives the token to acknowledge it. */
  async claim(id: string, worker: string): Promise<{ subscription: Subscription; wakeId: string; token: string }> {
    const subscription = this.#pull(id)
    demandUnclaimed(subscription)
    const pending = await this.#links.firstPending(subscription)
    // Another worker may have been faster.
    demandUnclaimed(subscription)
    if (pending === null) throw new SubscriptionError('NO_PENDING_WORK', 'There is nothing to do.')
    const isNew = subscription.wake === null
    const taken = subscription.wake ?? this.#wakes.open(subscription)
    taken.holder = worker
    this.#wakes.startLease(subscription)
    if (isNew) await this.#keep(subscription)
    return { subscription, wakeId: taken.id, token: this.#tokens.make(id, subscription.generation) }
  }

  /** Notes what a worker has done. True: there is more, and a wake for it is on its way. */
  async acknowledge(
    id: string,
    token: string,
    ack: Acknowledgement,
    type: SubscriptionConfig['type'],
  ): Promise<boolean> {
    const subscription = type === 'pull-wake' ? this.#pull(id) : this.get(id)
    this.#checkToken(subscription, token, ack)
    const positions = await Promise.all(
      ack.acks.map(({ stream, offset }) => this.#links.acknowledged(subscription, stream, offset)),
    )
    // Its lease may have ended while the streams were looked up.
    this.#checkToken(subscription, token, ack)
    for (const { link, position } of positions) link.acked = position
    if (ack.isDone) this.#wakes.end(subscription)
    else this.#wakes.startLease(subscription)
    await this.#keep(subscription)
    return ack.isDone && this.#wakes.wakeIfPending(subscription)
  }

  /** Lets a worker pass whose token was made for a subscription, before anything that it sends is read. Which work it is for is checked with that. */
  checkWorker(id: string, token: string): void {
    if (this.#tokens.generationOf(this.get(id).id, token) === null) throw notForThis()
  }

  /** Gives the work back undone. It is given back also when the next worker cannot be woken. */
  async release(id: string, token: string, ack: Acknowledgement): Promise<void> {
    const subscription = this.#pull(id)
    this.#checkToken(subscription, token, ack)
    this.#wakes.end(subscription)
    await this.#wakes.wakeIfPending(subscription).catch(this.#options.onError)
  }

  close(): void {
    this.#options.store.listen(null)
    for (const subscription of this.#subscriptions.values()) this.#wakes.stopTimer(subscription)
    this.#subscriptions.clear()
    this.#links.clear()
  }

  #pull(id: string): Subscription {
    const subscription = this.get(id)
    if (subscription.config.type === 'pull-wake') return subscription
    throw new SubscriptionError('INVALID_REQUEST', 'The subscription calls a webhook; there is nothing to claim.')
  }

  #changed(event: StreamEvent, stream: LiveStream): void {
    const { name } = stream.record
    if (event === 'removed') {
      for (const subscription of this.#links.followersOf(name)) this.#streamRemoved(subscription, name)
      return
    }
    if (event === 'created') {
      for (const subscription of [...this.#subscriptions.values(), ...this.#beginning.values()]) {
        const { pattern } = subscription.config
        if (pattern === null || !matchesPattern(pattern, name)) continue
        try {
          this.#links.follow(subscription, name, { isMatched: true, acked: -1 })
          this.#background(() => this.#keep(subscription))
        } catch (error) {
          this.#options.onError(error)
        }
      }
    }
    for (const subscription of this.#links.followersOf(name)) {
      if (subscription.wake === null) this.#background(() => this.#wakes.wakeIfPending(subscription))
    }
  }

  /** A stream that was named stays: it may be made again, and is then new. */
  #streamRemoved(subscription: Subscription, name: string): void {
    const link = subscription.links.get(name)
    if (link?.isExplicit === true) link.acked = -1
    else this.#links.leave(subscription, name)
    this.#background(() => this.#keep(subscription))
  }

  #checkToken(subscription: Subscription, token: string, ack: Acknowledgement): void {
    const generation = this.#tokens.generationOf(subscription.id, token)
    if (generation === null) throw notForThis()
    const isCurrent = generation === subscription.generation && ack.generation === generation
    if (isCurrent && subscription.wake !== null && ack.wakeId === subscription.wake.id) return
    throw new SubscriptionError('FENCED', 'The work was given to another, or is done.')
  }

  async #keep(subscription: Subscription): Promise<void> {
    if (!this.#subscriptions.has(subscription.id)) return
    await this.#options.store.putDocument(DOCUMENT_PREFIX + subscription.id, toText(subscription))
  }

  #background(act: () => Promise<unknown>): void {
    act().catch(this.#options.onError)
  }
}

function demandUnclaimed({ wake, generation }: Subscription): void {
  if (wake === null || wake.holder === null) return
  throw new SubscriptionError('ALREADY_CLAIMED', 'Another worker has the work.', {
    current_holder: wake.holder,
    generation,
  })
}

function notForThis(): SubscriptionError {
  return new SubscriptionError('TOKEN_INVALID', 'The token is not for this subscription.')
}
