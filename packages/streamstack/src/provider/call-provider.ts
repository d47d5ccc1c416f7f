import { randomBytes } from 'node:crypto'
import { setTimeout as sleepFor } from 'node:timers/promises'
import { StreamstackError, type Value } from '@streamstack/protocol'
import { startLongTimer } from '../definition/index.ts'
import type { ItemSource, Outbound, OutboundRequest } from '../outbound/index.ts'
import { newAnswer } from './answer.ts'
import type { Dialect } from './dialect.ts'
import { type ProviderItem, isContent } from './item.ts'
import { toldStatus } from './fault.ts'
import { originOf } from './message.ts'
import { ProviderDecoder } from './provider-decoder.ts'
import { ProviderSource } from './provider-source.ts'

/** One provider and model that a call may go to. */
export interface ProviderTarget {
  readonly dialect: Dialect
  /** As it is asked for; the answer may name a dated one. Null: the definition leaves it to the body or the URL. */
  readonly model: string | null
  readonly request: Omit<OutboundRequest, 'signal'>
}

export interface ProviderCall {
  /** The first one is asked first; the others take over, in order, while nothing was sent. */
  readonly targets: readonly ProviderTarget[]
  /** Further requests to the same target after errors that may pass. */
  readonly retries: number
  /** From the call to the end of the answer, all attempts together; null: no limit of its own. */
  readonly totalTimeoutMs: number | null
  /** Whether the turn is kept in the provider's own shape, for a further round. */
  readonly keepsTurn: boolean
  /** Leaves at once, and closes the connection. */
  readonly signal: AbortSignal
}

/** A request that failed before anything of its answer was given out. */
export interface FailedAttempt {
  readonly provider: string
  readonly model: string | null
  readonly error: StreamstackError
  /** What follows. */
  readonly next: 'retry' | 'fallback' | 'none'
  /** Until then. */
  readonly waitMs: number
}

export interface CallHooks {
  /** Called for each request that failed: no second one is silent. */
  readonly attemptFailed?: (attempt: FailedAttempt) => void
  /** Waits between two requests. Rejects when the signal fires. Replaced in tests. */
  readonly sleep?: (durationMs: number, signal: AbortSignal) => Promise<void>
}

const BACKOFF_MS = 500
const BACKOFF_MS_MAX = 8_000

/** A provider that asks for more patience than this is left for the next one. */
const RETRY_AFTER_MS_MAX = 30_000

/** More frames than this before the first piece of an answer are no answer. */
const HELD_ITEMS_MAX = 1_000

/**
 * Asks a model and waits until the first piece of its answer is here, or the end of an answer without one. Until then frames that only tell
 * of the call are held back, and an error leads to a retry or to the next target; afterwards an error is final, because what was given
 * out cannot be taken back. Rejects with the error of the last request, or with the reason of the signal.
 */
export async function callProvider(
  outbound: Outbound,
  call: ProviderCall,
  hooks: CallHooks = {},
): Promise<ProviderSource> {
  const timed = withTimeout(call)
  try {
    return await tryTargets(outbound, call, timed, hooks)
  } catch (error) {
    timed.release()
    throw error
  }
}

async function tryTargets(
  outbound: Outbound,
  call: ProviderCall,
  timed: TimedSignal,
  { attemptFailed, sleep = wait }: CallHooks,
): Promise<ProviderSource> {
  const { targets, retries } = call
  let attempts = 0
  let last: unknown
  for (const [index, target] of targets.entries()) {
    for (let retry = 0; retry <= retries; retry++) {
      attempts++
      try {
        return await open(outbound, target, { call, timed, attempts })
      } catch (error) {
        timed.signal.throwIfAborted()
        if (!(error instanceof StreamstackError) || OWN_FAULTS.has(error.code)) throw error
        const told = toldStatus(error)
        last = told
        const waitMs = retry < retries ? waitBefore(retry, told) : null
        const next = waitMs !== null ? 'retry' : index + 1 < targets.length ? 'fallback' : 'none'
        const { dialect, model } = target
        attemptFailed?.({ provider: dialect.provider, model, error: told, next, waitMs: waitMs ?? 0 })
        if (waitMs === null) break
        await sleep(waitMs, timed.signal)
        timed.signal.throwIfAborted()
      }
    }
  }
  throw last
}

/** Another provider changes nothing about these. */
const OWN_FAULTS: ReadonlySet<string> = new Set(['step_failed', 'upstream_refused', 'setting_invalid', 'unavailable'])

/** How long to wait before the next request to the same target; null: it is not to be sent. */
function waitBefore(retry: number, { recoverable, retryAfterMs }: StreamstackError): number | null {
  if (!recoverable) return null
  if (retryAfterMs !== undefined) return retryAfterMs <= RETRY_AFTER_MS_MAX ? retryAfterMs : null
  const backoff = Math.min(BACKOFF_MS * 2 ** retry, BACKOFF_MS_MAX)
  // Callers that failed together must not come again together.
  return backoff * (0.75 + Math.random() * 0.5)
}

async function open(
  outbound: Outbound,
  { dialect, model, request }: ProviderTarget,
  { call, timed, attempts }: { call: ProviderCall; timed: TimedSignal; attempts: number },
): Promise<ProviderSource> {
  const startedMs = performance.now()
  let decoder: ProviderDecoder | undefined
  const source = await outbound.stream({ ...request, signal: timed.signal }, (options) => {
    const answer = newAnswer(dialect.provider, options.host, call.keepsTurn, {
      callIds: `call_${randomBytes(6).toString('hex')}`,
      origin: originOf(request.url),
    })
    decoder = new ProviderDecoder(dialect, answer, options)
    return decoder
  })
  if (decoder === undefined) throw new Error('the outbound door made no decoder')
  try {
    const held = await firstItems(source)
    return new ProviderSource({ source, held, decoder, model, attempts, startedMs, release: timed.release })
  } catch (error) {
    source.close()
    throw error
  }
}

/** The items up to the first piece of the answer, or all of them when it has none. */
async function firstItems(source: ItemSource): Promise<Value[]> {
  const held: Value[] = []
  for (let item = await source.next(); item !== undefined; item = await source.next()) {
    held.push(item)
    if (isContent(item as ProviderItem)) return held
    if (held.length > HELD_ITEMS_MAX) {
      throw new StreamstackError('upstream_failed', 'The answer has very many frames and no content.')
    }
  }
  return held
}

interface TimedSignal {
  readonly signal: AbortSignal
  /** Lets go of the timer and of the caller's signal. */
  readonly release: () => void
}

/** The signal of the call, which also fires when the answer takes longer than it may. */
function withTimeout({ signal, totalTimeoutMs }: ProviderCall): TimedSignal {
  if (totalTimeoutMs === null) return { signal, release: () => undefined }
  const controller = new AbortController()
  const leave = (): void => controller.abort(signal.reason)
  if (signal.aborted) leave()
  signal.addEventListener('abort', leave, { once: true })
  const timer = startLongTimer(() => {
    const message = `The model's answer was not complete within ${totalTimeoutMs} ms (total_timeout).`
    controller.abort(new StreamstackError('upstream_timeout', message))
  }, totalTimeoutMs)
  return {
    signal: controller.signal,
    release: () => {
      timer.clear()
      signal.removeEventListener('abort', leave)
    },
  }
}

async function wait(durationMs: number, signal: AbortSignal): Promise<void> {
  try {
    await sleepFor(durationMs, undefined, { signal })
  } catch {
    // The caller asks the signal, which knows the reason.
  }
}
