import { describe, expect, test } from 'vitest'
import { type Files, tempWorkspace } from '@streamstack/test-support/temp-workspace'
import { endpoint } from '@streamstack/test-support/test-server'
import { compileWorkspace } from '../../engine/index.ts'
import { formatIssue, readWorkspace } from '../../workspace/index.ts'

/** What loading a workspace says. */
async function issues(
  stack: readonly object[],
  more: { files?: Files; settings?: object; inputs?: object } = {},
): Promise<string[]> {
  await using workspace = await tempWorkspace({
    'streamstack.yaml': more.settings ?? {},
    'endpoints/e.json': endpoint('/e', stack, { method: 'POST', inputs: more.inputs ?? { message: 'text' } }),
    ...more.files,
  })
  const environment = { OPENAI_API_KEY: 'k', ANTHROPIC_API_KEY: 'k', GEMINI_API_KEY: 'k' }
  return compileWorkspace(await readWorkspace(workspace.dir, environment), null).issues.map(
    (issue) => `${issue.severity} ${formatIssue(issue)}`,
  )
}

const reply = (more: object): object => ({
  function: 'AI Reply',
  provider: 'openai',
  model: 'm',
  messages: '{{message}}',
  ...more,
})
const request = (more: object): object => ({
  function: 'External API Request (Streaming)',
  provider: 'openai',
  body: { model: 'm', messages: [] },
  ...more,
})

describe('is fine', () => {
  test.each([
    [[reply({})]],
    [[reply({ provider: 'Anthropic' })]],
    [[reply({ provider: 'Google AI' })]],
    [[reply({ provider: 'openai-compatible', base_url: 'https://ai.example/v1' })]],
    [[reply({ fallback: [{ model: 'n' }, { provider: 'anthropic', model: 'c' }] })]],
    [[request({})]],
    [[request({ provider: 'OpenAI/Anthropic/Google AI', url: 'https://api.anthropic.com/v1/messages' })]],
    [[request({ provider: 'openai-compatible', url: 'https://ai.example/v1/chat/completions' })]],
    [[request({ url: 'https://api.openai.com/v1/responses' }), { function: 'For Each', processing: ['Forward it'] }]],
    [[request({ as: 'chat' }), { function: 'For Each', input: '{{chat}}', processing: 'Forward it' }]],
    [
      [
        { function: 'External API Request (Streaming)', url: 'https://a.example' },
        { function: 'For Each', steps: [] },
      ],
    ],
  ])('%j', async (stack) => {
    expect(await issues(stack)).toEqual([])
  })
})

