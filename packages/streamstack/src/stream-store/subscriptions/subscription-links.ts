import { after } from '../../storage/index.ts'
import type { LiveStream } from '../live-stream.ts'
import { formatOffset, parseStreamOffset } from '../offset.ts'
import type { StreamStore } from '../stream-store.ts'
import { matchesPattern } from './name-pattern.ts'
import { SubscriptionError } from './subscription-error.ts'
import type { Link, Subscription } from './subscription.ts'

/** Streams of one subscription. */
const LINKS_MAX = 10_000
const NAMES_AT_ONCE = 1_000
const ZERO_OFFSET = '0000000000000000_0000000000000000'

/** A stream of a subscription, as the wire tells of it. */
export interface StreamStatus {
  readonly path: string
  readonly link_type: 'explicit' | 'glob'
  readonly acked_offset: string
  readonly tail_offset: string
  readonly has_pending: boolean
}

/** Which subscriptions follow which streams, and how far each has come. */
export class SubscriptionLinks {
  readonly #store: StreamStore
  readonly #followers = new Map<string, Set<Subscription>>()

  constructor(store: StreamStore) {
    this.#store = store
  }

  followersOf(name: string): readonly Subscription[] {
    return [...(this.#followers.get(name) ?? [])]
  }

  /** Begins to follow what a subscription names, from where each stream ends now. */
  async begin(subscription: Subscription): Promise<void> {
    const { streams, pattern } = subscription.config
    for (const name of streams) {
      this.follow(subscription, name, { isExplicit: true, acked: await this.tail(name) })
    }
    if (pattern === null) return
    for (let last: string | undefined = ''; last !== undefined;) {
      const names: readonly string[] = await this.#store.names(last, NAMES_AT_ONCE)
      for (const name of names) {
        if (!matchesPattern(pattern, name)) continue
        this.follow(subscription, name, { isMatched: true, acked: await this.tail(name) })
      }
      last = names.at(-1)
    }
  }

  /** Goes on with a subscription that was kept. */
  resume(subscription: Subscription): void {
    for (const name of subscription.links.keys()) this.#addFollower(subscription, name)
  }

  /** Follows one more stream. Throws `INVALID_REQUEST` when there are too many. */
  follow(subscription: Subscription, name: string, { acked, ...type }: Partial<Link> & Pick<Link, 'acked'>): void {
    const { links } = subscription
    const known = links.get(name)
    if (known !== undefined) {
      Object.assign(known, type)
      return
    }
    if (links.size >= LINKS_MAX) {
      const message = `A subscription can follow ${LINKS_MAX} streams; use a narrower pattern.`
      throw new SubscriptionError('INVALID_REQUEST', message)
    }
    links.set(name, { isExplicit: false, isMatched: false, acked, ...type })
    this.#addFollower(subscription, name)
  }

  leave(subscription: Subscription, name: string): void {
    subscription.links.delete(name)
    this.#dropFollower(subscription, name)
  }

  leaveAll(subscription: Subscription): void {
    for (const name of subscription.links.keys()) this.#dropFollower(subscription, name)
  }

  clear(): void {
    this.#followers.clear()
  }

  /** Where a stream ends; -1: there is none. */
  tail(name: string): number | Promise<number> {
    return after(this.#store.find(name), (stream) => stream?.visibleTail ?? -1)
  }

  /** The first stream in which there is something to do. */
  async firstPending({ links }: Subscription): Promise<string | null> {
    for (const [name, link] of links) {
      const stream = await this.#store.find(name)
      if (stream !== null && isPending(stream, link)) return name
    }
    return null
  }

  /** Where each stream of a subscription that is there ends now. */
  async tails({ links }: Subscription): Promise<ReadonlyMap<string, number>> {
    const tails = new Map<string, number>()
    for (const name of links.keys()) {
      const tail = await this.tail(name)
      if (tail >= 0) tails.set(name, tail)
    }
    return tails
  }

  async statuses({ links }: Subscription): Promise<readonly StreamStatus[]> {
    const statuses: StreamStatus[] = []
    for (const [path, link] of links) statuses.push(status(path, link, await this.#store.find(path)))
    return statuses
  }

  /** What an acknowledgement means. Rejects with `INVALID_OFFSET`. */
  async acknowledged(
    subscription: Subscription,
    name: string,
    offset: string,
  ): Promise<{ link: Link; position: number }> {
    const stream = await this.#store.find(name)
    const link = subscription.links.get(name)
    if (link === undefined || stream === null || offset === '-1') {
      const message = `There is nothing to acknowledge in the stream ${JSON.stringify(name)}.`
      throw new SubscriptionError('INVALID_OFFSET', message)
    }
    const position = positionOf(offset, stream)
    if (position !== null && position >= link.acked && position <= stream.visibleTail) return { link, position }
    throw new SubscriptionError('INVALID_OFFSET', 'The offset lies before what was acknowledged, or beyond the end.')
  }

  #addFollower(subscription: Subscription, name: string): void {
    const followers = this.#followers.get(name)
    if (followers === undefined) this.#followers.set(name, new Set([subscription]))
    else followers.add(subscription)
  }

  #dropFollower(subscription: Subscription, name: string): void {
    const followers = this.#followers.get(name)
    followers?.delete(subscription)
    if (followers?.size === 0) this.#followers.delete(name)
  }
}

function status(path: string, link: Link, stream: LiveStream | null): StreamStatus {
  const offset = (position: number): string =>
    stream === null ? ZERO_OFFSET : formatOffset(position, stream.record.family)
  return {
    path,
    link_type: link.isExplicit ? 'explicit' : 'glob',
    acked_offset: link.acked < 0 ? '-1' : offset(link.acked),
    tail_offset: offset(stream?.visibleTail ?? 0),
    has_pending: stream !== null && isPending(stream, link),
  }
}

function isPending({ visibleTail }: LiveStream, { acked }: Link): boolean {
  return visibleTail > Math.max(acked, 0)
}

/** Null: no offset of this stream. */
function positionOf(offset: string, { record }: LiveStream): number | null {
  try {
    return parseStreamOffset(offset, record.family)
  } catch {
    return null
  }
}
