import { randomUUID } from 'node:crypto'
import type { LiveStream } from '../live-stream.ts'
import { formatOffset, parseStreamOffset } from '../offset.ts'
import type { StreamEvent, StreamStore } from '../stream-store.ts'
import { matchesPattern } from './name-pattern.ts'
import { SubscriptionError } from './subscription-error.ts'
import { type Link, type Subscription, type SubscriptionConfig, fromText, toText } from './subscription.ts'
import { WakeTokens } from './wake-token.ts'

const SUBSCRIPTIONS_MAX = 1_000
/** Streams of one subscription. */
const LINKS_MAX = 10_000
const RETRY_MS_MIN = 1_000
const RETRY_MS_MAX = 60_000
const DOCUMENT_PREFIX = 'subscription/'
const ZERO_OFFSET = '0000000000000000_0000000000000000'

/** A stream of a subscription, as the wire tells of it. */
export interface StreamStatus {
  readonly path: string
  readonly link_type: 'explicit' | 'glob'
  readonly acked_offset: string
  readonly tail_offset: string
  readonly has_pending: boolean
}

/** What a webhook is told. */
export interface WakeNotice {
  readonly subscription_id: string
  readonly wake_id: string
  readonly generation: number
  readonly streams: readonly StreamStatus[]
  readonly callback_token: string
}

/** What a worker says of its work. */
export interface Acknowledgement {
  readonly wakeId: string
  readonly generation: number
  readonly acks: readonly { readonly stream: string; readonly offset: string }[]
  readonly isDone: boolean
}

export interface SubscriptionOptions {
  readonly store: StreamStore
  /** Calls a webhook. True: the work is done already. Rejects when it must be called again. */
  readonly deliver: (subscription: Subscription, notice: WakeNotice) => Promise<boolean>
  readonly onError: (error: unknown) => void
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
  /** Who is to be called for a stream. */
  readonly #linked = new Map<string, Set<Subscription>>()

