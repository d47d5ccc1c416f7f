import { describe, expect, test } from 'vitest'
import type { Observed } from './observed.ts'
import { failureOf } from './check.ts'
import { SENTENCES, judgeOfSentence } from './sentences.ts'

const POSITION = { file: 'tests/x.yaml', line: 1, column: 1 }

const SOUND: Observed = {
  status: 200,
  headers: {},
  chunks: ['a', 'b', 'c', '[DONE]'].map((content, index) => ({
    offset: index + 1,
    kind: 'text',
    content,
    metadata: null,
    atMs: 50 + 100 * index,
  })),
  error: null,
  outcome: 'completed',
  totalMs: 400,
  broken: null,
  hasTimedOut: false,
  memoryGrowthBytes: 0,
  run: 'r',
}

const FAILED: Observed = {
  ...SOUND,
  outcome: 'failed',
  error: { code: 'message_invalid', message: 'The message is not valid.', isInBand: true, afterChunks: 1 },
}

function problem(sentence: string, observed: Observed): string | null {
  const judge = judgeOfSentence(sentence)
  if ('fault' in judge) throw new Error(judge.fault)
  return failureOf({ title: sentence, position: POSITION, judge }, [observed])
}

describe('sentences', () => {
  test.each([
    [
      'Response starts within 200ms',
      SOUND,
      { chunks: SOUND.chunks.map((chunk) => ({ ...chunk, atMs: chunk.atMs + 300 })) },
    ],
    ['First chunk arrives within 0.1 seconds.', SOUND, { chunks: [], totalMs: 5_000 }],
    ['Stream completes within 1s', SOUND, { totalMs: 1_300 }],
    ['No gap is longer than 150 ms', SOUND, { chunks: [SOUND.chunks[0], { ...SOUND.chunks[1], atMs: 900 }] }],
    [
      'Chunks arrive with consistent timing',
      SOUND,
      { chunks: SOUND.chunks.map((chunk, index) => ({ ...chunk, atMs: index < 2 ? index * 100 : 2_000 + index })) },
    ],
    ['Stream completes with [DONE] signal', SOUND, { chunks: SOUND.chunks.slice(0, 3) }],
    [
      'stream ends with [done]',
      { ...SOUND, chunks: [{ ...SOUND.chunks[0], content: '[done]' }] },
      { outcome: 'failed', chunks: [{ ...SOUND.chunks[0], content: '[done]' }] },
    ],
    ['Chunks arrive in order', SOUND, { chunks: [SOUND.chunks[1], SOUND.chunks[0]] }],
    ['All chunks arrive in the right order.', SOUND, { chunks: [SOUND.chunks[0], SOUND.chunks[0]] }],
    [
      'Each chunk contains metadata',
      { ...SOUND, chunks: SOUND.chunks.map((chunk, at) => ({ ...chunk, metadata: at === 3 ? null : { at } })) },
      { chunks: SOUND.chunks },
    ],
    ['Total time under 1s', SOUND, { totalMs: 1_300 }],
    ['Response completes in less than 1 second', SOUND, { totalMs: 1_300 }],
    ['Returns status 200', SOUND, { status: 500 }],
    ['No errors or connection drops', SOUND, { broken: 'it closed' }],
    ['Handles large content gracefully', SOUND, { chunks: [SOUND.chunks[0], SOUND.chunks[2]] }],
    ['Memory usage remains stable', SOUND, { memoryGrowthBytes: 64 * 1024 * 1024 }],
    [
      'No timeout errors',
      SOUND,
      { error: { code: 'upstream_timeout', message: 'It was silent.', isInBand: true, afterChunks: 0 } },
    ],
    ['Returns appropriate error messages', FAILED, { error: { ...FAILED.error, message: 'Error' } }],
    ['Fails gracefully without hanging', FAILED, { hasTimedOut: true }],
    ['Error information is streamed back', FAILED, { error: { ...FAILED.error, isInBand: false } }],
    ['Status is 200', SOUND, { status: 500 }],
    ['At least 4 chunks arrive', SOUND, { chunks: [] }],
    ['Exactly 4 chunks arrive', SOUND, { chunks: SOUND.chunks.slice(1) }],
    ['Outcome is completed', SOUND, { outcome: null }],
    ['Error code is message_invalid', FAILED, { error: null }],
    ['Text contains "abc"', SOUND, { chunks: SOUND.chunks.slice(1) }],
  ] as [string, Observed, Partial<Observed>][])('%s', (sentence, passing, change) => {
    expect(problem(sentence, passing)).toBeNull()
    expect(problem(sentence, { ...passing, ...change })).not.toBeNull()
  })

  test('a budget lets a quarter more pass, not a third', () => {
    expect(problem('Stream completes within 320ms', SOUND)).toBeNull()
    expect(problem('Stream completes within 300ms', SOUND)).toBe(
      'The stream ended after 400 ms; the budget is 300 ms + 25 %.',
    )
  })

  test.each([
    ['Response starts in 200ms', 'Response starts within <duration>'],
    ['Chunk arrive with consistant timing', 'Chunks arrive with consistent timing'],
    ['Memory use remains stable', 'Memory usage remains stable'],
    ['The moon is full', 'docs/testing.md'],
  ])('what is not understood is told with a cure: %s', (sentence, cure) => {
    const judge = judgeOfSentence(sentence)
    expect('fault' in judge && judge.fault).toContain(cure)
  })

  test('every form of the grammar is understood with its parts filled in', () => {
    const filled = SENTENCES.map(({ form }) =>
      form
        .replace('<duration>', '2s')
        .replace('<number>', '200')
        .replace('<outcome>', 'failed')
        .replace('<code>', 'a_code')
        .replace('<text>', 'some text'),
    )
    expect(filled.filter((sentence) => 'fault' in judgeOfSentence(sentence))).toEqual([])
  })
})
