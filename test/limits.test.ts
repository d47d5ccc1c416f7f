import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeApiKey, makeToken } from '@streamstack/test-support/credentials'
import { byteReplayer } from '@streamstack/test-support/byte-replayer'
import { events } from '@streamstack/test-support/frames'
import { type TestServer, endpoint as endpointOf, send, testServer } from '@streamstack/test-support/test-server'

const SECRET = 'a secret of at least 32 characters, for tests'

const endpoint = (path: string, rate_limit: unknown, more: object = {}): object => ({
  endpoint_settings: { method: 'GET', path, ...(rate_limit === null ? {} : { rate_limit }), ...more },
  function_stack: [{ function: 'Streaming API Response', content: 'ok' }],
})

const FILES = {
  'streamstack.yaml': {
    auth: { jwt: { secret: SECRET } },
    limits: { open_streams: { total: 8, per_caller: 2 }, active_runs: 6 },
  },
  'endpoints/two.json': endpoint('/two', { calls: 2, per: '1h', by: 'address' }),
  'endpoints/mine.json': endpoint('/mine', { calls: 1, per: '1h', by: 'caller' }, { authentication: true }),
  'endpoints/report.json': endpoint('/report', { calls: 1, per: '1h', mode: 'report' }),
  'endpoints/editors.json': endpoint('/editors', { calls: 1, per: '1h', roles: ['editor'] }, { authentication: true }),
  'endpoints/topic.json': {
    ...endpoint('/topic', { calls: 1, per: '1h', by: 'input.topic' }),
    input_parameters: { topic: { type: 'text', required: true } },
  },
  'endpoints/free.json': endpoint('/free', null),
  'endpoints/slow.json': {
    endpoint_settings: { method: 'GET', path: '/slow', on_disconnect: 'cancel', disconnect_grace: 0 },
    function_stack: [
      { function: 'Streaming API Response', content: 'begin' },
      { function: 'Sleep', duration: '1m' },
    ],
  },
}

const bearer = async (sub: string, ...roles: string[]): Promise<{ headers: Record<string, string> }> => ({
  headers: { authorization: `Bearer ${await makeToken({ secret: SECRET, sub, roles, expiresSeconds: 60 })}` },
})

describe('rate limits', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await testServer(FILES)
  })
  afterAll(() => server[Symbol.asyncDispose]())

  test('tell what is left, and refuse with 429, Retry-After and a code', async () => {
    const first = await server.call('/two')
    expect(first.status).toBe(200)
    expect(first.headers['ratelimit-policy']).toBe('"address-1";q=2;w=3600')
    expect(first.headers['ratelimit']).toMatch(/^"address-1";r=1;t=\d+$/)
    expect((await server.call('/two')).headers['ratelimit']).toMatch(/r=0/)
    const third = await server.call('/two')
    expect(third.status).toBe(429)
    expect(Number(third.headers['retry-after'])).toBeGreaterThan(60)
    expect(JSON.parse(third.text)).toMatchObject({ code: 'rate_limited', recoverable: true })
    expect(third.headers['ratelimit']).toMatch(/r=0/)
  })

  test('one caller’s calls are not another’s', async () => {
    expect((await server.call('/mine', await bearer('ada'))).status).toBe(200)
    expect((await server.call('/mine', await bearer('ada'))).status).toBe(429)
    expect((await server.call('/mine', await bearer('bob'))).status).toBe(200)
    // A refused token is not counted.
    expect((await server.call('/mine')).status).toBe(401)
  })

  test('report counts and refuses nothing', async () => {
    for (let call = 0; call < 3; call++) {
      const { status, headers } = await server.call('/report')
      expect(status).toBe(200)
      expect(headers).not.toHaveProperty('ratelimit')
    }
  })

  test('a limit for a role holds for that role', async () => {
    expect((await server.call('/editors', await bearer('eve', 'editor'))).status).toBe(200)
    expect((await server.call('/editors', await bearer('eve', 'editor'))).status).toBe(429)
    for (let call = 0; call < 3; call++)
      expect((await server.call('/editors', await bearer('zoe', 'admin'))).status).toBe(200)
  })

  test('a limit by an input counts each value', async () => {
    expect((await server.call('/topic?topic=a')).status).toBe(200)
    expect((await server.call('/topic?topic=a')).status).toBe(429)
    expect((await server.call('/topic?topic=b')).status).toBe(200)
  })

  test('without a limit there is no field', async () => {
    const { headers } = await server.call('/free')
    expect(headers).not.toHaveProperty('ratelimit')
    expect(headers).not.toHaveProperty('ratelimit-policy')
  })

  test('streams that are open: a caller has its share, and gets it back when one closes', async () => {
    const one = await server.open('/slow')
    const two = await server.open('/slow')
    const third = await server.call('/slow')
    expect(third.status).toBe(429)
    expect(JSON.parse(third.text)).toMatchObject({ code: 'too_many' })
    one.leave()
    await expect.poll(async () => (await server.call('/free')).status).toBe(200)
    two.leave()
  })
})

