import { describe, expect, test } from 'vitest'
import { makeToken } from '@streamstack/test-support/credentials'
import { contents, problem } from '@streamstack/test-support/http-client'
import { type TestServer, endpoint, send, testServer } from '@streamstack/test-support/test-server'

const respond = (step: object): object => ({ function: 'Response', ...step })

const one = (stack: readonly unknown[], settings: object = {}): Promise<TestServer> =>
  testServer({ 'endpoints/a.json': endpoint('/a', stack, { settings }) })

describe('a Response step', () => {
  test.each([
    [{ content: { id: 1 }, status: 201 }, 201, 'application/json; charset=utf-8', '{"id":1}'],
    [{ content: [1, 2] }, 200, 'application/json; charset=utf-8', '[1,2]'],
    [{ content: 'a\nb' }, 200, 'text/plain; charset=utf-8', 'a\nb'],
    [{ content: '' }, 200, 'text/plain; charset=utf-8', ''],
    [{ content: '<p>', headers: { 'content-type': 'text/html' } }, 200, 'text/html; charset=utf-8', '<p>'],
    [{ content: false, status: '404' }, 404, 'application/json; charset=utf-8', 'false'],
    [{ status: 204 }, 204, undefined, ''],
    [{ status: 204, content: { id: 1 } }, 204, undefined, ''],
    [{ status: 302, headers: { Location: '/b' } }, 302, 'text/plain; charset=utf-8', ''],
  ])('%j is answered with %i, %s and %j', async (step, status, type, text) => {
    await using server = await one([respond(step)])
    const answer = await server.call('/a')
    expect([answer.status, answer.headers['content-type'], answer.text]).toEqual([status, type, text])
    expect(answer.headers['content-length']).toBe(type === undefined ? undefined : String(text.length))
  })

  test('sends its headers, which win over those of the endpoint', async () => {
    await using server = await one(
      [
        respond({
          status: 302,
          headers: { Location: '/b?x={{1 + 1}}', 'X-Own': 'step', 'X-Count': 3, 'X-None': null },
        }),
      ],
      { headers: { 'X-Own': 'endpoint' } },
    )
    const { headers } = await server.call('/a')
    expect(headers).toMatchObject({ location: '/b?x=2', 'x-own': 'step', 'x-count': '3' })
    expect(headers).not.toHaveProperty('x-none')
  })

  test('ends the run: nothing after it is part of the answer, and nothing before it', async () => {
    await using server = await testServer({
      'endpoints/a.json': endpoint(
        '/a',
        [
          send('before'),
          {
            function: 'Conditional',
            condition: '{{input.n}} > 1',
            true_branch: [respond({ status: 409, content: { error: 'too many' } })],
          },
          respond({ content: 'last' }),
          send('after'),
        ],
        { inputs: { n: { type: 'integer' } } },
      ),
    })
    expect(await server.call('/a?n=2')).toMatchObject({ status: 409, text: '{"error":"too many"}' })
    expect(await server.call('/a?n=1')).toMatchObject({ status: 200, text: 'last' })
  })

  test.each([
    [{ status: 100 }, 503, 'endpoint_broken'],
    [{ status: 200.5 }, 503, 'endpoint_broken'],
    [{ headers: ['x'] }, 503, 'endpoint_broken'],
    // A value that an input made is the fault of the caller.
    [{ status: '{{input.s}}' }, 400, "'status' must be"],
    [{ headers: '{{input.s}}' }, 400, "'headers' must be"],
    [{ headers: { 'Transfer-Encoding': 'chunked' } }, 503, 'endpoint_broken'],
    [{ headers: { 'X-A': 'a\r\nSet-Cookie: b=1' } }, 503, 'endpoint_broken'],
    [{ headers: "{{ {'Transfer-Encoding': 'chunked'} }}" }, 500, 'Transfer-Encoding'],
    [{ headers: "{{ {'Stream-Run': 'x'} }}" }, 500, 'Stream-Run'],
    [{ headers: { 'X-A': "{{'a\\r\\nSet-Cookie: b=1'}}" } }, 500, 'X-A'],
    [{ headers: { 'X-A': '{{input.s}}' } }, 400, 'X-A'],
  ])('%j is refused with %i', async (step, status, named) => {
    await using server = await testServer({
      'endpoints/a.json': endpoint('/a', [respond({ content: 'x', ...step })], { inputs: { s: { type: 'text' } } }),
    })
    const answer = await server.call('/a?s=%0d%0aSet-Cookie:%20b=1')
    expect(answer.status).toBe(status)
    expect(answer.headers).not.toHaveProperty('set-cookie')
    expect(answer.text).toContain(named)
  })

  test.each(['text', { a: 1 }])('of %j leaves out what a finally block sends', async (content) => {
    const sends = [send('end'), send({ end: true })]
    await using server = await one([
      { function: 'Try Catch', try_block: [respond({ content })], catch_block: [send('caught')], finally_block: sends },
    ])
    expect((await server.call('/a')).text).toBe(typeof content === 'string' ? content : JSON.stringify(content))
  })

  test('works in a function file, a branch of Parallel and a catch block', async () => {
    const fails = [{ function: 'Throw Error', message: 'oh' }]
    const caught = respond({ status: 409, content: { error: '{{error_message}}' } })
    const wait = [{ function: 'Sleep', duration: 20 }, send('slow')]
    await using server = await testServer({
      'functions/tea.json': { function_stack: [respond({ status: 418, content: 'tea' })] },
      'endpoints/f.json': endpoint('/f', [{ function: 'Run Function', name: 'tea' }, send('after')], {
        settings: { response_type: 'standard' },
      }),
      'endpoints/p.json': endpoint('/p', [
        { function: 'Parallel', branches: [wait, [respond({ status: 202, content: { a: 1 } })]] },
        send('after'),
      ]),
      'endpoints/c.json': endpoint('/c', [{ function: 'Try Catch', try_block: fails, catch_block: [caught] }]),
    })
    expect(await server.call('/f')).toMatchObject({ status: 418, text: 'tea' })
    expect(await server.call('/p')).toMatchObject({ status: 202, text: '{"a":1}' })
    expect(await server.call('/c')).toMatchObject({ status: 409, text: '{"error":"oh"}' })
  })

  test('in a function file makes the endpoint plain, at any depth, unless the endpoint says otherwise', async () => {
    const run = (name: string): object => ({ function: 'Run Function', name })
    await using server = await testServer({
      'functions/tea.json': { function_stack: [respond({ status: 418, content: 'tea' })] },
      'functions/outer.json': { function_stack: [run('tea')] },
      'functions/off.json': { function_stack: [{ ...respond({ status: 418 }), disabled: true }, send('on')] },
      'endpoints/deep.json': endpoint('/deep', [
        { function: 'Conditional', condition: 'true', true_branch: [run('outer')] },
      ]),
      'endpoints/told.json': endpoint('/told', [run('tea')], { settings: { response_type: 'streaming' } }),
      'endpoints/off.json': endpoint('/off', [run('off')]),
    })
    expect(await server.call('/deep')).toMatchObject({ status: 418, text: 'tea' })
    expect(await server.call('/told')).toMatchObject({ status: 200, text: 'tea\n' })
    expect((await server.call('/off')).headers).toHaveProperty('stream-run')
  })

  test('loses what filters take out, in the content and in headers', async () => {
    await using server = await one([
      { function: 'Redact' },
      send('text before'),
      respond({ content: { to: 'ada@example.com' }, headers: { 'X-To': 'ada@example.com' } }),
    ])
    const answer = await server.call('/a')
    expect(JSON.parse(answer.text)).toHaveProperty('to')
    expect(answer.text + String(answer.headers['x-to'])).not.toContain('ada@')
  })
})

