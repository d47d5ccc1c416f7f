import { request as httpRequest } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeToken } from '@streamstack/test-support/credentials'
import { parsePrometheus, valueOf } from '@streamstack/test-support/prometheus-text'
import { type Answer, type CallOptions, contents, ndjsonLines, problem } from '@streamstack/test-support/http-client'
import { type TestServer, endpoint, send, testServer } from '@streamstack/test-support/test-server'

const SECRET = 'a secret of the tests, as long as a key has to be'
const SENT = 'what-ann-has-sent'
const POST = { method: 'POST', inputs: { text: { type: 'text' } } }
const OPEN = { 'streamstack.yaml': { streams: { access: 'open' } } }

const bearer = async (sub: string, scope?: string): Promise<Record<string, string>> => {
  const token = await makeToken({
    secret: SECRET,
    sub,
    expiresSeconds: 600,
    ...(scope === undefined ? {} : { claims: { scope } }),
  })
  return { Authorization: `Bearer ${token}` }
}

const endpoints = {
  'endpoints/open.json': endpoint('/open', [send('a'), send('b')]),
  'endpoints/fails.json': endpoint('/fails', [
    { function: 'Throw Error', message: 'for ann alone', code: 'made_up', status: 418 },
  ]),
  'endpoints/breaks.json': endpoint('/breaks', [send('one'), { function: 'Throw Error', message: 'for ann alone' }]),
  'endpoints/slow.json': endpoint('/slow', [send('first'), { function: 'Sleep', duration: 60_000 }]),
}

const files = {
  ...endpoints,
  'streamstack.yaml': { auth: { jwt: { secret: SECRET } } },
  'endpoints/chat.json': endpoint('/chat/:room', [send('{{text}}'), send('two'), send('three')], {
    ...POST,
    settings: { authentication: true },
  }),
}

/** The newest sample, as a dashboard gets it first. */
async function sample(server: TestServer, headers: Record<string, string> = {}): Promise<Record<string, unknown>> {
  // A sample is of now unless one was made within the second.
  const answer = await server.call('/v1/stream/system/metrics?format=json', { headers })
  expect(answer.status, answer.text).toBe(200)
  const { chunks } = JSON.parse(answer.text) as { chunks: { content: Record<string, unknown> }[] }
  expect(chunks).toHaveLength(1)
  return chunks[0]?.content ?? {}
}

test('what is said in channels is counted by their declaration, never by their name', async () => {
  await using server = await testServer({
    ...OPEN,
    ...endpoints,
    'channels/rooms.yaml': {
      channel: 'rooms/{room}',
      publish: true,
      subscribe: true,
      presence: true,
      history: { count: 9 },
      max_bytes: 100,
      deliver: "{{message}} !== 'hidden'",
    },
  })
  const say = (content: string, name = 'rooms/secret-name'): Promise<Answer> =>
    server.call(`/v1/channels/${name}`, { body: { content } })
  const open = await server.open('/v1/channels/rooms/secret-name?presence=true')
  for (const content of ['one', 'hidden', 'two']) expect((await say(content)).status).toBe(201)
  const keyed = { body: { content: 'again' }, headers: { 'Idempotency-Key': 'k' } }
  for (let n = 0; n < 3; n++) await server.call('/v1/channels/rooms/secret-name', keyed)
  expect((await say('x'.repeat(200))).status).toBe(413)
  expect((await say('x'.repeat(2_000))).status).toBe(413)
  expect((await say('x', 'nowhere')).status).toBe(404)
  await open.until('again')
  const socket = new WebSocket(`${server.url.replace('http', 'ws')}/v1/ws`, 'streamstack.v1')
  await new Promise((resolve) => socket.addEventListener('message', resolve, { once: true }))
  const got: string[] = []
  socket.addEventListener('message', ({ data }) => got.push(String(data)))
  socket.send('{"type":"subscribe","id":"s","channel":"rooms/secret-name"}')
  await expect.poll(() => got.join()).toContain('again')
  const { text } = await server.call('/metrics')
  const families = parsePrometheus(text)
  const values = {
    streamstack_channels_open: 1,
    streamstack_channel_subscribers: 2,
    streamstack_presence_members: 1,
    streamstack_active_readers: 2,
    'streamstack_channel_messages_total{channel="rooms/{room}"}': 4,
    'streamstack_channel_chunks_written_total{channel="rooms/{room}"}': 6,
    'streamstack_channel_refused_total{code="body_too_large"}': 2,
    'streamstack_channel_refused_total{code="channel_unknown"}': 1,
    streamstack_websocket_connections: 1,
  }
  for (const [name, value] of Object.entries(values)) expect(valueOf(families, name), name).toBe(value)
  expect(text).not.toContain('secret-name')
  const closed = new Promise((resolve) => socket.addEventListener('close', resolve, { once: true }))
  socket.close(1000)
  await closed
  open.leave()
  const count = async (name: string): Promise<number | undefined> =>
    valueOf(parsePrometheus((await server.call('/metrics')).text), name)
  await expect.poll(() => count('streamstack_websocket_closed_total{code="1000"}')).toBe(1)
  await expect.poll(() => count('streamstack_channel_subscribers')).toBe(0)
  expect(await count('streamstack_websocket_connections')).toBe(0)
  expect(await sample(server)).toMatchObject({
    channels: { published: { total: 4 }, refused: { total: 3 }, errors: { body_too_large: 2, channel_unknown: 1 } },
    chunks: { total: 6 },
    websockets: { open: 0, closed: { 1000: 1 } },
  })
})

