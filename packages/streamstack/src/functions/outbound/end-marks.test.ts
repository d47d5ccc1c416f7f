import { expect, test } from 'vitest'
import { planOf } from '../../plan/testing/run-stack.ts'

const relay = (more: object): readonly unknown[] => [
  {
    function: 'External API Request (Streaming)',
    url: 'https://api.example/chat',
    inner_functions: [{ function: 'Streaming API Response', content: '{{item.delta}}' }],
    ...more,
  },
]

function issues(more: object): string[] {
  return planOf(relay(more)).issues.map(({ severity, message }) => `${severity}: ${message}`)
}

test.each([
  { items: 'sse' },
  { items: 'sse-events' },
  { body: { stream: true } },
  { items: 'ndjson', body: {} },
  { items: 'sse', url: 'https://{{input.host}}/x' },
])('a relay with %j and no end mark is warned about, with the cure', (more) => {
  expect(issues(more)).toEqual([expect.stringMatching(/^warning: .*`until: '\[DONE\]'`.*`until: false`/)])
})

test.each([
  { items: 'sse', until: '[DONE]' },
  { items: 'sse', until: { type: 'message_stop' } },
  { body: {}, until: ['[DONE]', { done: true }] },
  { items: 'sse', until: false },
  { items: 'lines' },
  { items: 'bytes', body: 'x' },
  // A service that is asked without a body answers with a document, which its framing ends.
  { items: 'ndjson' },
  { items: 'sse', url: '/api/own' },
  { items: 'sse', url: '/api/{{input.name}}' },
])('a relay with %j is not', (more) => {
  expect(issues(more)).toEqual([])
})

test.each([
  [{ items: 'bytes', until: 'x' }, 'items: bytes'],
  [{ items: 'sse', until: [] }, "'until' must be"],
  [{ items: 'sse', until: 5 }, "'until' must be"],
  [{ items: 'sse', until: true }, "'until' must be"],
  [{ items: 'sse', until: {} }, "'until' must be"],
  [{ items: 'sse', until: '{{mark}}' }, '{{ }} does not work here'],
  [{ items: 'sse', until: '[DONE]', bad_items: 'ignore' }, 'fail, pass'],
  [{ items: 'ssetext', until: false }, 'sse-text'],
])('%j is an error that says what to do', (more, words) => {
  expect(issues(more).join('\n')).toContain(words)
  expect(issues(more)[0]).toMatch(/^error: /)
})
