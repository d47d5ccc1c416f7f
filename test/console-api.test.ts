import { describe, expect, test } from 'vitest'
import { makeToken } from '@streamstack/test-support/credentials'
import { type TestServer, testServer } from '@streamstack/test-support/test-server'

const SECRET = 'a secret of at least 32 characters, for tests'
const API_KEY = 'whatever-this-provider-calls-a-key'

const send = (content: unknown, more: object = {}): object => ({ function: 'Streaming API Response', content, ...more })

const FILES = {
  'streamstack.yaml': { auth: { jwt: { secret: SECRET } }, env: ['SHOP_KEY'], server: { cors: { origins: '*' } } },
  '.env': `SHOP_KEY=${API_KEY}\n`,
  'endpoints/login.json': {
    endpoint_settings: { method: 'POST', path: '/login' },
    input_parameters: { user: { type: 'text', required: true }, password: { type: 'text', required: true } },
    function_stack: [
      {
        function: 'Create Variable',
        name: 'headers',
        value: { Authorization: 'Bearer abc', note: 'key {{env.SHOP_KEY}}!' },
      },
      { function: 'Create Variable', name: 'seen', value: 'x{{password}}x' },
      {
        function: 'For Each',
        input: [10, 20],
        inner_functions: [
          { function: 'Create Variable', name: 'double', value: '{{item * 2}}' },
          send('{{double}}', { delay: 5 }),
        ],
      },
    ],
  },
  'endpoints/breaks.json': {
    endpoint_settings: { method: 'GET', path: '/breaks' },
    function_stack: [
      { function: 'Create Variable', name: 'order', value: 7 },
      {
        function: 'Try-Catch Block',
        try_block: [{ function: 'Throw Error', code: 'first', message: 'The first fault.' }],
        catch_block: [send('caught')],
      },
      { function: 'Throw Error', code: 'second', message: 'The second fault.' },
    ],
  },
  'endpoints/kept.json': {
    endpoint_settings: { method: 'GET', path: '/kept', delivery: 'durable' },
    input_parameters: { count: { type: 'integer', default: 3 } },
    function_stack: [{ function: 'For', count: '{{count}}', inner_functions: [send('{{loop_index}}', { delay: 5 })] }],
  },
}

interface Entry {
  readonly event: string
  readonly step: string
  readonly loop: number[]
  readonly set?: Record<string, string>
  readonly error?: { code: string; message: string }
}

/** Calls an endpoint to its end and returns the id of the run. */
async function runOf(server: TestServer, path: string, options: object = {}): Promise<string> {
  return String((await server.call(path, options)).headers['stream-run'])
}

async function traceOf(server: TestServer, run: string): Promise<{ entries: Entry[]; text: string }> {
  const { text } = await server.call(`/v1/stream/runs/${run}/trace?format=ndjson`)
  const chunks = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { content?: { events?: Entry[] } })
  return { entries: chunks.flatMap(({ content }) => content?.events ?? []), text }
}

const LOGIN = { method: 'POST', body: { user: 'ada', password: 'hunter2' } }

describe('the trace of a run', () => {
  test('tells the variables that each step finds and leaves when it is asked for them, and shows no secret', async () => {
    await using server = await testServer(FILES, { mode: 'dev' })
    const run = await runOf(server, '/login', { ...LOGIN, headers: { 'stream-trace': 'variables' } })
    const { entries, text } = await traceOf(server, run)
    const told = entries.filter(({ set }) => set !== undefined)
    expect(told[0]).toMatchObject({ event: 'start', step: '1', set: { user: '"ada"', password: '••••••' } })
    expect(told.find(({ step, event }) => step === '1' && event === 'end')?.set).toEqual({
      headers: '{Authorization: ••••••, note: "key ••••••!"}',
    })
    const rounds = told.filter(({ set }) => set?.['double'] !== undefined)
    expect(rounds.map(({ step, loop, set }) => [step, loop, set?.['double']])).toEqual([
      ['3.inner.1', [0], '20'],
      ['3.inner.1', [1], '40'],
    ])
    expect(told.some(({ set }) => set?.['item'] === '20')).toBe(true)
    expect(text).not.toContain(API_KEY)
    expect(text).not.toContain('Bearer')
  })

  test('tells the steps alone otherwise; a step that fails tells its error and its variables', async () => {
    await using server = await testServer(FILES, { mode: 'dev' })
    const run = await runOf(server, '/breaks', { headers: { 'stream-trace': 'true' } })
    const { entries } = await traceOf(server, run)
    const failed = entries.filter(({ event }) => event === 'failed')
    expect(failed.map(({ step, error }) => [step, error?.code])).toEqual([
      ['2.try_block.1', 'first'],
      ['3', 'second'],
    ])
    expect(failed[0]?.set).toMatchObject({ order: '7' })
    expect(entries.filter(({ event, set }) => event !== 'failed' && set !== undefined)).toEqual([])
  })
})