describe('what cannot be a limit', () => {
  test.each([
    [{ calls: 0, per: '1m' }, 'whole number of at least 1'],
    [{ calls: 5 }, 'a duration such as 1m; it is missing'],
    [{ calls: 5, per: '1m', by: 'planet' }, '`caller`, `address` or `input.<name>`'],
    [{ calls: 5, per: '1m', mod: 'report' }, 'Did you mean `mode`?'],
    ['60/m', 'must be an object such as'],
    [{ calls: 5, bytes: '1mb', per: '1m' }, 'write a list of two limits for both'],
    [{ bytes: 'many', per: '1m' }, 'a size such as 10mb'],
    [{ tokens: 0, per: '1m' }, 'whole number of at least 1'],
  ])('%j', async (rate_limit, told) => {
    await using server = await testServer(
      { 'endpoints/x.json': endpoint('/x', rate_limit), 'endpoints/y.json': endpoint('/y', null) },
      { mode: 'dev' },
    )
    const { status, text } = await server.call('/x')
    expect(status).toBe(503)
    expect(text).toContain(told)
  })
})

test('a server with all the runs that it can hold answers 503 with Retry-After, and goes on when some have ended', async () => {
  await using server = await testServer({ ...FILES, 'streamstack.yaml': { limits: { active_runs: 3 } } })
  const open = await Promise.all([1, 2, 3].map(() => server.open('/slow')))
  const refused = await server.call('/free')
  expect(refused.status).toBe(503)
  expect(refused.headers['retry-after']).toBe('1')
  for (const one of open) one.leave()
  await expect.poll(async () => (await server.call('/free')).status).toBe(200)
})

test('callers that disconnect keep no other out: the run that was unread longest is cancelled, one that is read is not', async () => {
  await using server = await testServer({
    ...FILES,
    'endpoints/kept.json': endpointOf('/kept', [send('begun'), { function: 'Sleep', duration: '60s' }]),
    'streamstack.yaml': { limits: { active_runs: 3 } },
  })
  const headers = (key: string): Record<string, string> => ({ 'Idempotency-Key': `a key of somebody, ${key}` })
  const read = await server.open('/kept')
  await read.until('begun')
  const runs: string[] = []
  for (const key of ['1', '2']) {
    const left = await server.open('/kept', { headers: headers(key) })
    await left.until('begun')
    runs.push(String(left.headers['stream-run']))
    left.leave()
  }
  const outcome = async (run: string | undefined): Promise<unknown> =>
    (JSON.parse((await server.call(`/v1/runs/${run}`)).text) as { outcome: unknown }).outcome
  await expect.poll(async () => (await server.call('/free')).status).toBe(200)
  await expect.poll(() => outcome(runs[0])).toBe('cancelled')
  expect([await outcome(runs[1]), await outcome(String(read.headers['stream-run']))]).toEqual([null, null])
  read.leave()
})

