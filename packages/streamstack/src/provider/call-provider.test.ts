import { StreamstackError, type Value } from '@streamstack/protocol'
import { describe, expect, test } from 'vitest'
import { events } from '@streamstack/test-support/frames'
import type { ItemSource, Outbound } from '../outbound/index.ts'
import { type FailedAttempt, type ProviderCall, callProvider } from './call-provider.ts'
import { openaiCompatible } from './dialects/openai-compatible.ts'
import type { ProviderSource } from './provider-source.ts'

const GOOD = events(
  { model: 'm', choices: [{ delta: { content: 'Hi' } }] },
  { choices: [{ delta: {}, finish_reason: 'stop' }] },
  '[DONE]',
)

type Reaction = string | StreamstackError

/** A door behind which each request meets the next reaction: a body, or an error before it. */
function door(reactions: readonly Reaction[]): { outbound: Outbound; models: (string | null)[] } {
  const models: (string | null)[] = []
  const stream: Outbound['stream'] = async (request, items) => {
    const reaction = reactions[models.length]
    models.push((request.body as { model: string }).model)
    if (reaction instanceof StreamstackError) throw reaction
    if (reaction === undefined || typeof items !== 'function') throw new Error('unexpected request')
    const decoder = items({ host: 'ai.example', itemCharactersMax: 1_000_000 })
    const queue: Value[] = []
    let fault: unknown = null
    try {
      if (!decoder.push(Buffer.from(reaction), queue)) decoder.end(queue)
    } catch (error) {
      fault = error
    }
    return Promise.resolve<ItemSource>({
      status: 200,
      headers: {},
      // What came before a fault comes first.
      next: () => (queue.length === 0 && fault !== null ? Promise.reject(fault) : queue.shift()),
      close: () => undefined,
    })
  }
  return { outbound: { stream } as unknown as Outbound, models }
}

function call(models: readonly string[], retries: number, signal = new AbortController().signal): ProviderCall {
  return {
    targets: models.map((model) => ({
      dialect: openaiCompatible,
      model,
      request: { url: 'https://ai.example', body: { model } },
    })),
    retries,
    totalTimeoutMs: null,
    keepsTurn: false,
    signal,
  }
}

interface Tried {
  result: ProviderSource | StreamstackError
  models: (string | null)[]
  waits: number[]
  failures: FailedAttempt[]
}

async function tried(reactions: readonly Reaction[], models: readonly string[], retries: number): Promise<Tried> {
  const waits: number[] = []
  const failures: FailedAttempt[] = []
  const behind = door(reactions)
  const hooks = {
    attemptFailed: (failed: FailedAttempt): void => void failures.push(failed),
    sleep: async (durationMs: number): Promise<void> => void waits.push(durationMs),
  }
  const result = await callProvider(behind.outbound, call(models, retries), hooks).catch((error: unknown) => error)
  return { result: result as ProviderSource | StreamstackError, models: behind.models, waits, failures }
}

const status = (code: number, retryAfterMs?: number): StreamstackError =>
  new StreamstackError('upstream_status', `ai.example answered with status ${code}.`, {
    recoverable: code === 429 || code >= 500,
    retryAfterMs,
  })