describe('an endpoint with response_type: standard', () => {
  test.each([
    ['no chunk', [], 204, undefined, ''],
    ['one JSON value', [send({ a: 1 })], 200, 'application/json; charset=utf-8', '{"a":1}'],
    ['texts', [send('a'), send('b')], 200, 'text/plain; charset=utf-8', 'ab'],
    ['several values', [send('a'), send({ b: 1 })], 200, 'application/json; charset=utf-8', '["a",{"b":1}]'],
  ])('%s', async (_, stack, status, type, text) => {
    const steps = stack.length === 0 ? [{ function: 'Log', message: 'x' }] : stack
    await using server = await one(steps, { response_type: 'standard' })
    const answer = await server.call('/a')
    expect([answer.status, answer.headers['content-type'], answer.text]).toEqual([status, type, text])
  })

  test('sends the Content-Type that it declares', async () => {
    await using server = await one([send('<a/>')], {
      response_type: 'standard',
      headers: { 'Content-Type': 'application/xml' },
    })
    expect((await server.call('/a')).headers['content-type']).toBe('application/xml')
  })

  test('that fails answers with a problem document and nothing of what was sent', async () => {
    await using server = await one(
      [send('secret start'), { function: 'Throw Error', message: 'no such letter', status: 404, code: 'no_letter' }],
      { response_type: 'standard' },
    )
    const answer = await server.call('/a')
    expect(answer.headers['content-type']).toBe('application/problem+json; charset=utf-8')
    expect(problem(answer)).toMatchObject({ code: 'no_letter', detail: 'no such letter' })
    expect(answer.text).not.toContain('secret start')
  })
})

