import { expect, test } from 'vitest'
import { Rewrites, rewriteProblem } from './rewrite.ts'

const signal = new AbortController().signal

test.each([
  ['https://api.openai.com/v1/chat?a=1', 'http://127.0.0.1:9000/v1/chat?a=1'],
  ['https://api.openai.com:443/v1', 'http://127.0.0.1:9000/v1'],
  ['https://api.anthropic.com/v1/messages', '/mock/claude/v1/messages'],
  ['https://self.example/a/b', '/a/b'],
  ['https://api.openai.com.evil.example/v1', 'https://api.openai.com.evil.example/v1'],
  ['http://api.openai.com/v1', 'http://api.openai.com/v1'],
  ['/api/own', '/api/own'],
])('%s goes to %s', (from, to) => {
  const rewrites = new Rewrites({
    'https://api.openai.com': 'http://127.0.0.1:9000/',
    'https://api.anthropic.com': '/mock/claude',
    'https://self.example': 'self',
  })
  expect(rewrites.resolved({ url: from, signal }).url).toBe(to)
})

test.each<[string, string, string[], string | null]>([
  ['https://api.openai.com', 'http://127.0.0.1:9000', ['127.0.0.1:9000'], null],
  ['https://api.openai.com/', 'http://127.0.0.1:9000', ['127.0.0.0/8'], null],
  ['https://api.openai.com', 'https://mock.example', ['mock.example'], null],
  ['https://api.openai.com', 'self', ['self'], null],
  ['https://api.openai.com', '/mock', ['self'], null],
  ['https://api.openai.com', 'http://127.0.0.1:9000', [], 'list "127.0.0.1:9000" under outbound.allow'],
  // A public address must be listed as well: requests carry keys.
  ['https://api.openai.com', 'https://mock.example', [], 'list "mock.example" under outbound.allow'],
  ['https://api.openai.com', 'http://127.0.0.1:9001', ['127.0.0.1:9000'], 'is not allowed'],
  ['https://api.openai.com', 'self', [], 'list "self" under outbound.allow'],
  ['https://api.openai.com', '//evil.example', ['self'], 'has the target "//evil.example"'],
  ['https://api.openai.com', 'file:///etc/passwd', ['self'], 'has the target'],
  ['https://api.openai.com', 'http://user:pw@127.0.0.1:9000', ['127.0.0.1:9000'], 'has the target'],
  ['https://api.openai.com/v1', 'self', ['self'], 'is not an origin'],
  ['api.openai.com', 'self', ['self'], 'is not an origin'],
])('%s to %s with %j', (from, to, allow, problem) => {
  const found = rewriteProblem(from, to, allow)
  if (problem === null) expect(found).toBeNull()
  else expect(found).toContain(problem)
})
