import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeToken } from '@streamstack/test-support/credentials'
import { type Answer, type CallOptions, contents, ndjsonLines, problem } from '@streamstack/test-support/http-client'
import { type TestServer, endpoint, send, testServer } from '@streamstack/test-support/test-server'

const SECRET = 'a secret of the tests, as long as a key has to be'
const POST = { method: 'POST', inputs: { text: { type: 'text' }, more: { type: 'object' } } }

let server: TestServer
let ann: Record<string, string>
let bob: Record<string, string>

const bearer = async (sub: string | undefined): Promise<Record<string, string>> => ({
  Authorization: `Bearer ${await makeToken({ secret: SECRET, sub: sub ?? '', expiresSeconds: 600 })}`,
})

beforeAll(async () => {
  server = await testServer({
    'streamstack.yaml': { auth: { jwt: { secret: SECRET } } },
    'endpoints/open.json': endpoint('/open', [send('{{text}}'), send('two'), send('three')], POST),
    'endpoints/other.json': endpoint('/other', [send('{{text}}')], POST),
    'endpoints/get.json': endpoint('/get', [send('{{text}}')], { inputs: { text: { type: 'text' } } }),
    'endpoints/fails.json': endpoint('/fails', [{ function: 'Throw Error', message: 'no' }], POST),
    'endpoints/own.json': endpoint('/own', [send('{{text}}')], { ...POST, settings: { authentication: true } }),
    'endpoints/slow.json': endpoint('/slow', [{ function: 'Sleep', duration: 60_000 }], POST),
    'endpoints/slow-own.json': endpoint('/slow-own', [{ function: 'Sleep', duration: 60_000 }], {
      ...POST,
      settings: { authentication: true },
    }),
  })
  ann = await bearer('ann')
  bob = await bearer('bob')
})
afterAll(() => server[Symbol.asyncDispose]())

let keys = 0
const freshKey = (): string => `key-${++keys}`

function post(path: string, key: string, more: CallOptions = {}): Promise<Answer> {
  return server.call(`${path}?format=ndjson`, {
    body: { text: 'one' },
    method: 'POST',
    ...more,
    headers: { 'Idempotency-Key': key, ...more.headers },
  })
}

const runOf = ({ headers }: Answer): string | undefined => headers['stream-run']?.toString()

describe('a call with a key that was seen', () => {
  test('reads the run again from its start, and starts none', async () => {
    const key = freshKey()
    const first = await post('/open', key)
    const second = await post('/open', key)
    expect(contents(first.text)).toEqual(['one', 'two', 'three'])
    expect(second.text).toBe(first.text)
    expect(runOf(second)).toBe(runOf(first))
    expect(runOf(await post('/open', freshKey()))).not.toBe(runOf(first))
  })

  test('goes on after Last-Event-ID', async () => {
    const key = freshKey()
    await post('/open', key)
    expect(contents((await post('/open', key, { headers: { 'Last-Event-ID': '2' } })).text)).toEqual(['three'])
    const beyond = await post('/open', key, { headers: { 'Last-Event-ID': '9' } })
    expect([beyond.status, problem(beyond)['code']]).toEqual([400, 'offset_invalid'])
  })

  test('makes one run of many calls at once', async () => {
    const key = freshKey()
    const answers = await Promise.all(Array.from({ length: 20 }, () => post('/open', key)))
    expect(new Set(answers.map(runOf)).size).toBe(1)
    for (const { text } of answers) expect(contents(text)).toEqual(['one', 'two', 'three'])
  })

  test('works for methods whose inputs are in the URL', async () => {
    const headers = { 'Idempotency-Key': freshKey() }
    const [first, second] = [
      await server.call('/get?text=a', { headers }),
      await server.call('/get?text=a', { headers }),
    ]
    expect(runOf(second)).toBe(runOf(first))
    expect((await server.call('/get?text=b', { headers })).status).toBe(422)
  })

  test('is the same in quotes, in another format and with inputs in another spelling', async () => {
    const key = freshKey()
    const first = runOf(await post('/open', key))
    expect(runOf(await post('/open', `"${key}"`))).toBe(first)
    expect(
      runOf(
        await server.call('/open?format=json', {
          body: { text: 'one', more: null },
          headers: { 'Idempotency-Key': key },
        }),
      ),
    ).toBe(first)
  })

  test('is the same with the names of its objects in another order, however deep', async () => {
    const key = freshKey()
    const bodies = [
      { text: 'one', more: { a: { x: 1, y: [{ p: 1, q: 2 }] }, b: null } },
      { more: { b: null, a: { y: [{ q: 2, p: 1 }], x: 1 } }, text: 'one' },
      { text: 'one', more: { a: { x: 1, y: [{ p: 2, q: 1 }] }, b: null } },
    ]
    const answers = []
    for (const body of bodies) answers.push(await post('/open', key, { body }))
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 422])
    expect(new Set(answers.slice(0, 2).map(runOf)).size).toBe(1)
  })

  test('tells again that the run failed', async () => {
    const key = freshKey()
    const [first, second] = [await post('/fails', key), await post('/fails', key)]
    expect(second.status).toBe(500)
    expect(problem(second)).toEqual(problem(first))
    expect(problem(second)).toMatchObject({ code: 'thrown', run: runOf(first), outcome: 'failed' })
  })

  test.each([
    ['other inputs', '/open', { text: 'other' }],
    ['another endpoint', '/other', { text: 'one' }],
  ])('is refused with %s', async (_case, path, body) => {
    const key = freshKey()
    const first = await post('/open', key)
    const refused = await post(path, key, { body })
    expect([refused.status, problem(refused)['code']]).toEqual([422, 'idempotency_conflict'])
    expect(runOf(refused)).toBeUndefined()
    expect(runOf(await post('/open', key))).toBe(runOf(first))
  })

  test('is nothing to another caller', async () => {
    const key = freshKey()
    const runs = [
      await post('/own', key, { headers: ann }),
      await post('/own', key, { headers: bob }),
      await post('/open', key),
    ].map(runOf)
    expect(new Set(runs).size).toBe(3)
    expect(runOf(await post('/own', key, { headers: ann }))).toBe(runs[0])
    expect((await post('/own', key)).status).toBe(401)
  })
})

