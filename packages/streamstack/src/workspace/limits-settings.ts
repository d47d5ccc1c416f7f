import type { Value } from '@streamstack/protocol'
import { z } from 'zod'
import { type RateLimitDeclaration, createIssueList, normalizeRateLimits, treeFromValue } from '../definition/index.ts'
import type { OpenStreamBounds } from '../limit/index.ts'
import { byteSize, duration, OBJECT_MESSAGE, wholeNumber } from './setting-types.ts'

export const openStreamsShape = {
  total: wholeNumber(1, 10_000_000).optional().describe('Maximum number of concurrent streams; further ones get 503.'),
  per_caller: wholeNumber(1, 1_000_000)
    .optional()
    .describe('The same for one subject, or for one address without a token; further ones get 429.'),
  per_address: wholeNumber(1, 1_000_000)
    .optional()
    .describe('The same for one address, IPv6 by /64; further ones get 429.'),
}

/** `limits`: bounds of one run, and of all runs, calls and streams together. */
export const limitsShape = {
  max_duration: duration(1).prefault('10m').describe('Longest time of one run.'),
  max_chunks: wholeNumber(1, Number.MAX_SAFE_INTEGER).prefault(10_000_000).describe('Most chunks of one run.'),
  max_bytes: byteSize.prefault('4gb').describe('Most bytes of content and metadata of one run.'),
  max_iterations: wholeNumber(1, Number.MAX_SAFE_INTEGER)
    .prefault(10_000_000)
    .describe('Most rounds of all loops of one run together.'),
  max_stack_depth: wholeNumber(1, 1000).prefault(64).describe('How deep functions may call each other.'),
  active_runs: wholeNumber(1, 1_000_000)
    .optional()
    .describe(
      'Maximum number of concurrent runs; further calls get 503. Default: as many as a tenth of the heap can hold, at 32 kB each.',
    ),
  rate_limit: z
    .unknown()
    .transform((value, context) => {
      const list = createIssueList()
      const limits = normalizeRateLimits(
        treeFromValue((value ?? null) as Value, { file: 'streamstack.yaml', line: 1, column: 1 }),
        list,
      )
      const [issue] = list.issues
      if (issue !== undefined)
        context.addIssue({ code: 'custom', message: issue.message.replace(/^`rate_limit` /, '').replace(/\.$/, '') })
      return limits
    })
    .optional()
    .meta({
      title: 'object, or list of objects',
      description:
        'How often all endpoints together may be called: `{ calls: 600, per: 1m, by: caller }`, or with `tokens` of models or `bytes` of answers instead of `calls`. `by` is `caller` (the subject of the token, else the address) or `address`; `roles` restricts it to callers with one of these roles, `keys` to those API keys; `mode: report` refuses nothing. Endpoints declare their own `rate_limit`.',
    }),
  open_streams: z.strictObject(openStreamsShape, OBJECT_MESSAGE).prefault({}),
}

/** `limits` as the program uses it. */
export interface LimitsSettings {
  readonly maxDurationMs: number
  readonly maxChunks: number
  readonly maxBytes: number
  readonly maxIterations: number
  readonly maxStackDepth: number
  /** Null: as many as the heap can hold. */
  readonly activeRunsMax: number | null
  /** Of all endpoints together. */
  readonly rateLimits: readonly RateLimitDeclaration[]
  readonly openStreams: OpenStreamBounds
}

/** Returns the checked section in the shape that the program uses. */
export function limitsSettings(limits: z.output<z.ZodObject<typeof limitsShape>>): LimitsSettings {
  return {
    maxDurationMs: limits.max_duration,
    maxChunks: limits.max_chunks,
    maxBytes: limits.max_bytes,
    maxIterations: limits.max_iterations,
    maxStackDepth: limits.max_stack_depth,
    activeRunsMax: limits.active_runs ?? null,
    rateLimits: limits.rate_limit ?? [],
    openStreams: {
      total: limits.open_streams.total ?? null,
      perCaller: limits.open_streams.per_caller ?? null,
      perAddress: limits.open_streams.per_address ?? null,
    },
  }
}