test('readers by the open protocol are counted as others are, once', async () => {
  await using server = await testServer({
    ...OPEN,
    ...endpoints,
    'channels/rooms.yaml': {
      channel: 'rooms/{room}',
      publish: true,
      subscribe: true,
      history: { count: 9 },
      deliver: "{{message}} !== 'hidden'",
    },
  })
  const counted = async (): Promise<Record<string, number | undefined>> => {
    const families = parsePrometheus((await server.call('/metrics')).text)
    return {
      readers: valueOf(families, 'streamstack_active_readers'),
      ofChannel: valueOf(families, 'streamstack_channel_chunks_written_total{channel="rooms/{room}"}'),
      ofRuns: valueOf(families, 'streamstack_chunks_written_total{endpoint="open"}'),
      timed: valueOf(families, 'streamstack_chunk_latency_seconds_count'),
    }
  }
  const say = (content: string): Promise<Answer> => server.call('/v1/channels/rooms/1', { body: { content } })
  for (const content of ['hidden', 'one', 'hidden', 'two']) await say(content)
  const path = '/v1/stream/channels/rooms/1'

  // A page: two messages, and no reader that stays.
  const page = await server.call(`${path}?offset=-1`)
  expect(JSON.parse(page.text)).toHaveLength(2)
  expect(await counted()).toEqual({ readers: 0, ofChannel: 2, ofRuns: undefined, timed: 0 })
  // What a cache has is not written again, and what is asked about a stream is no chunk of it.
  const headers = { 'If-None-Match': String(page.headers['etag']) }
  expect((await server.call(`${path}?offset=-1`, { headers })).status).toBe(304)
  await server.call(path, { method: 'HEAD' })
  expect(await counted()).toMatchObject({ readers: 0, ofChannel: 2 })

  // Events: the two that are there, then the one that comes, which is timed.
  const sse = await server.open(`${path}?offset=-1&live=sse`)
  await sse.until('two')
  expect(await counted()).toEqual({ readers: 1, ofChannel: 4, ofRuns: undefined, timed: 0 })
  await say('hidden')
  await say('three')
  await sse.until('three')
  expect(await counted()).toMatchObject({ readers: 1, ofChannel: 5 })
  expect((await counted())['timed']).toBeGreaterThan(0)
  sse.leave()
  await expect.poll(counted).toMatchObject({ readers: 0 })

  // A poll: a reader while it waits, and one message.
  const next = (await server.call(`${path}?offset=now`)).headers['stream-next-offset']
  const polled = server.call(`${path}?offset=${String(next)}&live=long-poll`)
  await expect.poll(counted).toMatchObject({ readers: 1 })
  await say('four')
  expect(JSON.parse((await polled).text)).toHaveLength(1)
  expect(await counted()).toMatchObject({ readers: 0, ofChannel: 6 })

  // A run: its two chunks for its caller and once more, not the message that tells the end.
  const run = await server.call('/open?format=ndjson')
  const whole = await server.call(`${String(run.headers['stream-url'])}?offset=-1`)
  expect(JSON.parse(whole.text)).toHaveLength(3)
  expect(await counted()).toMatchObject({ readers: 0, ofChannel: 6, ofRuns: 4 })
  await server.call(`${String(run.headers['stream-url'])}?offset=-1&live=sse`)
  expect(await counted()).toMatchObject({ readers: 0, ofRuns: 6 })
  // The server's own numbers are not among them.
  await server.call('/v1/stream/system/activity?offset=-1')
  expect(await sample(server)).toMatchObject({ active_readers: 0, chunks: { total: 12 } })
})

