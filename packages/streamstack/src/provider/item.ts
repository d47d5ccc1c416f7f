import type { Value } from '@streamstack/protocol'

/**
 * Why a model stopped. `stop`: it had said all. `length`: `max_tokens` or the context is used up. `tool_calls`: it waits for the results of
 * its calls. `content_filter`: the provider withheld the rest. `refusal`: the model declined. `pause`: a long turn that can be continued.
 */
export type FinishReason = 'stop' | 'length' | 'tool_calls' | 'content_filter' | 'refusal' | 'pause' | 'other'

/** A piece of the answer or of the reasoning before it. `raw` is the frame that it came in, as the provider sent it. */
export type TextItem = { readonly kind: 'text' | 'reasoning'; readonly text: string; readonly raw: Value }

/** A finished call of a tool. `arguments` is null when `arguments_text` is not a JSON object. */
export type ToolCallItem = {
  readonly kind: 'tool_call'
  readonly text: string
  readonly id: string
  readonly name: string
  readonly arguments: { readonly [name: string]: Value } | null
  readonly arguments_text: string
  readonly raw: Value
}

/** A document that the answer cites. */
export type SourceItem = {
  readonly kind: 'source'
  readonly text: string
  readonly url: string | null
  readonly title: string | null
  readonly raw: Value
}

/**
 * Tokens of one call. `input_tokens` includes those read from the provider's cache, `output_tokens` those spent on reasoning; null: the
 * provider has not said.
 */
export type Usage = {
  readonly input_tokens: number | null
  readonly output_tokens: number | null
  readonly reasoning_tokens: number | null
  readonly cached_tokens: number | null
}

export const NO_USAGE: Usage = {
  input_tokens: null,
  output_tokens: null,
  reasoning_tokens: null,
  cached_tokens: null,
}

export type UsageItem = Usage & { readonly kind: 'usage'; readonly text: string; readonly raw: Value }

/** The answer began, or ended with a named reason. */
export type StatusItem = {
  readonly kind: 'status'
  readonly text: string
  readonly state: 'started' | 'finished'
  readonly provider: string
  readonly model: string | null
  readonly finish_reason: FinishReason | null
  readonly raw: Value
}

/** One item of a model's answer, the same whichever provider it came from. Plain data. */
export type ProviderItem = TextItem | ToolCallItem | SourceItem | UsageItem | StatusItem

/** Whether an item is part of what the model said; `usage` and `status` only tell of the call. */
export function isContent(item: ProviderItem): boolean {
  return item.kind !== 'status' && item.kind !== 'usage'
}