describe('a call that fails before its answer', () => {
  test('waits as long as the provider asks', async () => {
    const { result, waits } = await tried([status(429, 7_000), status(503, 0), GOOD], ['a'], 2)
    expect(result).toMatchObject({ answer: { model: 'm' } })
    expect(waits).toEqual([7_000, 0])
  })

  test('backs off by doubling, within a quarter up or down', async () => {
    const { waits } = await tried([status(500), status(500), status(500), status(500), GOOD], ['a'], 4)
    for (const [index, base] of [500, 1_000, 2_000, 4_000].entries()) {
      expect(waits[index]).toBeGreaterThanOrEqual(base * 0.75)
      expect(waits[index]).toBeLessThanOrEqual(base * 1.25)
    }
  })

  test('goes to the next model when the wait would be too long, the error stays, or all tries are used', async () => {
    const { result, models, waits, failures } = await tried(
      [status(429, 120_000), status(401), status(500), status(500), GOOD],
      ['a', 'b', 'c', 'd'],
      1,
    )
    expect(models).toEqual(['a', 'b', 'c', 'c', 'd'])
    expect(waits).toHaveLength(1)
    expect(failures.map(({ model, next }) => [model, next])).toEqual([
      ['a', 'fallback'],
      ['b', 'fallback'],
      ['c', 'retry'],
      ['c', 'fallback'],
    ])
    expect(result).toMatchObject({ answer: { model: 'm' } })
  })

  test('rejects with the last error, and tells of each', async () => {
    const { result, failures } = await tried([status(500), status(400)], ['a', 'b'], 0)
    expect(result).toMatchObject({ code: 'upstream_status', message: 'ai.example answered with status 400.' })
    expect(failures.map(({ next }) => next)).toEqual(['fallback', 'none'])
  })

  test.each<[number, string, { retried: boolean; message: string }]>([
    [
      401,
      '{"error":{"type":"invalid_request_error","code":"invalid_api_key"}}',
      { retried: false, message: 'status 401 (invalid_api_key). Check the API key and its rights.' },
    ],
    [403, '', { retried: false, message: 'status 403. Check the API key and its rights.' }],
    [
      404,
      '{"type":"error","error":{"type":"not_found_error","message":"sk-1"}}',
      { retried: false, message: 'status 404 (not_found_error).' },
    ],
    [409, '<html>', { retried: true, message: 'status 409.' }],
    [
      429,
      '{"error":{"type":"tokens","code":"rate_limit_exceeded"}}',
      { retried: true, message: 'status 429 (rate_limit_exceeded).' },
    ],
    [
      429,
      '{"error":{"code":429,"type":"insufficient_quota"}}',
      { retried: false, message: 'status 429 (insufficient_quota).' },
    ],
    // The excerpt of a long body ends anywhere.
    [
      503,
      '[{\n  "error": {\n    "code": 503,\n    "status": "UNAVAILABLE",\n    "message": "ove',
      { retried: true, message: 'status 503 (UNAVAILABLE).' },
    ],
    [400, '{"error":{"type":"sk-1 is wrong"}}', { retried: false, message: 'status 400.' }],
  ])(
    'with status %i and %j is told by its kind, and tried again if that may help',
    async (code, body, { retried, message }) => {
      const failure = new StreamstackError('upstream_status', `ai.example answered with status ${code}.`, {
        recoverable: code === 429 || code >= 500,
        retryAfterMs: 3,
        details: { upstream_status: code },
        cause: new Error(body),
      })
      const { result, waits } = await tried([failure, failure], ['a'], 1)
      expect(result).toMatchObject({
        message: `ai.example answered with ${message}`,
        recoverable: retried,
        retryAfterMs: 3,
      })
      expect(waits).toEqual(retried ? [3] : [])
      expect(JSON.stringify((result as StreamstackError).details)).not.toContain('sk-1')
    },
  )

  test('is tried again after an error behind frames that only tell of the call', async () => {
    const opened = events(
      { model: 'm', choices: [{ delta: { role: 'assistant' } }] },
      { error: { type: 'server_error' } },
    )
    const { result, models } = await tried([opened, GOOD], ['a'], 1)
    expect(models).toHaveLength(2)
    const source = result as ProviderSource
    expect([await source.next(), await source.next()]).toMatchObject([{ state: 'started' }, { text: 'Hi' }])
  })

  test('is never tried again when something of the answer is out', async () => {
    const half = events({ model: 'm', choices: [{ delta: { content: 'Hi' } }] }, { error: { type: 'server_error' } })
    const { result, models } = await tried([half, GOOD], ['a', 'b'], 3)
    expect(models).toEqual(['a'])
    const source = result as ProviderSource
    expect(await source.next()).toMatchObject({ state: 'started' })
    expect(await source.next()).toMatchObject({ text: 'Hi' })
    await expect(async () => source.next()).rejects.toMatchObject({ code: 'upstream_failed' })
  })

  test.each(['step_failed', 'upstream_refused', 'unavailable'] as const)(
    'by %s is no case for another model',
    async (code) => {
      const { result, models } = await tried([new StreamstackError(code, 'No.'), GOOD], ['a', 'b'], 3)
      expect(result).toMatchObject({ code })
      expect(models).toEqual(['a'])
    },
  )

  test('ends with the signal, whatever it waits for', async () => {
    const controller = new AbortController()
    const behind = door([status(500, 20_000), GOOD])
    const waiting = callProvider(behind.outbound, call(['a'], 1, controller.signal), {
      attemptFailed: () => controller.abort(new Error('left')),
    })
    await expect(waiting).rejects.toThrow('left')
    expect(behind.models).toEqual(['a'])
  })
})
