import type { Chunk } from '@streamstack/protocol'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { splitText } from '../text/split-text.ts'
import { type SmoothCut, type SmoothText, Smoother } from './smoother.ts'

beforeEach(() => {
  vi.useFakeTimers()
})

afterEach(() => {
  vi.useRealTimers()
})

const CHARACTERS: SmoothCut = { unit: 'characters', size: null }

interface Sent {
  text: string
  atMs: number
}

class Trial {
  readonly state: { smooth: SmoothText | null } = { smooth: null }
  readonly sent: Sent[] = []
  readonly failures: unknown[] = []
  readonly smoother: Smoother
  /** What appending returns. */
  room: Promise<void> | undefined = undefined

  constructor() {
    this.smoother = new Smoother({
      state: this.state,
      append: (chunk) => {
        this.sent.push({ text: chunk.data, atMs: performance.now() })
        return this.room
      },
      failed: (thrown) => this.failures.push(thrown),
      nowMs: () => performance.now(),
    })
  }

  push(data: string, cut = CHARACTERS): void {
    void this.smoother.push(chunk(data), cut)
  }

  get text(): string {
    return this.sent.map(({ text }) => text).join('')
  }
}

function chunk(data: string): Chunk {
  return { kind: 'text', data, metadata: null }
}

/** Letters of one, two and four units, joined marks, flags, a family, Chinese, Thai, spaces. */
const texts = fc.array(
  fc.constantFrom('a', 'b ', 'é', 'e\u0301', '👍🏽', '👨‍👩‍👧', '🇩🇪', '漢字', '。', 'ภาษา', ' ', '\n', '\r\n', 'word '),
  { minLength: 1, maxLength: 30 },
)

describe('smoothed text', () => {
  test('comes out as it went in, at most a second behind, and no character is cut', async () => {
    const arrivals = fc.array(fc.tuple(texts, fc.integer({ min: 0, max: 400 })), { minLength: 1, maxLength: 20 })
    await fc.assert(
      fc.asyncProperty(arrivals, async (deltas) => {
        const trial = new Trial()
        let pushed = ''
        const cameAtMs: number[] = []
        for (const [pieces, pauseMs] of deltas) {
          const data = pieces.join('')
          pushed += data
          for (let i = 0; i < data.length; i++) cameAtMs.push(performance.now())
          trial.push(data)
          await vi.advanceTimersByTimeAsync(pauseMs)
        }
        await vi.advanceTimersByTimeAsync(1_000)
        expect(trial.text).toBe(pushed)
        expect(trial.state.smooth?.text ?? '').toBe('')
        let character = 0
        for (const { text, atMs } of trial.sent) {
          for (let i = 0; i < text.length; i++) expect(atMs - (cameAtMs[character++] ?? NaN)).toBeLessThanOrEqual(1_000)
        }
        // Within one delta, pieces end where a reader sees a character end.
        const [[first] = [[]]] = deltas
        const graphemes = splitText(first.join(''), 'characters', 1)
        const ends = new Set(graphemes.map((_, i) => graphemes.slice(0, i + 1).join('').length))
        let length = 0
        for (const { text } of trial.sent) {
          length += text.length
          if (length < first.join('').length) expect(ends).toContain(length)
        }
      }),
      { numRuns: 60 },
    )
  })

  test('has no ceiling: a fast model comes out as fast, in steps that stay even', async () => {
    const trial = new Trial()
    for (let i = 0; i < 400; i++) {
      trial.push('0123456789')
      await vi.advanceTimersByTimeAsync(10)
    }
    // 1,000 characters a second went in for 4 s; no more than 0.6 s of them wait.
    expect(trial.text.length).toBeGreaterThan(4_000 - 700)
    const late = trial.sent
      .filter(({ atMs }) => atMs > (trial.sent[0]?.atMs ?? NaN) + 2_000)
      .map(({ text }) => text.length)
    expect(Math.max(...late)).toBeLessThan(3 * Math.min(...late))
  })

  test('evens out a burst', async () => {
    const trial = new Trial()
    trial.push('x'.repeat(300))
    await vi.advanceTimersByTimeAsync(700)
    expect(trial.text).toHaveLength(300)
    expect(trial.sent.length).toBeGreaterThan(12)
    expect(Math.max(...trial.sent.map(({ text }) => text.length))).toBeLessThan(40)
  })

  test('begins at once, holds half a character back until the rest comes, and is flushed whole', async () => {
    const trial = new Trial()
    trial.push('Hi e')
    expect(trial.text).toBe('H')
    await vi.advanceTimersByTimeAsync(20)
    trial.push('\u0301!')
    await vi.advanceTimersByTimeAsync(1_000)
    expect(trial.sent.map(({ text }) => text)).not.toContain('\u0301')
    trial.push('and the rest of it')
    void trial.smoother.flush()
    expect(trial.text).toBe('Hi e\u0301!and the rest of it')
    expect(vi.getTimerCount()).toBe(0)
  })

  test('of words of a size gives pieces of that size', async () => {
    const trial = new Trial()
    const cut: SmoothCut = { unit: 'words', size: 3 }
    for (const delta of ['one t', 'wo three four', ' five six sev', 'en eight']) {
      trial.push(delta, cut)
      await vi.advanceTimersByTimeAsync(100)
    }
    void trial.smoother.flush()
    expect(trial.sent.map(({ text }) => text)).toEqual(['one two three ', 'four five six ', 'seven eight'])
  })

  test('waits for readers that are behind, and goes on when they have room', async () => {
    const trial = new Trial()
    let release = (): void => undefined
    trial.room = new Promise((resolve) => {
      release = resolve
    })
    trial.push('abcdef')
    await vi.advanceTimersByTimeAsync(2_000)
    expect(trial.text).toBe('a')
    trial.room = undefined
    release()
    await vi.advanceTimersByTimeAsync(1_000)
    expect(trial.text).toBe('abcdef')
  })

  test('is plain data between turns, and goes on from a clone of it', async () => {
    const trial = new Trial()
    trial.push('0123456789')
    await vi.advanceTimersByTimeAsync(100)
    const sent = trial.text
    const other = new Trial()
    other.state.smooth = structuredClone(trial.state.smooth)
    other.smoother.resume()
    await vi.advanceTimersByTimeAsync(1_000)
    expect(sent + other.text).toBe('0123456789')
  })

  test('tells what a timer met', async () => {
    const trial = new Trial()
    trial.push('ab')
    trial.sent.push = () => {
      throw new Error('full')
    }
    await vi.advanceTimersByTimeAsync(1_000)
    expect(trial.failures).toEqual([new Error('full')])
  })
})
