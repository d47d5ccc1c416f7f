import { expect, test } from 'vitest'
import { commandLine } from '@streamstack/test-support/command-line'

const words = `endpoint_settings: { method: GET, path: /words }
function_stack:
  - function: Streaming API Response
    content: one two three four five six
`
const answer = `endpoint_settings: { method: GET, path: /answer }
function_stack:
  - { function: Streaming API Response, kind: status, content: { state: started } }
  - { function: Streaming API Response, kind: reasoning, content: 'Well, ' }
  - { function: Streaming API Response, content: one two three four five six }
  - { function: Streaming API Response, kind: usage, content: { input_tokens: 1, output_tokens: 6 } }
`

test('run --compare shows the same content in several sizes side by side', async () => {
  using line = commandLine()
  line.write({ 'endpoints/words.yaml': words })
  const { code, out, err } = await line.run('run', 'GET', '/words', '--compare', 'chunk_size=1,3,10')
  expect(err).toBe('')
  expect(code).toBe(0)
  expect(out).toMatch(/^ +chunk_size 1 +chunk_size 3 +chunk_size 10$/m)
  expect(out).toMatch(/^chunks +6 +2 +1$/m)
  expect(out).toMatch(/^characters per chunk +4\.5 +13\.5 +27\.0$/m)
  for (const row of ['first chunk', 'total', 'gap, median', 'gap, 95th percentile', 'gap, longest']) {
    expect(out).toMatch(new RegExp(`^${row} +(?:\\d+ ms|-) +`, 'm'))
  }
  expect(out).toMatch(/ms {2}one .*ms {2}one two three .*ms {2}one two/)
  expect(out).not.toContain('did not send the same')
})

test('run --compare counts the content of an answer alone', async () => {
  using line = commandLine()
  line.write({ 'endpoints/answer.yaml': answer })
  const { out } = await line.run('run', 'GET', '/answer', '--compare', 'chunk_size=1,3,10')
  expect(out).toMatch(/^chunks +6 +2 +1$/m)
  expect(out).toMatch(/^characters per chunk +4\.5 +13\.5 +27\.0$/m)
  expect(out).not.toMatch(/started|Well|tokens|did not send the same/)
})

test.each([
  ['chunksize=1', 'Did you mean `chunk_size`?'],
  ['format=a', 'Compare chunk_size or delay.'],
  ['chunk_size=', 'as in --compare chunk_size=1,5,10'],
  ['chunk_size=0', 'options.chunk_size'],
])('run --compare %s says what is wrong', async (comparison, message) => {
  using line = commandLine()
  line.write({ 'endpoints/words.yaml': words })
  const { code, out, err } = await line.run('run', 'GET', '/words', '--compare', comparison)
  expect(code).toBe(1)
  expect(out).toBe('')
  expect(err).toContain(message)
})