describe('is told', () => {
  test.each<[object[], RegExp]>([
    [[reply({ provider: 'antropic' })], /error .*There is no provider 'antropic'\. Did you mean `anthropic`\?/],
    [
      [reply({ provider: 'Groq' })],
      /error .*no provider 'Groq'\. It speaks OpenAI's API: write provider: openai-compatible and base_url: https:\/\/api\.groq\.com\/openai\/v1$/,
    ],
    [
      [reply({ provider: 'Azure OpenAI' })],
      /error .*base_url: https:\/\/YOUR-RESOURCE\.openai\.azure\.com\/openai\/v1$/,
    ],
    [[reply({ provider: 'openai/bedrock' })], /error .*no provider 'bedrock'\. Known are openai, anthropic/],
    [[reply({ provider: 'openai/anthropic' })], /error .*`provider` must name one provider/],
    [[reply({ provider: 'openai-compatible' })], /error .*needs `base_url`/],
    [[reply({ model: undefined })], /error .*AI Reply needs `model`/],
    [[reply({ fallback: [{ provider: 'anthropic' }] })], /error .*needs `model`/],
    [[reply({ fallback: [{ model: 'a', base_ulr: 'x' }] })], /error .*no `base_ulr`\. Did you mean `base_url`\?/],
    [[reply({ fallback: '{{message}}' })], /error .*`fallback` must be a list that is written out/],
    [[reply({ temperature: 3 })], /error .*'temperature' must be a number from 0 to 2/],
    [[reply({ tools: ['wether'] })], /error .*There is no function file 'wether'\. Did you mean `weather`\?/],
    [[reply({ tools: ['weather', { function: 'weather' }] })], /error .*Two tools have the name 'weather'/],
    [[reply({ tools: [3] })], /error .*A tool is the name of a function file/],
    [
      [request({ provider: 'OpenAI/Google AI', url: 'https://api.anthropic.com/v1/messages' })],
      /error .*belongs to none of the providers/,
    ],
    [[request({ body: undefined })], /error .*needs `messages` and `model`, or `body`/],
    [[request({ temperature: 1 })], /error .*`temperature` needs `messages`/],
    [
      [request({ url: 'https://api.openai.com/v1/chat/completions', base_url: 'https://a.example' })],
      /error .*both say where/,
    ],
    [[request({ url: 'https://api.openai.com/v1/responses', api: 'chat' })], /error .*remove `api`/],
    [[reply({ provider: 'anthropic', api: 'responses' })], /error .*this provider has one/],
    [[request({ fallback: [{ provider: 'anthropic', model: 'c' }] })], /error .*Another provider cannot read `body`/],
    [[request({ items: 'sse' })], /error .*`items` has no meaning together with `provider`/],
    [[{ function: 'External API Request (Streaming)' }], /error .*needs `url`/],
    [
      [{ function: 'External API Request (Streaming)', url: 'https://a.example', model: 'm' }],
      /error .*`model` has a meaning only together with `provider`/,
    ],
    [[{ function: 'For Each', steps: [] }], /error .*For Each needs `input`/],
    [
      [{ function: 'For Each', input: [1], processing: ['Look at it'] }],
      /warning .*described in words, which do not run/,
    ],
    [
      [
        { function: 'External API Request (Streaming)', url: 'https://a.example' },
        { function: 'For Each', processing: ['Look at it'] },
      ],
      /warning .*described in words, which do not run/,
    ],
  ])('%j', async (stack, message) => {
    const weather = { description: 'Tells the weather.', function_stack: [{ function: 'Return', value: 1 }] }
    const found = await issues(JSON.parse(JSON.stringify(stack)) as object[], {
      files: { 'functions/weather.json': weather },
    })
    expect(found).toHaveLength(1)
    expect(found[0]).toMatch(message)
    expect(found[0]).toMatch(/ endpoints\/e\.json:\d+:\d+ /)
  })

  test('a tool without a description, by which a model chooses', async () => {
    const mute = { function_stack: [{ function: 'Return', value: 1 }] }
    const found = await issues([reply({ tools: ['mute'] })], { files: { 'functions/mute.json': mute } })
    expect(found).toMatchObject([expect.stringMatching(/^warning .*The tool 'mute' has no description/)])
    expect(
      await issues([reply({ tools: [{ function: 'mute', description: 'Says nothing.' }] })], {
        files: { 'functions/mute.json': mute },
      }),
    ).toEqual([])
  })

  test('a tool that calls the endpoint’s own function in a circle', async () => {
    const loop = {
      description: 'Loops.',
      input_parameters: { message: 'text' },
      function_stack: [reply({ tools: ['loop'] })],
    }
    const found = await issues([reply({ tools: ['loop'] })], { files: { 'functions/loop.json': loop } })
    expect(found.join('\n')).toMatch(/loop/)
  })

  test.each<[string, object, boolean]>([
    ['text/plain', { headers: { 'Content-Type': 'text/plain; charset=utf-8' } }, true],
    ['text/csv', { headers: { 'Content-Type': 'text/csv' } }, true],
    ['text/event-stream', { headers: { 'Content-Type': 'text/event-stream; charset=utf-8' } }, false],
    ['application/x-ndjson', { headers: { 'Content-Type': 'application/x-ndjson' } }, false],
    ['application/jsonl', { headers: { 'Content-Type': 'application/jsonl' } }, false],
    ['the format text', { format: 'text' }, true],
    ['the format ai-sdk', { format: 'ai-sdk' }, false],
    ['a format besides a type', { format: 'sse', headers: { 'Content-Type': 'text/plain' } }, false],
    ['nothing', {}, false],
  ])('an endpoint that declares %s, if it has no heartbeats', async (_, declared, warns) => {
    const endpoint = { method: 'POST', path: '/e', inputs: { message: 'text' }, ...declared }
    const stacks = [[reply({})], [{ function: 'Run Function', name: 'asks', inputs: { message: '{{message}}' } }]]
    for (const stack of stacks) {
      const found = await issues([], {
        files: {
          'functions/asks.json': { input_parameters: { message: 'text' }, function_stack: [reply({})] },
          'endpoints/e.json': { ...endpoint, function_stack: stack },
        },
      })
      expect(found).toEqual(warns ? [expect.stringMatching(/^warning .*no heartbeat/)] : [])
    }
  })

  test('a rewrite to an address that is not allowed', async () => {
    const outbound = { rewrite: { 'https://api.openai.com': 'http://127.0.0.1:9000' } }
    expect(await issues([reply({})], { settings: { outbound } })).toMatchObject([
      expect.stringContaining('which is not allowed; list "127.0.0.1:9000" under outbound.allow'),
    ])
    expect(await issues([reply({})], { settings: { outbound: { ...outbound, allow: ['127.0.0.1:9000'] } } })).toEqual(
      [],
    )
  })
})