describe('what was called', () => {
  let server: TestServer
  let ops: Record<string, string>
  const ids: string[] = []

  beforeAll(async () => {
    server = await testServer(files)
    ops = await bearer('ops', 'system:read')
    const ann = await bearer('ann')
    const call = async (path: string, options: CallOptions = {}): Promise<Answer> => {
      const answer = await server.call(path, options)
      ids.push(String(answer.headers['stream-run']))
      return answer
    }
    await call(`/chat/${SENT}?format=ndjson`, { headers: ann, body: { text: SENT } })
    await call('/open?format=ndjson')
    await call('/open?format=json')
    await call('/fails')
    await call('/breaks?format=ndjson')
    await call('/chat/a', { method: 'POST', body: { text: SENT } })
    const slow = await server.open('/slow?format=ndjson')
    await slow.until('first')
    const id = String(slow.headers['stream-run'])
    ids.push(id)
    await server.call(`/v1/runs/${id}/cancel`, { method: 'POST' })
    await slow.ended
    await server.call(`/v1/stream/runs/${ids[1]}?format=ndjson`)
    await server.call(`/nowhere/${SENT}`)
  })
  afterAll(() => server[Symbol.asyncDispose]())

  test('is what the metrics tell', async () => {
    const found = await sample(server, ops)
    expect(found).toMatchObject({
      active_streams: 0,
      active_readers: 0,
      requests: { total: 8, last_minute: 8 },
      refused: { total: 2, last_minute: 2 },
      runs: { completed: 3, failed: 2, cancelled: 1, abandoned: 0 },
      error_rate: 2 / 8,
      errors: { thrown: 2, cancelled: 1, unauthenticated: 1, endpoint_unknown: 1 },
      // Three, two, two as one answer, one and its error, one before the cancel, and two once more.
      chunks: { total: 12, last_minute: 12 },
      // Who takes the whole, or comes back, waits for no first chunk; one run failed before its own.
      first_chunk_ms: { count: 4 },
    })
    const { p50, p99 } = found['first_chunk_ms'] as { p50: number; p99: number }
    expect(p50).toBeGreaterThan(0)
    expect(p99).toBeGreaterThanOrEqual(p50)
    const chunk = found['chunk_ms'] as { count: number; p50: number }
    expect(chunk.count).toBeGreaterThan(0)
    expect(chunk.p50).toBeLessThan(1_000)
    expect((found['memory'] as { rss_bytes: number }).rss_bytes).toBeGreaterThan(1e6)
  })

  test('is the same for Prometheus', async () => {
    const answer = await server.call('/metrics', { headers: ops })
    expect(answer.headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8')
    const families = parsePrometheus(answer.text)
    const values = {
      'streamstack_requests_total{endpoint="chat"}': 2,
      'streamstack_requests_total{endpoint="open"}': 2,
      'streamstack_runs_total{endpoint="open",outcome="completed"}': 2,
      'streamstack_runs_total{endpoint="slow",outcome="cancelled"}': 1,
      'streamstack_run_errors_total{code="thrown"}': 2,
      'streamstack_refused_total{code="unauthenticated"}': 1,
      streamstack_unknown_requests_total: 1,
      'streamstack_chunks_written_total{endpoint="open"}': 6,
      'streamstack_first_chunk_seconds_count{endpoint="open"}': 1,
      streamstack_active_streams: 0,
      streamstack_active_readers: 0,
    }
    for (const [name, value] of Object.entries(values)) expect(valueOf(families, name), name).toBe(value)
    expect(answer.text).not.toMatch(/made_up|for ann|what-ann/)
  })

  test('is told by the activity, without what was said', async () => {
    const answer = await server.call('/v1/stream/system/activity?format=json', { headers: ops })
    const { chunks } = JSON.parse(answer.text) as { chunks: { content: Record<string, unknown> }[] }
    const told = chunks.map(({ content }) => content)
    expect(told).toMatchObject([
      {
        endpoint: 'chat',
        route: 'POST /chat/:room',
        caller: 'ann',
        run: ids[0],
        outcome: 'completed',
        status: 200,
        error: null,
        chunks: 3,
      },
      { endpoint: 'open', caller: null, run: null, outcome: 'completed', status: 200, chunks: 2, bytes: 2 },
      { endpoint: 'open', caller: null, run: null, outcome: 'completed', status: 200, chunks: 2 },
      { endpoint: 'fails', run: null, outcome: 'failed', status: 418, error: 'thrown', chunks: 0 },
      { endpoint: 'breaks', run: null, outcome: 'failed', status: 200, error: 'thrown', chunks: 1 },
      {
        endpoint: 'chat',
        caller: null,
        run: null,
        outcome: 'refused',
        status: 401,
        error: 'unauthenticated',
        chunks: 0,
      },
      { endpoint: 'slow', run: null, outcome: 'cancelled', status: 200, error: 'cancelled', chunks: 1 },
    ])
    for (const { time, duration_ms: duration } of told) {
      expect(time).toMatch(/^\d{4}-\d\d-\d\dT.*Z$/)
      expect(duration).toBeGreaterThanOrEqual(0)
    }
    expect(answer.text).not.toMatch(/what-ann|for ann|made_up|eyJ|Bearer|nowhere/)
    // Every caller that knows the id of a run without an owner may read it.
    for (const id of ids.slice(1)) expect(answer.text).not.toContain(id)
  })
})

describe('a system stream', () => {
  test('is read like any other: in each format, live, and from where one was', async () => {
    await using server = await testServer({ ...endpoints, ...OPEN })
    const live = await server.open('/v1/stream/system/activity?format=ndjson')
    for (let i = 1; i <= 3; i++) {
      await server.call('/open')
      await expect.poll(() => contents(live.text)).toHaveLength(i)
    }
    live.leave()
    const [first, second, third] = ndjsonLines(live.text)
    expect(first?.content).toMatchObject({ endpoint: 'open', outcome: 'completed' })
    const sse = await server.open('/v1/stream/system/activity', { headers: { 'Last-Event-ID': String(first?.offset) } })
    expect(sse.headers['content-type']).toContain('text/event-stream')
    expect(sse.headers['stream-url']).toBe('/v1/stream/system/activity')
    expect(sse.headers['stream-run']).toBeUndefined()
    await sse.until(`id: ${third?.offset}\n`)
    expect(sse.text).toContain(`id: ${second?.offset}\n`)
    expect(sse.text).not.toContain(`id: ${first?.offset}\n`)
    sse.leave()
    const lines = await server.open(`/v1/stream/system/activity?format=lines&offset=${second?.offset}`)
    await lines.until('\n')
    expect(JSON.parse(lines.text)).toEqual(third?.content)
    lines.leave()
    const held = await server.call('/v1/stream/system/activity?format=json&offset=-1')
    expect(JSON.parse(held.text)).toMatchObject({ outcome: null, chunks: [{}, {}, { offset: third?.offset }] })
    const none = await server.call('/v1/stream/system/activity?format=json&offset=now')
    expect(JSON.parse(none.text)).toMatchObject({ chunks: [] })
    for (const [offset, status] of [
      ['7', 410],
      ['9007199254740991', 400],
      ['x', 400],
    ]) {
      expect((await server.call(`/v1/stream/system/activity?offset=${offset}`)).status).toBe(status)
    }
    const page = await server.call('/v1/stream/system/activity?offset=-1')
    expect(JSON.parse(page.text)).toMatchObject([{ content: { endpoint: 'open' } }, {}, {}])
    expect(page.headers['stream-next-offset']).toBeDefined()
    expect((await server.call('/v1/stream/system/activity', { method: 'HEAD' })).headers['stream-next-offset']).toBe(
      page.headers['stream-next-offset'],
    )
    const polled = server.call(
      `/v1/stream/system/activity?live=long-poll&offset=${String(page.headers['stream-next-offset'])}`,
    )
    const isAnswered = (): Promise<unknown> => Promise.race([polled.then(() => true), server.call('/open')])
    await expect.poll(isAnswered).toBe(true)
    expect(JSON.parse((await polled).text)).toMatchObject([{ content: { endpoint: 'open' } }])
    for (const path of ['/v1/stream/system/other', '/v1/stream/system/'])
      expect((await server.call(path)).status).toBe(404)
    for (const method of ['POST', 'PUT', 'DELETE'])
      expect((await server.call('/v1/stream/system/metrics', { method })).status).toBe(405)
  })

  test('of metrics has a sample at once and goes on, counting what is read beside it', async () => {
    await using server = await testServer({ ...endpoints, ...OPEN })
    const live = await server.open('/v1/stream/system/metrics?format=ndjson')
    await live.until('\n')
    const slow = await server.open('/slow?format=ndjson')
    await slow.until('first')
    await expect
      .poll(() => contents(live.text).at(-1))
      .toMatchObject({ active_streams: 1, active_readers: 1, requests: { total: 1 } })
    slow.leave()
    live.leave()
    expect(contents(live.text).length).toBeGreaterThan(1)
  })

  test('counts the bytes that went over its connections', async () => {
    await using server = await testServer({ ...endpoints, ...OPEN })
    const received = await new Promise<number>((resolve, reject) => {
      const request = httpRequest(`${server.url}/open?format=ndjson`, { agent: false }, (response) => {
        const { socket } = response
        response.resume()
        socket.once('close', () => resolve(socket.bytesRead))
      })
      request.once('error', reject)
      request.end()
    })
    const text = (await server.call('/metrics')).text
    expect(valueOf(parsePrometheus(text), 'streamstack_sent_bytes_total')).toBe(received)
  })
})

describe('who may', () => {
  const doors = ['/metrics', '/v1/stream/system/metrics', '/v1/stream/system/activity']

  test.each(doors)('%s is for tokens with system:read', async (door) => {
    await using server = await testServer(files)
    const status = async (headers: Record<string, string>): Promise<number> =>
      (await server.call(`${door}?format=json`, { headers })).status
    expect(await status({})).toBe(401)
    expect(await status({ Authorization: 'Bearer x' })).toBe(401)
    expect(await status(await bearer('ann'))).toBe(403)
    expect(await status(await bearer('ann', 'streams:read'))).toBe(403)
    expect(await status(await bearer('ops', 'system:read'))).toBe(200)
    const role = await makeToken({ secret: SECRET, sub: 'ops', roles: ['system:read'], expiresSeconds: 600 })
    expect(await status({ Authorization: `Bearer ${role}` })).toBe(200)
  })

  test.each(doors)('%s is closed where no token can be checked, unless streams are open', async (door) => {
    const { 'endpoints/open.json': open } = files
    await using closed = await testServer({ 'endpoints/open.json': open })
    const refused = await closed.call(`${door}?format=json`)
    expect([refused.status, problem(refused)['code']]).toEqual([503, 'unavailable'])
    await using server = await testServer({ ...OPEN, 'endpoints/open.json': open })
    expect((await server.call(`${door}?format=json`)).status).toBe(200)
    const foreign: Record<string, string>[] = [{ Origin: 'https://evil.example' }, { Host: 'evil.example' }]
    for (const headers of foreign) expect((await server.call(`${door}?format=json`, { headers })).status).toBe(403)
  })

  test.each(['/healthz', '/readyz'])('%s answers every caller with its status alone', async (door) => {
    await using server = await testServer(files)
    const { status, text } = await server.call(door)
    expect([status, JSON.parse(text)]).toEqual([200, { status: door === '/healthz' ? 'ok' : 'ready' }])
  })
})

test('very many paths that do not exist make no name and no entry', async () => {
  await using server = await testServer({ ...OPEN, 'endpoints/open.json': files['endpoints/open.json'] })
  const calls = 2_000
  for (let from = 0; from < calls; from += 50) {
    await Promise.all(Array.from({ length: 50 }, (_, i) => server.call(`/attack-${from + i}`)))
  }
  const { text } = await server.call('/metrics')
  expect(valueOf(parsePrometheus(text), 'streamstack_unknown_requests_total')).toBe(calls)
  expect(text).not.toContain('attack')
  expect(text.length).toBeLessThan(10_000)
  expect((await server.call('/v1/stream/system/activity?format=json')).text).not.toContain('attack')
})

test('calls that are refused, however many, push no run out of the activity, and are counted', async () => {
  await using server = await testServer(files)
  const ops = await bearer('ops', 'system:read')
  const told = async (): Promise<Record<string, unknown>[]> => {
    const { text } = await server.call('/v1/stream/system/activity?format=json', { headers: ops })
    return (JSON.parse(text) as { chunks: { content: Record<string, unknown> }[] }).chunks.map(({ content }) => content)
  }
  await server.call('/open?format=ndjson')
  const refused = 2_000
  for (let from = 0; from < refused; from += 50) {
    await Promise.all(Array.from({ length: 50 }, () => server.call('/chat/a', { body: { text: SENT } })))
  }
  expect((await told())[0]).toMatchObject({ endpoint: 'open', outcome: 'completed' })
  await server.call('/open?format=ndjson')
  const entries = await told()
  expect(entries[0]).toMatchObject({ endpoint: 'open', outcome: 'completed' })
  expect(entries.filter(({ outcome }) => outcome === 'refused')).toHaveLength(100)
  expect(entries.at(-1)).toMatchObject({ endpoint: 'open', more_refused: refused - 100 })
  expect(entries.filter((entry) => 'more_refused' in entry)).toHaveLength(1)
  expect(await sample(server, ops)).toMatchObject({ errors: { unauthenticated: refused }, refused: { total: refused } })
})