test('callers that read nothing keep no other out: their runs are ended and their connections closed when there is no room', async () => {
  await using server = await testServer({
    ...FILES,
    'endpoints/flood.json': endpointOf('/flood', [
      { function: 'For', count: 9_000_000, inner_functions: [send('x'.repeat(4_000))] },
    ]),
    'endpoints/still.json': endpointOf('/still', [send('begun'), { function: 'Sleep', duration: '60s' }]),
    'streamstack.yaml': { limits: { active_runs: 3 } },
  })
  const stalled = await Promise.all([1, 2].map(() => server.open('/flood')))
  const quiet = await server.open('/still')
  await quiet.until('begun')
  // While they read, they are callers like others.
  expect((await server.call('/free')).status).toBe(503)
  for (const one of stalled) one.pause()
  await expect.poll(async () => (await server.call('/free')).status).toBe(200)
  const outcomes = await Promise.all(
    [...stalled, quiet].map(async ({ headers }) => {
      const { text } = await server.call(`/v1/runs/${String(headers['stream-run'])}`)
      return (JSON.parse(text) as { outcome: unknown }).outcome
    }),
  )
  expect(outcomes).toEqual(expect.arrayContaining(['cancelled']))
  expect(outcomes[2]).toBeNull()
  const ended = outcomes.indexOf('cancelled')
  stalled[ended]?.resume()
  expect((await stalled[ended]?.ended)?.text).not.toContain('"outcome":"completed"')
  quiet.leave()
})

describe('what runs use', () => {
  test('bytes of answers are counted when a run ends, and the next call is refused while more is owed', async () => {
    await using server = await testServer({
      'endpoints/large.json': endpointOf('/large', [send('x'.repeat(5_000))], {
        settings: { rate_limit: { bytes: '8kb', per: '1h' } },
      }),
    })
    const first = await server.call('/large')
    expect(first.headers['ratelimit-policy']).toBe('"caller-1";q=8192;w=3600;qu="content-bytes"')
    expect((await server.call('/large')).status).toBe(200)
    const third = await server.call('/large')
    expect(third.status).toBe(429)
    expect(third.text).toContain('Too many bytes')
    expect(Number(third.headers['retry-after'])).toBeGreaterThan(60)
    const { text } = await server.call('/large')
    expect(text).not.toContain('xxx')
  })

  test('tokens of models are counted by caller', async () => {
    const delta = { model: 'small', choices: [{ index: 0, delta: { content: 'Hi' }, finish_reason: 'stop' }] }
    const usage = { choices: [], usage: { prompt_tokens: 60, completion_tokens: 50 } }
    await using upstream = await byteReplayer([{ body: events(delta, usage, '[DONE]') }])
    await using server = await testServer({
      'streamstack.yaml': { auth: { jwt: { secret: SECRET } }, outbound: { allow: [upstream.host] } },
      'endpoints/reply.json': endpointOf(
        '/reply',
        [
          {
            function: 'AI Reply',
            provider: 'openai-compatible',
            base_url: `${upstream.url}/v1`,
            model: 'small',
            messages: 'Hi',
          },
        ],
        { settings: { authentication: true, rate_limit: { tokens: 100, per: '1h', by: 'caller' } } },
      ),
    })
    expect((await server.call('/reply', await bearer('ada'))).text).toContain('Hi')
    const refused = await server.call('/reply', await bearer('ada'))
    expect(refused.status).toBe(429)
    expect(refused.text).toContain('Too many tokens')
    expect((await server.call('/reply', await bearer('bob'))).status).toBe(200)
  })
})

test('a limit for an API key holds for that key alone', async () => {
  const [trial, paying] = [makeApiKey(), makeApiKey()]
  await using server = await testServer({
    'streamstack.yaml': { auth: { keys: { trial: { hash: trial.hash }, paying: { hash: paying.hash } } } },
    'endpoints/x.json': endpoint('/x', { calls: 1, per: '1h', keys: ['trial'] }, { authentication: true }),
  })
  const statusOf = async (key: string): Promise<number> =>
    (await server.call('/x', { headers: { authorization: `Bearer ${key}` } })).status
  expect([await statusOf(trial.key), await statusOf(trial.key)]).toEqual([200, 429])
  expect([await statusOf(paying.key), await statusOf(paying.key)]).toEqual([200, 200])
})