test('a key of which nothing is known does not start a run in the middle', async () => {
  const key = freshKey()
  const refused = await post('/open', key, { headers: { 'Last-Event-ID': '2' } })
  expect([refused.status, problem(refused)['code']]).toEqual([404, 'run_unknown'])
  expect(contents((await post('/open', key, { headers: { 'Last-Event-ID': '0' } })).text)).toHaveLength(3)
})

test('a key is forgotten with its run', async () => {
  await using small = await testServer({
    'streamstack.yaml': { streams: { window_bytes: 1_000, retained_bytes: 5_000 } },
    'endpoints/a.json': endpoint('/a', [send('a'), send('b')]),
  })
  const call = (key: string, headers = {}): Promise<Answer> =>
    small.call('/a?format=ndjson', { headers: { 'Idempotency-Key': key, ...headers } })
  const first = runOf(await call('first'))
  expect(runOf(await call('first'))).toBe(first)
  await call('second')
  expect((await call('first', { 'Last-Event-ID': '1' })).status).toBe(404)
  expect(runOf(await call('first'))).not.toBe(first)
})

test.each(['""', 'x'.repeat(256)])('%s is no key', async (key) => {
  const refused = await post('/open', key)
  expect([refused.status, problem(refused)['code']]).toEqual([400, 'input_invalid'])
})

test('a refused call leaves no key behind', async () => {
  const key = freshKey()
  expect((await post('/open', key, { body: { text: 3 } })).status).toBe(400)
  expect((await post('/open', key)).status).toBe(200)
})

describe('cancel by key', () => {
  const cancel = (headers: Record<string, string>): Promise<Answer> =>
    server.call('/v1/runs/cancel', { method: 'POST', headers })

  test('ends a run that has not answered yet', async () => {
    const key = freshKey()
    const answer = post('/slow', key)
    await expect.poll(async () => (await cancel({ 'Idempotency-Key': key })).status).toBe(202)
    expect(problem(await answer)).toMatchObject({ code: 'cancelled', outcome: 'cancelled' })
  })

  test('is for who started the run', async () => {
    const key = freshKey()
    const answer = post('/slow-own', key, { headers: ann })
    for (let i = 0; i < 5; i++) {
      expect((await cancel({ 'Idempotency-Key': key })).status).toBe(404)
      expect((await cancel({ 'Idempotency-Key': key, ...bob })).status).toBe(404)
    }
    await expect.poll(async () => (await cancel({ 'Idempotency-Key': key, ...ann })).status).toBe(202)
    expect((await answer).status).toBe(409)
    expect((await cancel({})).status).toBe(400)
  })
})

