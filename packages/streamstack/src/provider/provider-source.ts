import type { Value } from '@streamstack/protocol'
import type { ItemSource } from '../outbound/index.ts'
import type { Answer, AnswerTimes } from './answer.ts'
import { NO_USAGE } from './item.ts'
import { type ModelCall, type ModelPrice, costOf, rounded } from './model-call.ts'

export interface ProviderSourceOptions {
  /** The items of the body that was opened. */
  source: ItemSource
  /** Items that were read from it already. */
  held: readonly Value[]
  decoder: { readonly answer: Answer; readonly times: AnswerTimes }
  /** As it was asked for. */
  model: string | null
  attempts: number
  /** When the request was sent, on the monotonic clock. */
  startedMs: number
  release: () => void
}

/** The answer of a model as items. Errors that `next` rejects with are final. */
export class ProviderSource implements ItemSource {
  readonly status: number
  readonly headers: Record<string, string>
  /** What is known of the answer so far. */
  readonly answer: Answer
  /** Called once when the source is closed. */
  onClosed: ((source: ProviderSource) => void) | null = null
  readonly #options: ProviderSourceOptions
  #nextHeld = 0
  #isClosed = false

  constructor(options: ProviderSourceOptions) {
    this.#options = options
    this.answer = options.decoder.answer
    this.status = options.source.status
    this.headers = options.source.headers
  }

  next(): Value | undefined | Promise<Value | undefined> {
    const { held, source } = this.#options
    return this.#nextHeld < held.length ? held[this.#nextHeld++] : source.next()
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#nextHeld = Infinity
    this.#options.release()
    this.#options.source.close()
    this.onClosed?.(this)
  }

  /** What the call came to, so far. */
  call(prices: Readonly<Record<string, ModelPrice>>): ModelCall {
    const { decoder, model, attempts, startedMs } = this.#options
    const { answer } = this
    const { firstContentMs, lastContentMs, endMs } = decoder.times
    const usage = answer.usage ?? NO_USAGE
    const streamedMs = lastContentMs - firstContentMs
    const output = usage.output_tokens
    return {
      provider: answer.provider,
      model: answer.model ?? model,
      attempts,
      finish_reason: answer.isComplete ? answer.finish : null,
      ...usage,
      first_token_ms: firstContentMs === 0 ? null : rounded(firstContentMs - startedMs),
      tokens_per_second: output === null || streamedMs <= 0 ? null : rounded((output / streamedMs) * 1_000),
      duration_ms: rounded((endMs === 0 ? performance.now() : endMs) - startedMs),
      cost: costOf(usage, [answer.model, model], prices),
    }
  }
}