  constructor(options: SubscriptionOptions) {
    this.#options = options
    for (const text of options.store.documents(DOCUMENT_PREFIX).values()) this.#add(fromText(text))
    options.store.listen((event, stream) => this.#changed(event, stream))
    for (const subscription of this.#subscriptions.values()) this.#background(() => this.#wakeIfPending(subscription))
  }

  /** Makes a subscription, or finds it as it was asked for. */
  async put(
    id: string,
    config: SubscriptionConfig,
    baseUrl: string,
  ): Promise<{ isNew: boolean; subscription: Subscription }> {
    const existing = this.#subscriptions.get(id)
    if (existing !== undefined) {
      if (JSON.stringify(existing.config) === JSON.stringify(config)) return { isNew: false, subscription: existing }
      throw new SubscriptionError('SUBSCRIPTION_ALREADY_EXISTS', 'The subscription exists, made with something else.')
    }
    if (this.#subscriptions.size >= SUBSCRIPTIONS_MAX) {
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
    for (const name of config.streams) this.#link(subscription, name, { isExplicit: true, acked: this.#tail(name) })
    if (config.pattern !== null) {
      for (const name of this.#matching(config.pattern)) {
        this.#link(subscription, name, { isMatched: true, acked: this.#tail(name) })
      }
    }
    this.#add(subscription)
    await this.#keep(subscription)
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
    this.#stopTimer(subscription)
    for (const name of subscription.links.keys()) this.#linked.get(name)?.delete(subscription)
    await this.#options.store.putDocument(DOCUMENT_PREFIX + id, null)
  }

  async addStreams(id: string, names: readonly string[]): Promise<void> {
    const subscription = this.get(id)
    for (const name of names) this.#link(subscription, name, { isExplicit: true, acked: this.#tail(name) })
    await this.#keep(subscription)
  }

  async removeStream(id: string, name: string): Promise<void> {
    const subscription = this.get(id)
    const link = subscription.links.get(name)
    if (link === undefined) return
    link.isExplicit = false
    if (!link.isMatched) this.#unlink(subscription, name)
    await this.#keep(subscription)
  }

  streams({ links }: Subscription): readonly StreamStatus[] {
    return [...links].map(([path, link]) => {
      const stream = this.#options.store.find(path)
      const family = stream?.record.family ?? null
      return {
        path,
        link_type: link.isExplicit ? 'explicit' : 'glob',
        acked_offset: link.acked < 0 ? '-1' : family === null ? ZERO_OFFSET : formatOffset(link.acked, family),
        tail_offset: stream === null || family === null ? ZERO_OFFSET : formatOffset(stream.visibleTail, family),
        has_pending: stream !== null && isPending(stream, link),
      }
    })
  }

  /** Takes the work for a worker, and gives the token to acknowledge it. */
  async claim(id: string, worker: string): Promise<{ subscription: Subscription; wakeId: string; token: string }> {
    const subscription = this.#pull(id)
    const { wake } = subscription
    if (wake !== null && wake.holder !== null) {
      throw new SubscriptionError('ALREADY_CLAIMED', 'Another worker has the work.', {
        current_holder: wake.holder,
        generation: subscription.generation,
      })
    }
    if (!this.#hasPending(subscription)) throw new SubscriptionError('NO_PENDING_WORK', 'There is nothing to do.')
    const taken = wake ?? this.#newWake(subscription)
    taken.holder = worker
    this.#startLease(subscription)
    if (wake === null) await this.#keep(subscription)
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
    const positions = ack.acks.map(({ stream, offset }) => this.#ackPosition(subscription, stream, offset))
    for (const { link, position } of positions) link.acked = position
    if (ack.isDone) this.#endWake(subscription)
    else this.#startLease(subscription)
    await this.#keep(subscription)
    return ack.isDone && this.#wakeIfPending(subscription)
  }

  /** Gives the work back undone. */
  async release(id: string, token: string, ack: Acknowledgement): Promise<void> {
    const subscription = this.#pull(id)
    this.#checkToken(subscription, token, ack)
    this.#endWake(subscription)
    await this.#wakeIfPending(subscription)
  }

  close(): void {
    this.#options.store.listen(null)
    for (const subscription of this.#subscriptions.values()) this.#stopTimer(subscription)
    this.#subscriptions.clear()
    this.#linked.clear()
  }

  #pull(id: string): Subscription {
    const subscription = this.get(id)
    if (subscription.config.type === 'pull-wake') return subscription
    throw new SubscriptionError('INVALID_REQUEST', 'The subscription calls a webhook; there is nothing to claim.')
  }

  #changed(event: StreamEvent, stream: LiveStream): void {
    const { name } = stream.record
    if (event === 'removed') {
      for (const subscription of this.#linked.get(name) ?? []) this.#streamRemoved(subscription, name)
      return
    }
    if (event === 'created') {
      for (const subscription of this.#subscriptions.values()) {
        const { pattern } = subscription.config
        if (pattern === null || !matchesPattern(pattern, name)) continue
        try {
          this.#link(subscription, name, { isMatched: true, acked: -1 })
          this.#background(() => this.#keep(subscription))
        } catch (error) {
          this.#options.onError(error)
        }
      }
    }
    for (const subscription of this.#linked.get(name) ?? []) {
      if (subscription.wake === null) this.#background(() => this.#wakeIfPending(subscription))
    }
  }

  /** A stream that was named stays: it may be made again, and is then new. */
  #streamRemoved(subscription: Subscription, name: string): void {
    const link = subscription.links.get(name)
    if (link?.isExplicit === true) link.acked = -1
    else this.#unlink(subscription, name)
    this.#background(() => this.#keep(subscription))
  }

  #add(subscription: Subscription): void {
    this.#subscriptions.set(subscription.id, subscription)
    for (const name of subscription.links.keys()) this.#watch(subscription, name)
  }

  #link(subscription: Subscription, name: string, { acked, ...type }: Partial<Link> & { acked: number }): void {
    const { links } = subscription
    const known = links.get(name)
    if (known !== undefined) {
      Object.assign(known, type)
      return
    }
    if (links.size >= LINKS_MAX) {
      throw new SubscriptionError(
        'INVALID_REQUEST',
        `A subscription can follow ${LINKS_MAX} streams; use a narrower pattern.`,
      )
    }
    links.set(name, { isExplicit: false, isMatched: false, acked, ...type })
    if (this.#subscriptions.has(subscription.id)) this.#watch(subscription, name)
  }

  #watch(subscription: Subscription, name: string): void {
    const known = this.#linked.get(name)
    if (known === undefined) this.#linked.set(name, new Set([subscription]))
    else known.add(subscription)
  }

  #unlink(subscription: Subscription, name: string): void {
    subscription.links.delete(name)
    const linked = this.#linked.get(name)
    linked?.delete(subscription)
    if (linked?.size === 0) this.#linked.delete(name)
  }

  #matching(pattern: string): string[] {
    const found: string[] = []
    for (let after = ''; ;) {
      const names = this.#options.store.names(after, 1_000)
      found.push(...names.filter((name) => matchesPattern(pattern, name)))
      const last = names.at(-1)
      if (last === undefined) return found
      after = last
    }
  }