describe('the list of runs', () => {
  interface Page {
    runs: Record<string, unknown>[]
    next_cursor: string | null
  }
  const list = async (headers: Record<string, string>, query = ''): Promise<Page> =>
    JSON.parse((await server.call(`/v1/runs${query}`, { headers })).text) as Page

  test('shows a subject its own runs, the newest first, page by page', async () => {
    const eve = await bearer('eve')
    const started: (string | undefined)[] = []
    for (let i = 0; i < 5; i++) started.unshift(runOf(await post('/own', freshKey(), { headers: eve })))
    const pages = [await list(eve, '?limit=2')]
    await post('/own', freshKey(), { headers: eve })
    for (let cursor = pages[0]?.next_cursor; cursor != null; cursor = pages.at(-1)?.next_cursor) {
      pages.push(await list(eve, `?limit=2&cursor=${cursor}`))
    }
    expect(pages.map(({ runs }) => runs.length)).toEqual([2, 2, 1])
    expect(pages.flatMap(({ runs }) => runs.map(({ id }) => id))).toEqual(started)
    expect((await list(await bearer('nobody'))).runs).toEqual([])
  })

  test('says of a run what it is and how it ended, and nothing of its contents', async () => {
    const answer = await post('/own', freshKey(), { headers: bob, body: { text: 'for bob alone' } })
    const [run] = (await list(bob)).runs
    const id = runOf(answer)
    const time: unknown = expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/)
    expect(run).toEqual({
      id,
      endpoint: 'own',
      route: 'POST /own',
      outcome: 'completed',
      error: null,
      started_at: time,
      ended_at: time,
      chunks: 1,
      offset: 1,
      first_offset: 0,
      stream_url: `/v1/stream/runs/${id}`,
    })
    const shown = await server.call(`/v1/runs/${id}`, { headers: bob })
    expect(JSON.parse(shown.text)).toEqual(run)
    expect(shown.text).not.toContain('for bob')
    const others = await server.call(`/v1/runs/${id}`, { headers: ann })
    expect([others.status, problem(others)['code']]).toEqual([404, 'run_unknown'])
  })

  test('is filtered by endpoint and outcome', async () => {
    const kim = await bearer('kim')
    const key = freshKey()
    await post('/own', freshKey(), { headers: kim })
    const slow = post('/slow-own', key, { headers: kim })
    await expect.poll(async () => (await list(kim, '?outcome=running')).runs).toHaveLength(1)
    expect((await list(kim, '?outcome=completed')).runs).toMatchObject([{ endpoint: 'own', outcome: 'completed' }])
    expect((await list(kim, '?endpoint=slow-own')).runs).toMatchObject([{ outcome: null, ended_at: null }])
    await server.call('/v1/runs/cancel', { method: 'POST', headers: { ...kim, 'Idempotency-Key': key } })
    await slow
    expect((await list(kim, '?outcome=running')).runs).toEqual([])
    expect((await list(kim, `?endpoint=${encodeURIComponent('POST /slow-own')}`)).runs).toMatchObject([
      { outcome: 'cancelled', error: { code: 'cancelled' } },
    ])
  })

  test.each(['?limit=0', '?limit=201', '?limit=x', '?cursor=x', '?outcome=done'])('refuses %s', async (query) => {
    const refused = await server.call(`/v1/runs${query}`, { headers: ann })
    expect([refused.status, problem(refused)['code']]).toEqual([400, 'input_invalid'])
  })

  test('is for no caller without a token, and has no owner where tokens cannot be checked', async () => {
    expect((await server.call('/v1/runs')).status).toBe(401)
    expect((await server.call('/v1/runs', { headers: { Authorization: 'Bearer x' } })).status).toBe(401)
    await using unguarded = await testServer({ 'endpoints/a.json': endpoint('/a', [send('a')]) })
    const run = String(runOf(await unguarded.call('/a')))
    const refused = await unguarded.call('/v1/runs', { headers: ann })
    expect([refused.status, problem(refused)['code']]).toEqual([403, 'forbidden'])
    expect(refused.text).not.toContain(run)
    await using open = await testServer({
      'streamstack.yaml': { streams: { access: 'open' } },
      'endpoints/a.json': endpoint('/a', [send('a')]),
    })
    await open.call('/a')
    expect(JSON.parse((await open.call('/v1/runs')).text)).toMatchObject({
      runs: [{ endpoint: 'a' }],
      next_cursor: null,
    })
    // Every caller that knows the id of an open run may see it.
    expect((await unguarded.call(`/v1/runs/${run}`)).status).toBe(200)
  })
})

test('a reader that wants one whole result, and cannot get it, does not end the run of the others', async () => {
  await using small = await testServer({
    'streamstack.yaml': { streams: { window_bytes: 65_536, retained_bytes: 65_536 } },
    'endpoints/long.json': endpoint('/long', [
      { function: 'For', count: 400, inner_functions: [send('x'.repeat(1_000)), { function: 'Sleep', duration: 1 }] },
    ]),
  })
  const main = await small.open('/long?format=ndjson')
  await main.until('"offset":1,')
  await main.until('"offset":100,')
  const whole = await small.call(`${String(main.headers['stream-url'])}?format=json`)
  expect(whole.status).toBeGreaterThanOrEqual(400)
  expect(ndjsonLines((await main.ended).text).at(-1)).toMatchObject({ type: 'end', outcome: 'completed', offset: 400 })
})
