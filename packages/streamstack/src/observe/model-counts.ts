import { BucketHistogram } from './bucket-histogram.ts'

/** From a model on this machine to one that reasons for minutes. */
const FIRST_TOKEN_BOUNDS_MS = [50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000, 120_000]

/** Usage of model calls. Null: unknown. */
export interface ModelUsage {
  readonly calls: number
  readonly input_tokens: number | null
  readonly output_tokens: number | null
  readonly reasoning_tokens: number | null
  readonly cached_tokens: number | null
  /** In the currency of the prices in the settings. */
  readonly cost: number | null
  readonly first_token_ms: number | null
  readonly tokens_per_second: number | null
}

/** Usage of model calls since the server started. */
export class ModelCounts {
  calls = 0
  readonly tokens = { input: 0, output: 0, reasoning: 0, cached: 0 }
  cost = 0
  readonly firstToken = new BucketHistogram(FIRST_TOKEN_BOUNDS_MS)

  add(usage: ModelUsage): void {
    this.calls += usage.calls
    this.tokens.input += usage.input_tokens ?? 0
    this.tokens.output += usage.output_tokens ?? 0
    this.tokens.reasoning += usage.reasoning_tokens ?? 0
    this.tokens.cached += usage.cached_tokens ?? 0
    this.cost += usage.cost ?? 0
    if (usage.first_token_ms !== null) this.firstToken.record(usage.first_token_ms, 1)
  }
}
