import { StreamstackError, type Value, toStreamstackError } from '@streamstack/protocol'
import { ANONYMOUS, type AuthClaims, type CallPlace, type Caller } from '../../access/index.ts'
import type { CalledRun, Engine, KeyedCall, LiveRun, RunOwner } from '../../engine/index.ts'
import type { AuditedInputs } from '../../audit/index.ts'
import type { InputSources } from '../../input/index.ts'
import { ReaderRecord } from '../../observe/index.ts'
import type { RateLimitDeclaration } from '../../definition/types.ts'
import {
  type LimitState,
  type Release,
  callerKey,
  isCountedLater,
  limitError,
  limitHeaders,
  limitName,
  settle,
} from '../../limit/index.ts'
import { type Plan, checkCallRuleInTurn } from '../../plan/index.ts'
import type { StreamOptions } from '../../run/index.ts'
import { after } from '../../storage/index.ts'
import { askedOptions } from './caller-options.ts'
import { keyOfCall } from './idempotency-key.ts'

/** When callers may try again that came while the server stops. */
const STOPPING_RETRY_MS = 5_000

const NO_HEADERS: Readonly<Record<string, string>> = Object.freeze({})

/** How a call names its run, so that it may come again. */
export interface CallIdentity {
  /** The Idempotency-Key; null: none. */
  readonly key: string | null
  /** Whether the caller has read a part of a run already, and so means that run and no other. */
  readonly hasRead: boolean
  /** How many calls of this server, each made by a run of the one before, led to this one. Default: 0. */
  readonly hops?: number
  /** What a trace of the run tells. Default: there is none. */
  readonly traced?: 'steps' | 'variables' | null
  /** Calls a listener when the caller disconnects while its call waits for a place. Default: it waits on. */
  readonly onGone?: (listener: () => void) => void
}

/**
 * One call of an endpoint on its way to its run, over HTTP or a WebSocket: who calls, with what, and whether it came before. Each step throws what it
 * refuses; nothing runs before all of it is right.
 */
export class CallPreparation {
  /** Whether the caller wants metadata where it is not always there. */
  includesMetadata = false
  readonly #engine: Engine
  readonly #plan: Plan
  readonly #calledMs = performance.now()
  #claims: AuthClaims | null = null
  #owner: RunOwner = null
  #place: CallPlace = ANONYMOUS.place
  #caller: Caller = ANONYMOUS
  #rates: readonly LimitState[] = []
  #inputs: Readonly<Record<string, Value>> = {}
  #options: StreamOptions | null = null