describe('runs of an endpoint at the same time', () => {
  const files = (concurrency: unknown): Record<string, unknown> => ({
    'streamstack.yaml': { auth: { jwt: { secret: SECRET } } },
    'endpoints/one.json': endpointOf(
      '/one',
      [send('begun {{name}}'), { function: 'Sleep', duration: '{{wait}}' }, send('done')],
      {
        settings: { authentication: true, concurrency, disconnect_grace: 0 },
        inputs: { wait: { type: 'integer', default: 0 }, name: { type: 'text', default: '' } },
      },
    ),
  })

  test('further calls wait, callers in turns, and one that cannot wait gets 503', async () => {
    await using server = await testServer(files({ runs: 1, queue: 2, wait: '1m' }))
    const ada = await bearer('ada', 'system:read')
    const first = await server.open('/one?wait=60000', ada)
    await first.until('begun')
    const second = server.call('/one?name=second', ada)
    const third = server.call('/one?name=third', ada)
    const metrics = async (): Promise<string> => (await server.call('/metrics', ada)).text
    await expect.poll(metrics).toContain('streamstack_queued_calls{endpoint="one"} 2')
    // Bob is let in for Ada's last.
    const bob = server.call('/one', await bearer('bob'))
    const refused = await third
    expect(refused.status).toBe(503)
    expect(refused.headers['retry-after']).toBe('30')
    first.leave()
    expect((await Promise.all([second, bob])).map(({ status }) => status)).toEqual([200, 200])
    const told = await metrics()
    expect(told).toContain('streamstack_queued_calls{endpoint="one"} 0')
    expect(told).toContain('streamstack_queue_refused_total{endpoint="one"} 1')
    expect(told).toContain('streamstack_queue_wait_seconds_count{endpoint="one"} 2')
  })

  test('a caller that leaves the queue takes no place, and a call with a key finds its run without one', async () => {
    await using server = await testServer(files({ runs: 1, queue: 5, wait: '1m' }))
    const ada = await bearer('ada', 'system:read')
    const keyed = { headers: { ...ada.headers, 'Idempotency-Key': 'the key of a call' } }
    const first = await server.open('/one?wait=60000', keyed)
    await first.until('begun')
    const again = await server.open('/one?wait=60000', keyed)
    await again.until('begun')
    expect(again.headers['stream-run']).toBe(first.headers['stream-run'])
    const waiting = new AbortController()
    const left = fetch(`${server.url}/one`, { ...ada, signal: waiting.signal }).catch(() => null)
    const metrics = async (): Promise<string> => (await server.call('/metrics', ada)).text
    await expect.poll(metrics).toContain('streamstack_queued_calls{endpoint="one"} 1')
    waiting.abort()
    await left
    await expect.poll(metrics).toContain('streamstack_queued_calls{endpoint="one"} 0')
    first.leave()
    again.leave()
  })

  test.each([
    [0, '`concurrency.runs` must be a whole number of at least 1'],
    [{ runs: 2, wait: 'long' }, 'a duration such as 10s'],
    [{ run: 2 }, 'Did you mean `runs`?'],
    ['two', 'must be a number of runs'],
  ])('what cannot be a bound is told (%j)', async (concurrency, told) => {
    await using server = await testServer(files(concurrency), { mode: 'dev' })
    const { status, text } = await server.call('/one')
    expect(status).toBe(503)
    expect(text).toContain(told)
  })
})

test('connections beyond the bound are closed at once, and when one ends the next is let in', async () => {
  await using server = await testServer({ ...FILES, 'streamstack.yaml': { server: { max_connections: 2 } } })
  const open = await Promise.all([1, 2].map(() => server.open('/slow')))
  await expect(server.call('/free')).rejects.toThrow()
  open[0]?.leave()
  await expect.poll(async () => (await server.call('/free').catch(() => null))?.status).toBe(200)
  open[1]?.leave()
})
