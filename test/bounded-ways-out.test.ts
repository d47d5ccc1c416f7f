import { afterAll, beforeAll, expect, test } from 'vitest'
import { ndjsonLines, problem } from '@streamstack/test-support/http-client'
import { type TestServer, endpoint, send, testServer } from '@streamstack/test-support/test-server'

/** Sixty lists, each of which holds the one before twice: small in memory, and longer than anything as text. */
const bomb = [
  { step: 'Seed', variables: { v: ['x'] } },
  {
    function: 'For',
    count: 60,
    inner_functions: [{ function: 'Update Variable', name: 'v', value: ['{{v}}', '{{v}}'] }],
  },
]

const url = 'http://127.0.0.1:9/'
const record = { function: 'Add Record', table: 'things' }
const request = { function: 'External API Request', url }
const model = { function: 'AI Reply', provider: 'openai', base_url: 'http://127.0.0.1:9', model: 'm' }

/** What takes a value out of a run, and the code of the error; null: the run completes without the value. */
const ways: Record<string, [step: object, code: string | null]> = {
  content: [send('{{v}}'), 'limit_exceeded'],
  metadata: [send('a', { deep: '{{v}}' }), 'limit_exceeded'],
  'final metadata': [{ ...send('a', { deep: '{{v}}' }), final_metadata: { more: '{{v}}' } }, 'limit_exceeded'],
  log: [{ function: 'Log', message: 'm', data: '{{v}}' }, null],
  'log message': [{ function: 'Log', message: '{{v}}' }, null],
  'request body': [{ ...request, body: { deep: '{{v}}' } }, 'limit_exceeded'],
  form: [
    { ...request, headers: { 'Content-Type': 'application/x-www-form-urlencoded' }, body: { deep: '{{v}}' } },
    'limit_exceeded',
  ],
  query: [{ ...request, query: { deep: { er: '{{v}}' } } }, 'limit_exceeded'],
  path: [{ ...request, url: `${url}{{v}}` }, 'limit_exceeded'],
  'streamed request': [
    { ...request, function: 'External API Request (Streaming)', body: '{{v}}', until: false, inner_functions: [] },
    'limit_exceeded',
  ],
  'json column': [{ ...record, record: { anything: '{{v}}' } }, 'record_invalid'],
  'text column': [{ ...record, record: { text: '{{v}}' } }, 'record_invalid'],
  filter: [{ function: 'Get Records', table: 'things', where: { text: { in: '{{v}}' } } }, 'query_invalid'],
  message: [{ function: 'Publish to Channel', channel: 'news', content: '{{v}}' }, 'body_too_large'],
  'metadata of a message': [
    { function: 'Publish to Channel', channel: 'news', content: 'a', metadata: { deep: '{{v}}' } },
    'body_too_large',
  ],
  'request to a model': [{ ...model, messages: 'Hi', body: { deep: '{{v}}' } }, 'limit_exceeded'],
  'messages to a model': [{ ...model, messages: [{ role: 'user', content: '{{v}}' }] }, 'input_invalid'],
  'inputs of a function': [{ function: 'Run Function', name: 'takes', inputs: { anything: '{{v}}' } }, null],
  'redacted value': [{ function: 'Redact', input: '{{v}}', as: 'redacted' }, 'limit_exceeded'],
  'a long header': [
    { function: 'Set Response Header', name: 'X-Long', value: "{{'x'.repeat(1000000)}}" },
    'step_failed',
  ],
  'a long query': [{ ...request, query: { long: "{{'x'.repeat(1000000)}}" } }, 'limit_exceeded'],
}

let server: TestServer

beforeAll(async () => {
  const endpoints = Object.values(ways).map(([step], i) => [
    `endpoints/way-${i}.json`,
    endpoint(`/way-${i}`, [...bomb, step, send('out')]),
  ])
  server = await testServer({
    'streamstack.yaml': { outbound: { allow: ['127.0.0.1:9'] } },
    'tables/things.json': { columns: { id: { type: 'integer', primary: true }, anything: 'json', text: 'text' } },
    'channels/news.json': { publish: true, subscribe: true },
    'functions/takes.json': {
      input_parameters: { anything: 'any' },
      function_stack: [{ function: 'Return', value: 1 }],
    },
    ...Object.fromEntries(endpoints),
  })
})

afterAll(() => server[Symbol.asyncDispose]())

test.each(Object.entries(ways).map(([name, [, code]], i) => ({ name, code, path: `/way-${i}` })))(
  'a value without end as $name is refused, and holds nothing up',
  async ({ code, path }) => {
    const answer = await server.call(`${path}?format=ndjson`)
    if (code !== null) return expect(problem(answer)['code']).toBe(code)
    const lines = ndjsonLines(answer.text)
    expect(lines.at(-1)).toMatchObject({ type: 'end', outcome: 'completed' })
    return expect(lines[0]).toMatchObject({ content: 'out' })
  },
)
