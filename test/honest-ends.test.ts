import { createHmac } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { contents, ndjsonLines, problem } from '@streamstack/test-support/http-client'
import { endpoint, send, testServer } from '@streamstack/test-support/test-server'

const SECRET = 'a secret that only this test knows, long enough'

/** A token made by hand: what other issuers put into one. */
function token(claims: object): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  const body = `${part({ alg: 'HS256', typ: 'JWT' })}.${part({ exp: Math.floor(Date.now() / 1000) + 60, ...claims })}`
  return `${body}.${createHmac('sha256', SECRET).update(body).digest('base64url')}`
}

describe('a limit is the end of a run', () => {
  const tenChunks = { function: 'For', count: 10, inner_functions: [send('{{loop_index}}')] }

  test.each([
    ['a catch block', [{ function: 'Try/Catch Block', try_block: [tenChunks], catch_block: [send('caught')] }]],
    ['a branch whose errors are ignored', [{ function: 'Parallel', on_error: 'ignore', branches: [[tenChunks]] }]],
  ])('that %s cannot take', async (_, stack) => {
    for (const settings of [{ max_chunks: 3 }, { max_iterations: 3 }]) {
      await using server = await testServer({
        'endpoints/e.json': endpoint('/e', [...stack, send('after')], { settings }),
      })
      const answer = await server.call('/e?format=ndjson')
      expect(contents(answer.text)).toEqual([0, 1, 2])
      expect(ndjsonLines(answer.text).at(-1)).toMatchObject({ outcome: 'failed', error: { code: 'limit_exceeded' } })
    }
  })
})

describe('a stream that is handed on from another Streamstack server', () => {
  const relay = (format: string): unknown[] => [
    { function: 'External API Request (Streaming)', url: `/source?format=${format}` },
    { function: 'For Each', input: '{{response}}', inner_functions: [send('{{item}}')] },
  ]

  test.each(['sse', 'ndjson'])('fails when that failed, in %s', async (format) => {
    await using server = await testServer({
      'streamstack.yaml': { outbound: { allow: ['self'] } },
      'endpoints/source.json': endpoint('/source', [send('part'), { function: 'Throw Error', message: 'no more' }], {}),
      'endpoints/relay.json': endpoint('/relay', relay(format)),
    })
    const answer = await server.call('/relay?format=ndjson')
    expect(ndjsonLines(answer.text).at(-1)).toMatchObject({ outcome: 'failed', error: { code: 'upstream_failed' } })
  })

  test('completes when that completed, without its last word', async () => {
    await using server = await testServer({
      'streamstack.yaml': { outbound: { allow: ['self'] } },
      'endpoints/source.json': endpoint('/source', [send('whole')], { settings: { method: 'GET' } }),
      'endpoints/relay.json': endpoint('/relay', relay('sse')),
    })
    const answer = await server.call('/relay?format=ndjson')
    expect(contents(answer.text)).toEqual(['whole'])
    expect(ndjsonLines(answer.text).at(-1)).toMatchObject({ outcome: 'completed' })
  })
})

describe('an EventSource that calls again by itself', () => {
  const files = { 'endpoints/e.json': endpoint('/e', [send('a'), send('b')], { settings: { method: 'GET' } }) }

  test('starts no second run without a key', async () => {
    await using server = await testServer(files)
    const again = await server.call('/e', { headers: { 'Last-Event-ID': '1' } })
    expect(again.status).toBe(400)
    expect(problem(again)).toMatchObject({ code: 'offset_invalid', detail: expect.stringContaining('idempotency_key') })
  })

  test('goes on where it was with one', async () => {
    await using server = await testServer(files)
    const first = await server.call('/e?idempotency_key=k1')
    const headers = { Accept: 'text/event-stream', 'Last-Event-ID': '1' }
    const again = await server.call('/e?idempotency_key=k1', { headers })
    expect(again.headers['stream-run']).toBe(first.headers['stream-run'])
    expect(again.text).toContain('data: "b"')
    expect(again.text).not.toContain('data: "a"')
  })
})

test('two callers whose tokens have no text as their subject are two callers', async () => {
  await using server = await testServer({
    'streamstack.yaml': { auth: { jwt: { secret: SECRET } } },
    'endpoints/e.json': endpoint('/e', [send('for {{auth.sub}}')], { settings: { authentication: true } }),
  })
  const callAs = (sub: unknown) =>
    server.call('/e?format=text', {
      headers: { Authorization: `Bearer ${token({ sub })}`, 'Idempotency-Key': '1' },
    })
  expect((await callAs(5)).text).toBe('for 5')
  expect((await callAs(6)).text).toBe('for 6')
})

test('a text that an endpoint declares is what it serves', async () => {
  await using server = await testServer({
    'endpoints/e.json': endpoint('/e', [send('a,b'), send('1,2')], {
      settings: { headers: { 'Content-Type': 'text/csv; charset=utf-8' } },
    }),
  })
  const answer = await server.call('/e')
  expect(answer.headers['content-type']).toBe('text/csv; charset=utf-8')
  expect(answer.text).toBe('a,b\n1,2\n')
})

test('a value that shares itself without end is refused before it is written', async () => {
  await using server = await testServer({
    'endpoints/e.json': endpoint('/e', [
      { function: 'Create Variable', name: 'v', value: [1] },
      {
        function: 'For',
        count: 40,
        inner_functions: [{ function: 'Update Variable', name: 'v', value: '{{[v, v]}}' }],
      },
      send('{{v}}'),
    ]),
  })
  const answer = await server.call('/e')
  expect(problem(answer)).toMatchObject({ code: 'limit_exceeded' })
})