  constructor(engine: Engine, plan: Plan) {
    this.#engine = engine
    this.#plan = plan
    engine.observation.metrics.callBegan(plan.endpoint.name, this.#calledMs)
  }

  /** Whether the endpoint requires authentication. */
  get asksForCaller(): boolean {
    return this.#plan.endpoint.access.authentication
  }

  /** Whose run the call makes. */
  get owner(): RunOwner {
    return this.#owner
  }

  /**
   * Sets the caller. An endpoint without authentication ignores a token. Throws `unauthenticated`,
   * `forbidden`, `unavailable`.
   */
  admit(caller: Caller): void {
    this.#place = caller.place
    this.#caller = caller
    const { subject, place } = caller
    const user = subject === null ? place.address : `subject ${subject}`
    if (user !== null) this.#engine.observation.metrics.userCalled(user, this.#calledMs)
    if (this.asksForCaller) {
      this.#engine.access.permitCall(caller, this.#plan.endpoint.access)
      this.#claims = caller.claims
      this.#owner = caller.subject === null ? null : { subject: caller.subject }
    }
    this.#limit(null)
  }

  /** The remaining limits of the call, as fields of the answer. */
  get limitHeaders(): Readonly<Record<string, string>> {
    return this.#rates.length === 0 ? NO_HEADERS : limitHeaders(this.#rates)
  }

  /** Takes the inputs. Throws, or rejects with, `input_invalid` with every fault, and `forbidden`. A promise only when the rule of the endpoint has to wait for its turn. */
  take(sources: InputSources): void | Promise<void> {
    this.#inputs = this.#plan.inputs.check(sources)
    const call = { auth: this.#claims, inputs: this.#inputs }
    const checked = checkCallRuleInTurn(
      this.#plan.rule,
      call,
      () => callerKey(this.#caller),
      (err) =>
        this.#engine.log.warn(
          { endpoint: this.#plan.endpoint.name, err },
          'the rule of an endpoint failed and refuses the call',
        ),
    )
    return after(checked, () => this.#takeAllowed(sources))
  }

  #takeAllowed(sources: InputSources): void {
    this.#limit(this.#inputs)
    const { shape, includeMetadata } = askedOptions(this.#plan, sources, this.#inputs)
    this.#options = shape
    this.includesMetadata = includeMetadata
  }

  /** The inputs that the audit records of this call; null: none. */
  get auditedInputs(): AuditedInputs | null {
    return this.#engine.audit.inputsOf(this.#inputs)
  }

  /** Finds the run of this call, or makes it. A promise only when the store has to be asked for a key, or the call has to wait for a place. */
  begin({ key, hasRead, hops = 0, traced = null, onGone }: CallIdentity): CalledRun | Promise<CalledRun> {
    const engine = this.#engine
    const { method, path } = this.#plan.endpoint
    const keyed: KeyedCall | null =
      key === null
        ? null
        : {
            key: keyOfCall(key, this.#owner, this.#place),
            owner: this.#owner,
            endpoint: `${method} ${path}`,
            inputs: this.#inputs,
          }
    const start = (): LiveRun => {
      if (engine.isDraining) throw stoppingError()
      return engine.runs.prepare(this.#plan, engine.settings, {
        inputs: this.#inputs,
        auth: this.#claims,
        options: this.#options,
        owner: this.#owner,
        address: this.#place.address,
        keyed,
        hops,
        traced,
        keepsInputs: traced !== null || engine.mode === 'dev',
        secrets: traced === null ? [] : engine.secretValues(),
      })
    }
    const startInTurn = (): LiveRun | Promise<LiveRun> => {
      if (hasRead) throw skipRefused(key !== null)
      if (engine.isDraining) throw stoppingError()
      return after(this.#runPlace(onGone ?? null), (release) => this.#counted(start, release))
    }
    if (keyed !== null) return engine.runs.once(keyed, startInTurn)
    return after(startInTurn(), (started) => ({ source: started, started }))
  }

  /** A place among the runs of the endpoint, to be given back; null: they are not bounded. */
  #runPlace(onGone: ((listener: () => void) => void) | null): Release | null | Promise<Release> {
    const { name, concurrency } = this.#plan.endpoint
    if (concurrency === null) return null
    return this.#engine.runQueues.of(name, concurrency).enter(callerKey(this.#caller), concurrency, onGone)
  }

  /** Makes the run; at its end its place is free and what it used is counted. */
  #counted(start: () => LiveRun, release: Release | null): LiveRun {
    let live: LiveRun
    try {
      live = start()
    } catch (thrown) {
      release?.()
      throw thrown
    }
    if (release !== null) live.stream.onEnd(release)
    const later = this.#rates.filter(isCountedLater)
    if (later.length > 0) {
      live.stream.onEnd(() => {
        const tokens = (live.usage?.input_tokens ?? 0) + (live.usage?.output_tokens ?? 0)
        settle(later, { tokens, bytes: live.execution.bytesSent }, performance.now())
      })
    }
    return live
  }

  /** `inputs`: null before they are known; limits by an input are counted when they are, all others before. */
  #limit(inputs: Readonly<Record<string, Value>> | null): void {
    const { rateLimits, settings } = this.#engine
    const { name, rateLimits: own } = this.#plan.endpoint
    const shared = settings.limits.rateLimits
    if (own.length === 0 && shared.length === 0) return
    const isDue = ({ by }: RateLimitDeclaration): boolean => by.startsWith('input.') === (inputs !== null)
    const call = { caller: this.#caller, inputs }
    const added = [
      ...rateLimits.take(name, own.filter(isDue), call, this.#calledMs),
      ...rateLimits.take('', shared.filter(isDue), call, this.#calledMs),
    ]
    this.#rates = [...this.#rates, ...added]
    for (const { limit, quota } of added)
      if (!quota.isAllowed) this.#engine.observation.metrics.limits.limitExceeded(name, limitName(limit), limit.mode)
    const error = limitError(this.#rates)
    if (error !== null) throw error
  }

  /** Counts what a reader of the run does; `isFirst`: it is the caller, who waits for the first chunk. */
  readerRecord(isFirst: boolean): ReaderRecord {
    const { metrics } = this.#engine.observation
    return new ReaderRecord(metrics, this.#plan.endpoint.name, isFirst ? this.#calledMs : null)
  }

  /** Counts the refusal and gives the error for the caller. */
  refused(thrown: unknown): StreamstackError {
    const error = toStreamstackError(thrown)
    const { name, method, path } = this.#plan.endpoint
    this.#engine.observation.callRefused({
      endpoint: name,
      route: `${method} ${path}`,
      caller: this.#owner?.subject ?? null,
      status: error.status,
      code: error.code,
      durationMs: performance.now() - this.#calledMs,
    })
    if (error.code === 'internal')
      this.#engine.log.error({ endpoint: name, err: error.cause }, 'a call could not be answered')
    return error
  }
}

/**
 * A caller that has read a part already must not get the first chunks of another run for the next of its own; and an EventSource, which
 * calls again by itself when a stream is over or was cut, must not run the endpoint again and again.
 */
function skipRefused(hasKey: boolean): StreamstackError {
  if (hasKey) {
    return new StreamstackError(
      'run_unknown',
      'The run of this Idempotency-Key has expired. Start a new one with a fresh key.',
    )
  }
  return new StreamstackError(
    'offset_invalid',
    'Last-Event-ID belongs to a run, and this would start a new one. Read on at the Stream-Url of the first answer, or call with an Idempotency-Key (?idempotency_key= for EventSource).',
  )
}

/** Returns the error for calls that arrive during shutdown. */
export function stoppingError(): StreamstackError {
  return new StreamstackError('unavailable', 'The server is stopping. Call again in a moment.', {
    retryAfterMs: STOPPING_RETRY_MS,
  })
}
