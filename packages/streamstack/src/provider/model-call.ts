import { type FinishReason, NO_USAGE, type Usage } from './item.ts'

/** Prices of a model, for a million tokens. */
export interface ModelPrice {
  readonly input: number
  readonly output: number
  /** For input that was read from the provider's cache; undefined: the price of `input`. */
  readonly cached?: number | undefined
}

/** What a call of a model came to. Plain data, public: no content, no address, no key. */
export type ModelCall = Usage & {
  readonly provider: string
  readonly model: string | null
  /** Requests that were sent, retries included. */
  readonly attempts: number
  /** Null: the answer did not come to its end. */
  readonly finish_reason: FinishReason | null
  /** From the request to the first piece of the answer, milliseconds; null: none came. */
  readonly first_token_ms: number | null
  /** Output tokens by the time between the first and the last piece; null: not known. */
  readonly tokens_per_second: number | null
  readonly duration_ms: number
  /** In the currency of the prices; null: no price is set, or the tokens are not known. */
  readonly cost: number | null
}

/** A call of which nothing arrived. */
export function failedCall(call: Pick<ModelCall, 'provider' | 'model' | 'attempts' | 'duration_ms'>): ModelCall {
  return {
    ...call,
    finish_reason: null,
    ...NO_USAGE,
    first_token_ms: null,
    tokens_per_second: null,
    cost: null,
  }
}

/** What all calls of a run came to. */
export type RunUsage = Usage & {
  readonly calls: number
  readonly cost: number | null
  /** Of the first call that had one. */
  readonly first_token_ms: number | null
  /** Of all calls that told both. */
  readonly tokens_per_second: number | null
  /** The newest calls; at most `CALLS_MAX`. */
  readonly last_calls: readonly ModelCall[]
}

/** A loop may call a model very often; what is kept of a run stays small. */
const CALLS_MAX = 20

/** The usage of a run after one more call. */
export function withCall(usage: RunUsage | null, call: ModelCall): RunUsage {
  const lastCalls = [...(usage?.last_calls ?? []), call].slice(-CALLS_MAX)
  return {
    calls: (usage?.calls ?? 0) + 1,
    input_tokens: sum(usage?.input_tokens, call.input_tokens),
    output_tokens: sum(usage?.output_tokens, call.output_tokens),
    reasoning_tokens: sum(usage?.reasoning_tokens, call.reasoning_tokens),
    cached_tokens: sum(usage?.cached_tokens, call.cached_tokens),
    cost: sum(usage?.cost, call.cost),
    first_token_ms: usage?.first_token_ms ?? call.first_token_ms,
    tokens_per_second: rate(lastCalls),
    last_calls: lastCalls,
  }
}

function sum(one: number | null | undefined, other: number | null): number | null {
  return one === null || one === undefined ? other : one + (other ?? 0)
}

function rate(calls: readonly ModelCall[]): number | null {
  let tokens = 0
  let seconds = 0
  for (const { output_tokens: output, tokens_per_second: perSecond } of calls) {
    if (output === null || perSecond === null || perSecond === 0) continue
    tokens += output
    seconds += output / perSecond
  }
  return seconds === 0 ? null : rounded(tokens / seconds)
}

/** What the tokens of a call cost; null when no price is set for the model or the tokens are not known. */
export function costOf(
  usage: Usage,
  names: readonly (string | null)[],
  prices: Readonly<Record<string, ModelPrice>>,
): number | null {
  const price = names.map((name) => (name === null ? null : priceOf(name, prices))).find((found) => found !== null)
  const { input_tokens: input, output_tokens: output, cached_tokens: cached } = usage
  if (price === undefined || price === null || (input === null && output === null)) return null
  const read = Math.min(cached ?? 0, input ?? 0)
  const fresh = (input ?? 0) - read
  return (fresh * price.input + read * (price.cached ?? price.input) + (output ?? 0) * price.output) / 1_000_000
}

/** The price of exactly this model, else that of the longest name ending in `*` that fits. */
function priceOf(model: string, prices: Readonly<Record<string, ModelPrice>>): ModelPrice | null {
  if (Object.hasOwn(prices, model)) return prices[model] ?? null
  let best: string | null = null
  for (const name of Object.keys(prices)) {
    if (!name.endsWith('*') || !model.startsWith(name.slice(0, -1))) continue
    if (best === null || name.length > best.length) best = name
  }
  return best === null ? null : (prices[best] ?? null)
}

/** Returns the value rounded to one decimal place. */
export function rounded(value: number): number {
  return Math.round(value * 10) / 10
}
