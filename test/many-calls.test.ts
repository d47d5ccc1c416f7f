import { formats } from '@streamstack/protocol'
import fc from 'fast-check'
import { Agent, request } from 'node:http'
import { describe, expect, test } from 'vitest'
import { contents, ndjsonLines } from '@streamstack/test-support/http-client'
import { type TestServer, endpoint, send, testServer } from '@streamstack/test-support/test-server'

const sleep = { function: 'Sleep', duration: 3_600_000 }

const serving = (): Promise<TestServer> =>
  testServer({
    'streamstack.yaml': { auth: { jwt: { secret: 'a-secret-for-tests-that-is-long-enough' } } },
    'endpoints/count.json': endpoint('/count/:id', [
      {
        function: 'For',
        count: 20,
        inner_functions: [send('{{id}}-{{loop_index}}'), { function: 'Sleep', duration: 1 }],
      },
    ]),
    'endpoints/echo.json': endpoint(
      '/echo',
      [
        {
          function: 'For Each',
          input: '{{items}}',
          inner_functions: [{ ...send('{{item}}', { at: '{{loop_index}}' }), send_null: true }],
        },
      ],
      { method: 'POST', inputs: { items: { type: 'list', required: true }, options: { type: 'object' } } },
    ),
    'endpoints/private.json': endpoint('/private', [send('never')], {
      method: 'POST',
      settings: { authentication: true },
    }),
    'endpoints/open.json': endpoint('/open', [
      send('open'),
      { function: 'Try/Catch Block', try_block: [sleep], finally_block: [send('closed')] },
    ]),
    'endpoints/busy.json': endpoint(
      '/busy',
      [
        send('open'),
        {
          function: 'While Loop',
          condition: true,
          inner_logic: [{ function: 'Create Variable', name: 'x', value: 1 }],
        },
      ],
      { settings: { max_iterations: 1e12 } },
    ),
  })

test('many runs at once each get their own chunks, in order', async () => {
  await using server = await serving()
  const ids = Array.from({ length: 200 }, (_, i) => `run${i}`)
  const answers = await Promise.all(ids.map((id) => server.call(`/count/${id}?format=ndjson`)))
  for (const [i, { text }] of answers.entries()) {
    expect(contents(text)).toEqual(Array.from({ length: 20 }, (_, n) => `run${i}-${n}`))
    expect(ndjsonLines(text).at(-1)).toMatchObject({ outcome: 'completed', offset: 20 })
  }
  expect(new Set(answers.map(({ headers }) => headers['stream-run'])).size).toBe(200)
})

test.each(['sse', 'ndjson', 'lines'] as const)('any content comes back from %s as it was sent', async (format) => {
  await using server = await serving()
  const content = fc.oneof(
    fc.string({ unit: 'binary' }),
    // Bodies with larger numbers are refused: JSON cannot carry them exactly.
    fc.jsonValue({ maxDepth: 2 }).filter((value) => !holdsLargeNumber(value)),
    fc.constant('😀'.repeat(9_000)),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(content, { maxLength: 12 }), async (items) => {
      // As JSON carries it: -0 is 0 there.
      const sent = JSON.parse(JSON.stringify(items)) as unknown[]
      const answer = await server.call(`/echo?format=${format}`, {
        body: { items, options: { include_metadata: true } },
      })
      const decoder = formats[format].decoder({ metadata: true })
      const decoded = [...decoder.push(answer.text), ...decoder.flush()].filter(({ type }) => type === 'chunk')
      expect(decoded.map((one) => (one.type === 'chunk' ? [one.content, one.metadata] : []))).toEqual(
        sent.map((one, at) => [one, { at }]),
      )
    }),
    { numRuns: 40 },
  )
})

function holdsLargeNumber(value: unknown): boolean {
  let isLarge = false
  JSON.stringify(value, (_, inner: unknown) => {
    isLarge ||= typeof inner === 'number' && Math.abs(inner) > Number.MAX_SAFE_INTEGER
    return inner
  })
  return isLarge
}

describe('one connection for many calls', () => {
  const over = (
    agent: Agent,
    server: TestServer,
    path: string,
    body?: string,
  ): Promise<{ status: number; text: string; port: number }> =>
    new Promise((resolve, reject) => {
      const outgoing = request(new URL(path, server.url), {
        agent,
        method: body === undefined ? 'GET' : 'POST',
        headers:
          body === undefined ? {} : { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) },
      })
      outgoing.on('response', (response) => {
        const port = response.socket.localPort ?? 0
        let text = ''
        response.on('data', (data: Buffer) => {
          text += data.toString()
        })
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text, port }))
        response.on('error', reject)
      })
      outgoing.on('error', reject)
      outgoing.end(body)
    })

  test('goes on after streams, errors and unread bodies', async () => {
    await using server = await serving()
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    const body = JSON.stringify({ items: ['x'.repeat(200_000)] })
    const answers = [
      await over(agent, server, '/count/a?format=text'),
      await over(agent, server, '/private', body),
      await over(agent, server, '/nowhere', body),
      await over(agent, server, '/echo?format=xml', body),
      await over(agent, server, '/echo?format=json', '{"items":[1]}'),
      await over(agent, server, '/healthz'),
    ]
    expect(answers.map(({ status }) => status)).toEqual([200, 401, 404, 406, 200, 200])
    expect(new Set(answers.map(({ port }) => port)).size).toBe(1)
    expect(answers[4]?.text).toContain('"content":1')
    agent.destroy()
  })
})

test('a server with runs under way closes, and no reader takes that for the end', async () => {
  const server = await serving()
  const calls = await Promise.all(
    ['/open', '/open', '/busy', '/busy'].flatMap((path) =>
      ['ndjson', 'text'].map((format) => server.open(`${path}?format=${format}`)),
    ),
  )
  await Promise.all(calls.map((call) => call.until('open')))
  await server[Symbol.asyncDispose]()
  for (const call of calls) {
    const { text, ending } = await call.ended
    expect(ending === 'broken' || text.includes('"outcome":"cancelled"')).toBe(true)
    expect(text).not.toContain('completed')
  }
})

test('a caller who leaves before the first chunk lets the run come to its end, or its grace time', async () => {
  await using server = await testServer({
    'endpoints/late.json': endpoint('/late', [
      { function: 'Add Record', table: 'steps', record: {} },
      { function: 'Sleep', duration: 200 },
      { function: 'Add Record', table: 'steps', record: {} },
    ]),
    'endpoints/steps.json': endpoint('/steps', [{ function: 'Count Records', table: 'steps' }, send('{{count}}')]),
    'tables/steps.yaml': 'columns:\n  id: { type: integer, primary: true }\n',
  })
  const outgoing = request(new URL('/late', server.url), { agent: false })
  outgoing.on('error', () => undefined)
  outgoing.end()
  const steps = async (): Promise<string> => (await server.call('/steps?format=text')).text
  await expect.poll(steps, { interval: 10 }).not.toBe('0')
  outgoing.destroy()
  await expect.poll(steps, { interval: 10 }).toBe('2')
})