test('callers who ask for a stream get it', async () => {
  await using server = await one([send('a'), respond({ status: 201, content: { id: 1 } })])
  const stream = await server.call('/a', { headers: { accept: 'application/x-ndjson' } })
  expect([stream.status, stream.headers['content-type']]).toEqual([200, 'application/x-ndjson; charset=utf-8'])
  expect(contents(stream.text)).toEqual(['a', { id: 1 }])
  expect((await server.call('/a?format=sse')).text).toContain('event: end')
  expect(JSON.parse((await server.call('/a?format=json')).text)).toMatchObject({ outcome: 'completed' })
  for (const accept of ['*/*', 'application/json', 'application/json, text/plain, */*', 'text/html,*/*;q=0.8']) {
    expect(await server.call('/a', { headers: { accept } })).toMatchObject({ status: 201, text: '{"id":1}' })
  }
})

test('endpoints without either go on to stream, also with response_type: streaming and a Response step', async () => {
  await using server = await one([respond({ status: 201, content: 'x' })], { response_type: 'streaming' })
  expect(await server.call('/a')).toMatchObject({ status: 200, text: 'x\n' })
})

test.each(['memory', 'durable'])('a repeated Idempotency-Key gets the same answer (%s)', async (delivery) => {
  const secret = 'a-secret-for-tests-that-is-long-enough'
  await using server = await testServer({
    'streamstack.yaml': { auth: { jwt: { secret } } },
    'endpoints/a.json': endpoint(
      '/a',
      [send('before'), respond({ status: 201, content: '{{uuid()}}', headers: { 'X-A': 'b' } })],
      {
        method: 'POST',
        settings: { delivery, authentication: true },
      },
    ),
  })
  const authorization = `Bearer ${await makeToken({ secret, sub: 'ada', expiresSeconds: 60 })}`
  const call = () =>
    server.call('/a', { method: 'POST', headers: { authorization, 'idempotency-key': 'the-same-key-each-time' } })
  const [first, second] = [await call(), await call()]
  expect([first.status, first.headers['x-a'], first.text.length]).toEqual([201, 'b', 36])
  expect([second.status, second.headers['x-a'], second.text]).toEqual([201, 'b', first.text])
  expect((await server.call('/a', { method: 'POST' })).status).toBe(401)
})