describe('a run in the workspace', () => {
  test('tells its inputs without secrets, and when each chunk came', async () => {
    await using server = await testServer(FILES, { mode: 'dev' })
    const run = await runOf(server, '/login', LOGIN)
    const { text } = await server.call(`/v1/workspace/runs/${run}`)
    const told = JSON.parse(text) as { times: [offset: number, atMs: number][] }
    expect(told).toMatchObject({
      id: run,
      route: 'POST /login',
      outcome: 'completed',
      inputs: { user: 'ada' },
      hidden_inputs: ['password'],
    })
    const { times } = told
    expect(times.map(([offset]) => offset)).toEqual([1, 2])
    expect(times[1]?.[1]).toBeGreaterThan(times[0]?.[1] ?? Number.NaN)
  })

  test('keeps the times of a durable run with it', async () => {
    await using server = await testServer(FILES, { mode: 'dev' })
    const run = await runOf(server, '/kept')
    const { text } = await server.call(`/v1/workspace/runs/${run}`)
    const told = JSON.parse(text) as { times: [offset: number, atMs: number][] }
    expect(told).toMatchObject({ outcome: 'completed', inputs: null })
    // Chunks that one commit keeps share a mark.
    expect(told.times[0]?.[0]).toBe(1)
    expect(told.times).toEqual(told.times.toSorted(([one], [other]) => one - other))
  })

  test('is found by its owner alone, and inputs of calls in `serve` are kept only with a trace', async () => {
    const settings = { ...FILES['streamstack.yaml'], console: { access: 'admin' } }
    await using server = await testServer({ ...FILES, 'streamstack.yaml': settings })
    const as = async (sub: string, roles: string[]): Promise<{ headers: Record<string, string> }> => ({
      headers: { authorization: `Bearer ${await makeToken({ secret: SECRET, sub, roles, expiresSeconds: 60 })}` },
    })
    const admin = await as('admin', ['admin'])
    const run = await runOf(server, '/login', LOGIN)
    const { text } = await server.call(`/v1/workspace/runs/${run}`, admin)
    expect(JSON.parse(text)).toMatchObject({ id: run, inputs: null })
    expect((await server.call(`/v1/workspace/runs/${run}`)).status).toBe(401)
    expect((await server.call(`/v1/workspace/runs/${run}`, await as('eve', ['editor']))).status).toBe(403)
    expect((await server.call('/v1/workspace/runs/nothing', admin)).status).toBe(404)
    expect((await server.call('/v1/workspace/editor?file=endpoints/kept.json', admin)).status).toBe(404)
  })
})

describe('a link to a file', () => {
  test('leads to the editor in `dev`; files that are not of the workspace have none', async () => {
    await using server = await testServer(FILES, { mode: 'dev' })
    const found = await server.call('/v1/workspace/editor?file=endpoints/kept.json&line=4&column=2')
    expect(found.status).toBe(302)
    expect(found.headers.location).toBe(`vscode://file${server.dir}/endpoints/kept.json:4:2`)
    for (const file of ['.env', '../x', '/etc/passwd', 'endpoints/../.env', 'endpoints/none.json', ''])
      expect((await server.call(`/v1/workspace/editor?file=${encodeURIComponent(file)}`)).status, file).toBe(400)
    for (const line of ['0', '-1', 'x', '1e400'])
      expect((await server.call(`/v1/workspace/editor?file=endpoints/kept.json&line=${line}`)).status, line).toBe(400)
    const foreign = { headers: { 'sec-fetch-site': 'cross-site' } }
    expect((await server.call('/v1/workspace/editor?file=endpoints/kept.json', foreign)).status).toBe(403)
  })
})
