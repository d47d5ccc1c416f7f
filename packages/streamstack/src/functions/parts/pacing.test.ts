import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { firstFrame } from '../../plan/index.ts'
import { planOf, runFrame } from '../../plan/testing/run-stack.ts'
import { newRunState, type StreamOptions } from '../../run/index.ts'
import { type Pace, isPaced, pauseMs } from './pacing.ts'

beforeEach(() => {
  vi.useFakeTimers()
})

afterEach(() => {
  vi.useRealTimers()
})

/** When each chunk of a stack left, in milliseconds of a clock that the test moves. */
async function timesOf(stack: readonly unknown[], options: StreamOptions | null = null): Promise<number[]> {
  const { plan } = planOf(stack)
  if (plan === null) throw new Error('the stack is broken')
  const times: number[] = []
  const state = newRunState({ id: 'r', endpoint: 'e', plan: plan.hash, options, frame: firstFrame(plan, {}, null) })
  const startedMs = performance.now()
  const ended = runFrame(plan.programs, state, {
    onRun: ({ stream }) => {
      const append = stream.append.bind(stream)
      stream.append = (chunk) => {
        times.push(Math.round(performance.now() - startedMs))
        return append(chunk)
      }
    },
  })
  await vi.advanceTimersByTimeAsync(60_000)
  expect(await ended).toMatchObject({ outcome: 'completed' })
  return times
}

const send = (content: unknown, more: object = {}): object => ({ function: 'Streaming API Response', content, ...more })
const each = (items: unknown[], more: object): object => ({
  function: 'For Each',
  input: items,
  inner_functions: [send('{{item}}', more)],
})
const gaps = (times: readonly number[]): number[] => times.slice(1).map((time, i) => time - (times[i] ?? NaN))

describe('pacing', () => {
  test('with a fixed delay counts from chunk to chunk, across rounds and steps', async () => {
    const stack = [each(['a', 'b', 'c'], { delay: 100 }), send('d', { delay: '0.1s' }), send('e')]
    expect(await timesOf(stack)).toEqual([0, 100, 200, 300, 300])
    expect(await timesOf([send('a b c', { chunk_by: 'words', delay: 20 }), send('d', { delay: 20 })])).toEqual([
      0, 20, 40, 60,
    ])
  })

  test('by length waits for the chunk before, in the same step and in another round', async () => {
    const words = ['abcdefghij', 'k', 'abcdefghijabcdefghij', 'end']
    const [first = NaN, second, third] = gaps(await timesOf([each(words, { pacing: 'adaptive' })]))
    expect(first).toBeGreaterThan(100)
    expect(second).toBeLessThan(first / 5)
    expect(third).toBeGreaterThan(first * 1.8)
    const inOne = gaps(await timesOf([send('abcdefghi k l', { chunk_by: 'words', pacing: 'adaptive' })]))
    expect(inOne[0]).toBeGreaterThan((inOne[1] ?? NaN) * 4)
  })

  test('like speech rests behind a sentence, in another round and another step as well', async () => {
    const natural = { pacing: 'natural', delay: 100 }
    const [afterSentence, afterWord] = gaps(await timesOf([each(['One.', 'two', 'three'], natural)]))
    expect(afterSentence).toBeGreaterThanOrEqual(280)
    expect(afterWord).toBeLessThanOrEqual(130)
    expect(gaps(await timesOf([send('One. ', natural), send('Two', natural)]))[0]).toBeGreaterThanOrEqual(280)
    expect(gaps(await timesOf([send('好。', natural), send('Two', natural)]))[0]).toBeGreaterThanOrEqual(280)
    const [unset = NaN] = gaps(await timesOf([each(['one', 'two'], { pacing: 'natural' })]))
    expect(unset).toBeGreaterThanOrEqual(35)
    expect(await timesOf([each(['one', 'two'], { pacing: 'natural', delay: 0 })])).toEqual([0, 0])
  })

  test("the caller's delay scales it and does not replace it; 0 turns it off", async () => {
    const ask = (delayMs: number): StreamOptions => ({ chunkSize: null, delayMs })
    const natural = [each(['One.', 'two', 'three'], { pacing: 'natural', delay: 10 })]
    const [afterSentence, afterWord] = gaps(await timesOf(natural, ask(100)))
    expect(afterSentence).toBeGreaterThanOrEqual(280)
    expect(afterWord).toBeLessThanOrEqual(130)
    const adaptive = [each(['abcdefghij', 'k', 'l'], { pacing: 'adaptive' })]
    const [own = NaN] = gaps(await timesOf(adaptive))
    expect(gaps(await timesOf(adaptive, ask(100)))[0]).toBeCloseTo(own * 2, -1)
    expect(gaps(await timesOf(adaptive, ask(25)))[0]).toBeCloseTo(own / 2, -1)
    expect(await timesOf([each(['a', 'b'], { delay: 10 })], ask(40))).toEqual([0, 40])
    expect(await timesOf([each(['a', 'b'], { pacing: 'burst' })], ask(40))).toEqual([0, 40])
    expect(await timesOf([each(['a', 'b'], {})], ask(40))).toEqual([0, 40])
    for (const pacing of ['fixed', 'natural', 'adaptive', 'burst', 'smooth']) {
      expect(await timesOf([each(['abcdef.', 'b'], { pacing, delay: 50 })], ask(0)), pacing).toEqual([0, 0])
    }
  })

  test('of a step that takes time waits only for the rest', async () => {
    const stack = [send('a', { delay: 100 }), { function: 'Sleep', duration: 60 }, send('b', { delay: 100 })]
    expect(await timesOf(stack)).toEqual([0, 100])
  })

  test('smoothly sends every character, and what was sent before another chunk leaves before it', async () => {
    const times = await timesOf([
      send('x'.repeat(200), { pacing: 'smooth' }),
      { function: 'Sleep', duration: '2s' },
      send('y'),
    ])
    expect(times.length).toBeGreaterThan(10)
    expect(times.at(-2)).toBeLessThanOrEqual(1_000)
    const { plan } = planOf([send('abc def ', { pacing: 'smooth' }), send({ n: 1 }), send('end', { pacing: 'smooth' })])
    const ended = runFrame(plan?.programs ?? new Map(), firstFrame(plan as NonNullable<typeof plan>, {}, null))
    await vi.advanceTimersByTimeAsync(1_000)
    const { contents } = await ended
    const at = contents.findIndex((content) => typeof content === 'object')
    expect(contents.slice(0, at).map(String).join('')).toBe('abc def ')
    expect(
      contents
        .slice(at + 1)
        .map(String)
        .join(''),
    ).toBe('end')
  })

  test('knows no pause that is negative or endless', () => {
    const before = { atMs: 0, length: 10, end: '.' }
    for (const pacing of ['fixed', 'adaptive', 'burst', 'natural', 'smooth'] as const) {
      for (const callerDelayMs of [null, 0, 1, 60_000]) {
        const how: Pace = { pacing, delayMs: 0, callerDelayMs }
        const pause = pauseMs(how, before, 1)
        expect(pause).toBeGreaterThanOrEqual(0)
        expect(Number.isFinite(pause)).toBe(true)
        if (!isPaced(how)) expect(pause).toBe(0)
      }
    }
  })
})
