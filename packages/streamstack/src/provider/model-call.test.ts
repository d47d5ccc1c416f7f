import { expect, test } from 'vitest'
import { type ModelCall, costOf, withCall } from './model-call.ts'

const usage = { input_tokens: 1_000, output_tokens: 500, reasoning_tokens: 100, cached_tokens: 400 }

test('a price is that of the model, else of the longest beginning', () => {
  const prices = {
    'small-2': { input: 1, output: 4, cached: 0.5 },
    'small*': { input: 10, output: 10 },
    'small-1*': { input: 2, output: 2 },
  }
  expect(costOf(usage, ['small-2'], prices)).toBeCloseTo((600 * 1 + 400 * 0.5 + 500 * 4) / 1e6)
  expect(costOf(usage, ['small-1-mini'], prices)).toBeCloseTo((1_500 * 2) / 1e6)
  // The answer's own name is not listed, the one that was asked for is.
  expect(costOf(usage, ['big-2026', 'small-9'], prices)).toBeCloseTo((1_500 * 10) / 1e6)
  expect(costOf(usage, ['big', null], prices)).toBeNull()
  expect(costOf({ ...usage, input_tokens: null, output_tokens: null }, ['small-2'], prices)).toBeNull()
})

test('a run keeps the sums of all calls and the newest calls', () => {
  const call = (n: number): ModelCall => ({
    ...usage,
    cached_tokens: n === 0 ? null : 1,
    provider: 'openai',
    model: `m${n}`,
    attempts: 1,
    finish_reason: 'stop',
    first_token_ms: 100 + n,
    tokens_per_second: 50,
    duration_ms: 10,
    cost: 0.5,
  })
  let sums = withCall(null, call(0))
  expect(sums).toMatchObject({ calls: 1, cached_tokens: null, cost: 0.5, tokens_per_second: 50 })
  for (let n = 1; n < 100; n++) sums = withCall(sums, call(n))
  expect(sums).toMatchObject({ calls: 100, input_tokens: 100_000, cached_tokens: 99, cost: 50, first_token_ms: 100 })
  expect(sums.last_calls.map(({ model }) => model)).toEqual(Array.from({ length: 20 }, (_, n) => `m${80 + n}`))
})