  #tail(name: string): number {
    return this.#options.store.find(name)?.visibleTail ?? -1
  }

  #hasPending({ links }: Subscription): boolean {
    for (const [name, link] of links) {
      const stream = this.#options.store.find(name)
      if (stream !== null && isPending(stream, link)) return true
    }
    return false
  }

  /** True: a wake is on its way. */
  async #wakeIfPending(subscription: Subscription): Promise<boolean> {
    if (subscription.wake !== null || !this.#subscriptions.has(subscription.id)) return false
    if (!this.#hasPending(subscription)) return false
    const { generation } = subscription
    this.#newWake(subscription)
    // A later wake must not have the number of one that a worker has heard of, whatever happens in between.
    await this.#keep(subscription)
    if (subscription.generation !== generation + 1) return true
    if (subscription.config.type === 'webhook') this.#deliver(subscription)
    else await this.#announce(subscription)
    return true
  }

  #newWake(subscription: Subscription) {
    subscription.generation += 1
    const snapshot = new Map<string, number>()
    for (const name of subscription.links.keys()) {
      const tail = this.#tail(name)
      if (tail >= 0) snapshot.set(name, tail)
    }
    subscription.wake = { id: `w_${randomUUID()}`, snapshot, holder: null }
    return subscription.wake
  }

  #endWake(subscription: Subscription): void {
    this.#stopTimer(subscription)
    subscription.wake = null
  }

  #deliver(subscription: Subscription): void {
    const { wake, generation } = subscription
    if (wake === null) return
    this.#startLease(subscription)
    const notice: WakeNotice = {
      subscription_id: subscription.id,
      wake_id: wake.id,
      generation,
      streams: this.streams(subscription),
      callback_token: this.#tokens.make(subscription.id, generation),
    }
    this.#options.deliver(subscription, notice).then(
      (isDone) => {
        subscription.failures = 0
        if (!isDone || subscription.wake !== wake) return
        for (const [name, position] of wake.snapshot) {
          const link = subscription.links.get(name)
          if (link !== undefined) link.acked = Math.max(link.acked, position)
        }
        this.#endWake(subscription)
        this.#background(() => this.#keep(subscription))
        this.#background(() => this.#wakeIfPending(subscription))
      },
      () => {
        subscription.failures += 1
        if (subscription.wake !== wake || !this.#subscriptions.has(subscription.id)) return
        this.#stopTimer(subscription)
        subscription.timer = setTimeout(() => this.#deliver(subscription), retryMs(subscription.failures)).unref()
      },
    )
  }

  /** Tells those who follow the wake stream; nobody waits for them here. */
  async #announce(subscription: Subscription): Promise<void> {
    const { id, config, generation } = subscription
    const [stream = ''] = [...subscription.links].filter(([name, link]) => {
      const found = this.#options.store.find(name)
      return found !== null && isPending(found, link)
    })[0] ?? ['']
    const event = { type: 'wake', subscription_id: id, stream, generation, ts: Date.now() }
    await this.#options.store.append(config.wakeStream ?? '', {
      contentType: 'application/json',
      data: Buffer.from(`${JSON.stringify(event)},`),
      close: false,
      producer: null,
      sequence: null,
    })
  }

  /** When it ends, the work goes to whoever comes. */
  #startLease(subscription: Subscription): void {
    this.#stopTimer(subscription)
    subscription.timer = setTimeout(() => {
      this.#endWake(subscription)
      this.#background(() => this.#wakeIfPending(subscription))
    }, subscription.config.leaseTtlMs).unref()
  }

  #stopTimer(subscription: Subscription): void {
    if (subscription.timer !== null) clearTimeout(subscription.timer)
    subscription.timer = null
  }

  #checkToken(subscription: Subscription, token: string, ack: Acknowledgement): void {
    const generation = this.#tokens.generationOf(subscription.id, token)
    if (generation === null) throw new SubscriptionError('TOKEN_INVALID', 'The token is not for this subscription.')
    const isCurrent = generation === subscription.generation && ack.generation === generation
    if (isCurrent && subscription.wake !== null && ack.wakeId === subscription.wake.id) return
    throw new SubscriptionError('FENCED', 'The work was given to another, or is done.')
  }

  #ackPosition(subscription: Subscription, name: string, offset: string): { link: Link; position: number } {
    const link = subscription.links.get(name)
    const stream = this.#options.store.find(name)
    if (link === undefined || stream === null || offset === '-1') {
      throw new SubscriptionError(
        'INVALID_OFFSET',
        `There is nothing to acknowledge in the stream ${JSON.stringify(name)}.`,
      )
    }
    const position = positionOf(offset, stream)
    if (position !== null && position >= link.acked && position <= stream.visibleTail) return { link, position }
    throw new SubscriptionError('INVALID_OFFSET', 'The offset lies before what was acknowledged, or beyond the end.')
  }

  async #keep(subscription: Subscription): Promise<void> {
    if (!this.#subscriptions.has(subscription.id)) return
    await this.#options.store.putDocument(DOCUMENT_PREFIX + subscription.id, toText(subscription))
  }

  #background(act: () => Promise<unknown>): void {
    act().catch(this.#options.onError)
  }
}

function isPending({ visibleTail }: LiveStream, { acked }: Link): boolean {
  return visibleTail > Math.max(acked, 0)
}

function positionOf(offset: string, { record }: LiveStream): number | null {
  try {
    return parseStreamOffset(offset, record.family)
  } catch {
    return null
  }
}

/** Doubling, with a fifth of chance, so that many that failed together do not come back together. */
function retryMs(failures: number): number {
  const base = Math.min(RETRY_MS_MIN * 2 ** (failures - 1), RETRY_MS_MAX)
  return base * (0.8 + 0.4 * Math.random())
}
