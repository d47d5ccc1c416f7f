/** What a subscription was made with. */
export interface SubscriptionConfig {
  readonly type: 'webhook' | 'pull-wake'
  /** Streams by name, see `matchesPattern`. */
  readonly pattern: string | null
  /** Streams by their whole names. */
  readonly streams: readonly string[]
  readonly webhookUrl: string | null
  /** The JSON stream that tells of wakes. */
  readonly wakeStream: string | null
  /** How long a worker has before its work is given to another. */
  readonly leaseTtlMs: number
  readonly description: string | null
}

/** How far the work on one stream has come. */
export interface Link {
  isExplicit: boolean
  isMatched: boolean
  /** Position that was acknowledged; -1: nothing ever. */
  acked: number
}

/** A call to work that is under way. */
export interface Wake {
  readonly id: string
  /** The worker that holds it; null for webhooks and while no worker holds it. */
  holder: string | null
}

export interface Subscription {
  readonly id: string
  readonly config: SubscriptionConfig
  /** Where this server is for subscribers, as `https://api.example.com`. */
  readonly baseUrl: string
  readonly createdAt: string
  readonly links: Map<string, Link>
  /** Counts wakes: what belongs to an earlier one is refused. */
  generation: number
  wake: Wake | null
  /** Deliveries that failed one after another. */
  failures: number
  /** Ends a lease, or tries a delivery again. */
  timer: NodeJS.Timeout | null
}

/** What is kept of a subscription: everything but the wake, which a restart makes anew. */
interface KeptSubscription {
  readonly id: string
  readonly config: SubscriptionConfig
  readonly baseUrl: string
  readonly createdAt: string
  readonly links: readonly (readonly [string, Link])[]
  readonly generation: number
}

export function toText(subscription: Subscription): string {
  const { id, config, baseUrl, createdAt, links, generation } = subscription
  const kept: KeptSubscription = { id, config, baseUrl, createdAt, links: [...links], generation }
  return JSON.stringify(kept)
}

export function fromText(text: string): Subscription {
  const kept = JSON.parse(text) as KeptSubscription
  return { ...kept, links: new Map(kept.links), wake: null, failures: 0, timer: null }
}
