import { hash } from 'node:crypto'
import type { Value } from '@streamstack/protocol'
import { StreamstackError } from '@streamstack/protocol'
import ipaddr from 'ipaddr.js'
import { type Caller, hasRole, presentsKey } from '../access/index.ts'
import type { LimitUnit, RateLimitDeclaration } from '../definition/types.ts'
import { type Quota, RateCounter } from './rate-counter.ts'

/** Counters of limits that are no longer declared are forgotten with the next reload that changes one; so many may stand meanwhile. */
const COUNTERS_MAX = 10_000

/** A limit and what is left of it, for headers and errors. */
export interface LimitState {
  readonly limit: RateLimitDeclaration
  readonly quota: Quota
  readonly counter: RateCounter
  /** By which the counter counts. */
  readonly key: string
}

/** What a run has used of each unit that is counted at its end. */
export type Usage = Readonly<Record<Exclude<LimitUnit, 'calls'>, number>>

/** The key by which a limit counts. */
export interface LimitedCall {
  readonly caller: Caller
  /** Null: the inputs are not known yet, and limits by an input are not counted. */
  readonly inputs: Readonly<Record<string, Value>> | null
}

/** The counters of all declared limits. */
export class RateLimits {
  readonly #counters = new Map<string, RateCounter>()
  /** The same by declaration and scope, without a name to be made for each call. A reload makes declarations anew, and equal ones find their counters by name. */
  #known = new WeakMap<RateLimitDeclaration, Map<string, RateCounter>>()

  /**
   * Counts a call against limits. `scope` tells the limits of one endpoint from those of another. Throws `rate_limited` when one is used up and enforced.
   *
   * @returns the state of each that was counted.
   */
  take(scope: string, limits: readonly RateLimitDeclaration[], call: LimitedCall, nowMs: number): LimitState[] {
    const states: LimitState[] = []
    for (const limit of limits) {
      const key = keyOf(limit, call)
      if (key === null) continue
      const counter = this.#counter(scope, limit)
      const quota = limit.unit === 'calls' ? counter.take(key, nowMs) : counter.look(key, nowMs)
      states.push({ limit, quota, counter, key })
    }
    return states
  }

  #counter(scope: string, limit: RateLimitDeclaration): RateCounter {
    let known = this.#known.get(limit)
    if (known === undefined) {
      known = new Map()
      this.#known.set(limit, known)
    }
    let counter = known.get(scope)
    if (counter === undefined) {
      counter = this.#named(scope, limit)
      known.set(scope, counter)
    }
    return counter
  }

  #named(scope: string, limit: RateLimitDeclaration): RateCounter {
    const { unit, amount, perMs, by, roles, keys } = limit
    const name = [scope, unit, amount, perMs, by, roles, keys].join('\n')
    let counter = this.#counters.get(name)
    if (counter === undefined) {
      if (this.#counters.size >= COUNTERS_MAX) {
        this.#counters.clear()
        this.#known = new WeakMap()
      }
      counter = new RateCounter(amount, perMs)
      this.#counters.set(name, counter)
    }
    return counter
  }
}

/** Whether a limit is counted only when the run ends. */
export function isCountedLater({ limit }: LimitState): boolean {
  return limit.unit !== 'calls'
}

/** Counts what a run has used. */
export function settle(states: readonly LimitState[], usage: Usage, nowMs: number): void {
  for (const { limit, counter, key } of states)
    if (limit.unit !== 'calls' && usage[limit.unit] > 0) counter.charge(key, usage[limit.unit], nowMs)
}

/** The error of a limit that is used up; null: none is. */
export function limitError(states: readonly LimitState[]): StreamstackError | null {
  const refused = states.filter(({ limit, quota }) => !quota.isAllowed && limit.mode === 'enforce')
  if (refused.length === 0) return null
  const retryAfterMs = Math.max(...refused.map(({ quota }) => quota.retryAfterMs))
  const seconds = Math.ceil(retryAfterMs / 1_000)
  return new StreamstackError(
    'rate_limited',
    `Too many ${refused[0]?.limit.unit ?? 'calls'}. Call again in ${seconds} second${seconds === 1 ? '' : 's'}.`,
    { retryAfterMs },
  )
}

/** `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers-10) of limits that are enforced. */
export function limitHeaders(states: readonly LimitState[]): Record<string, string> {
  const told = states.filter(({ limit }) => limit.mode === 'enforce')
  if (told.length === 0) return {}
  const policies = told.map(
    ({ limit }, index) =>
      `"${nameOf(limit, index)}";q=${limit.amount};w=${Math.ceil(limit.perMs / 1_000)}${QUOTA_UNITS[limit.unit]}`,
  )
  const quotas = told.map(
    ({ limit, quota }, index) =>
      `"${nameOf(limit, index)}";r=${quota.remaining};t=${Math.ceil((quota.isAllowed ? quota.resetMs : quota.retryAfterMs) / 1_000)}`,
  )
  return { 'RateLimit-Policy': policies.join(', '), RateLimit: quotas.join(', ') }
}

/** The draft registers units of bytes, not of tokens; without one a quota counts requests. */
const QUOTA_UNITS: Readonly<Record<LimitUnit, string>> = {
  calls: '',
  tokens: ';qu="tokens"',
  bytes: ';qu="content-bytes"',
}

/** Names a limit among others: what it counts and by what. */
export function limitName({ unit, by }: RateLimitDeclaration): string {
  return `${unit} by ${by}`
}

function nameOf({ by }: RateLimitDeclaration, index: number): string {
  return `${by.replaceAll(/[^\w.-]/g, '-')}-${index + 1}`
}

/** Null: the limit does not concern the call, or cannot be counted yet. */
function keyOf({ by, roles, keys }: RateLimitDeclaration, { caller, inputs }: LimitedCall): string | null {
  if (roles.length > 0 && !hasRole(caller, roles)) return null
  if (keys.length > 0 && !keys.some((name) => presentsKey(caller, name))) return null
  if (by.startsWith('input.')) {
    if (inputs === null) return null
    const value = inputs[by.slice('input.'.length)] ?? null
    return inputKey(value)
  }
  return by === 'caller' ? callerKey(caller) : addressKey(caller.place.address)
}

/** A longer key is a digest: counters must not keep the values, nor texts that the beginning of one was cut from. */
const KEY_CHARACTERS = 64

function inputKey(value: Value): string {
  const text = typeof value === 'string' ? `text ${value}` : JSON.stringify(value)
  return text.length <= KEY_CHARACTERS ? text : `digest ${hash('sha256', text, 'base64')}`
}

/** The subject of a token, or the address. */
export function callerKey({ subject, place }: Caller): string {
  return subject === null ? addressKey(place.address) : `subject ${subject}`
}

/** As the system writes addresses: parsing them takes longer than counting a call. */
const PLAIN_IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/

/** One customer has a whole /64 of IPv6 addresses (RFC 6177). */
export function addressKey(address: string | null): string {
  if (address !== null && PLAIN_IPV4.test(address)) return `address ${address}`
  if (address === null || !ipaddr.isValid(address)) return 'address unknown'
  const parsed = ipaddr.process(address)
  if (parsed.kind() === 'ipv4') return `address ${parsed.toString()}`
  return `address ${(parsed as ipaddr.IPv6).parts
    .slice(0, 4)
    .map((part) => part.toString(16))
    .join(':')}::/64`
}
