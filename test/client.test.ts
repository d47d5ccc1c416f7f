import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Chunk, type Progress, StreamError, createClient } from '@streamstack/client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeToken } from '@streamstack/test-support/credentials'
import { ownPort } from '@streamstack/test-support/own-port'
import { type TestServer, endpoint, send, testServer } from '@streamstack/test-support/test-server'

const SECRET = 'a secret of the tests, as long as a key has to be'

let server: TestServer

beforeAll(async () => {
  server = await testServer({
    'streamstack.yaml': { auth: { jwt: { secret: SECRET } } },
    'endpoints/poem.json': endpoint('/poem', [
      send('one', { progress_percentage: 25 }),
      send('two', { progress_percentage: 50 }),
      send({ three: 3 }),
    ]),
    'endpoints/echo.json': endpoint('/echo/:name', [send({ name: '{{name}}', list: '{{list}}', flag: '{{flag}}' })], {
      inputs: { name: { type: 'text' }, list: { type: 'list' }, flag: { type: 'boolean' } },
    }),
    'endpoints/change.json': endpoint('/change/{name}', [send({ name: '{{name}}', text: '{{text}}' })], {
      method: 'PUT',
      inputs: { name: { type: 'text' }, text: { type: 'text', required: true } },
    }),
    'endpoints/breaks.json': endpoint('/breaks', [
      send('before'),
      { function: 'Throw Error', message: 'It broke.', code: 'broken' },
    ]),
    'endpoints/fails.json': endpoint('/fails', [{ function: 'Throw Error', message: 'It broke.', code: 'broken' }]),
    'endpoints/own.json': endpoint('/own', [send('{{auth.sub}}')], { settings: { authentication: true } }),
    'endpoints/waits.json': endpoint('/waits', [{ function: 'Sleep', duration: 60_000 }]),
    'endpoints/begins.json': endpoint('/begins', [send('begun'), { function: 'Sleep', duration: 60_000 }]),
    'endpoints/long.json': endpoint(
      '/long',
      [{ function: 'For', count: 40, inner_functions: [send('{{loop_index}}'), { function: 'Sleep', duration: 5 }] }],
      { settings: { on_disconnect: 'continue' } },
    ),
    'endpoints/heavy.json': endpoint('/heavy', [
      { function: 'For', count: 4_000, inner_functions: [send('x'.repeat(10_000))] },
    ]),
  })
})
afterAll(() => server[Symbol.asyncDispose]())

const newClient = (more = {}) => createClient({ url: server.url, retry: { delayMs: 1 }, ...more })

async function contents(stream: AsyncIterable<Chunk>): Promise<unknown[]> {
  const found: unknown[] = []
  for await (const { content } of stream) found.push(content)
  return found
}

async function failure(stream: AsyncIterable<Chunk>, found: unknown[] = []): Promise<StreamError> {
  try {
    for await (const { content } of stream) found.push(content)
  } catch (error) {
    if (error instanceof StreamError) return error
    throw error
  }
  throw new Error('the stream came to a good end')
}

describe('a stream is read', () => {
  test.each(['ndjson', 'sse', 'lines', 'json'] as const)('by a loop, in the format %s', async (format) => {
    const stream = newClient().call('GET /poem', {}, { format })
    const chunks: Chunk[] = []
    for await (const chunk of stream) chunks.push(chunk)
    expect(chunks).toEqual([
      { kind: 'text', content: 'one', metadata: { progress_percentage: 25 }, offset: 1 },
      { kind: 'text', content: 'two', metadata: { progress_percentage: 50 }, offset: 2 },
      { kind: 'json', content: { three: 3 }, metadata: null, offset: 3 },
    ])
    expect(await stream.result()).toEqual({ outcome: 'completed', error: null, offset: 3, chunks: [] })
    expect(stream.status).toBe('ended')
  })

  test('as text', async () => {
    expect((await contents(newClient().call('GET /poem', {}, { format: 'text' }))).join('')).toBe('onetwo{"three":3}')
  })

  test('by listeners, in order, the end last', async () => {
    const stream = newClient().call('GET /poem')
    const told: unknown[] = []
    const percentages: (number | null)[] = []
    stream.on('status', ({ status }) => told.push(status))
    stream.on('chunk', ({ content }) => told.push(content))
    stream.on('progress', ({ percentage }: Progress) => percentages.push(percentage))
    stream.on('error', (error) => told.push(error))
    await new Promise<void>((resolve) => stream.on('end', ({ outcome }) => resolve(void told.push(outcome))))
    expect(told).toEqual(['open', 'one', 'two', { three: 3 }, 'ended', 'completed'])
    expect(percentages).toEqual([25, 50, 50, 100])
    expect(stream.progress).toMatchObject({ chunks: 3, percentage: 100 })
    expect(stream.progress.bytes).toBeGreaterThan(100)
  })

  test('whole', async () => {
    const { chunks, outcome } = await newClient().call('GET /poem').result()
    expect([outcome, chunks.map(({ offset }) => offset)]).toEqual(['completed', [1, 2, 3]])
  })

  test('by one reader only', async () => {
    const stream = newClient().call('GET /poem')
    const read = contents(stream)
    expect(() => stream[Symbol.asyncIterator]()).toThrow(StreamError)
    expect(await read).toHaveLength(3)
  })

  test('beside listeners, which a loop feeds', async () => {
    const stream = newClient().call('GET /poem')
    const heard: unknown[] = []
    const stop = stream.on('chunk', ({ content, offset }) => {
      heard.push(content)
      if (offset === 2) stop()
    })
    expect(await contents(stream)).toHaveLength(3)
    expect(heard).toEqual(['one', 'two'])
  })
})

describe('inputs', () => {
  test('travel in path and query', async () => {
    const inputs = { name: 'a/b ü', list: ['x', 1], flag: true, none: undefined, nothing: null }
    expect(await contents(newClient().call('GET /echo/:name', inputs))).toEqual([
      { name: 'a/b ü', list: ['x', 1], flag: true },
    ])
  })

  test('travel in path and body', async () => {
    expect(await contents(newClient().call('PUT /change/{name}', { name: 'x', text: 'é' }))).toEqual([
      { name: 'x', text: 'é' },
    ])
  })

  test.each([
    ['GET /echo/:name', { name: '..' }],
    ['GET /echo/:name', { name: '' }],
    ['GET /echo/:name', {}],
    ['echo', {}],
    ['GET echo', {}],
  ])('%s with %j cannot be written', (name, inputs) => {
    expect(() => newClient().call(name, inputs)).toThrow(expect.objectContaining({ code: 'call_invalid' }))
  })
})

describe('what goes wrong', () => {
  test('an error in the stream is thrown after the chunks before it, and nothing is tried again', async () => {
    const found: unknown[] = []
    const stream = newClient().call('GET /breaks')
    const error = await failure(stream, found)
    expect(found).toEqual(['before'])
    expect(error).toMatchObject({ code: 'broken', message: 'It broke.', outcome: 'failed', status: null })
    expect((await stream.result()).outcome).toBe('failed')
  })

  test.each(['lines', 'text', 'sse', 'json'] as const)('the same in the format %s', async (format) => {
    const found: unknown[] = []
    const error = await failure(newClient().call('GET /breaks', {}, { format }), found)
    expect(found).toEqual(['before'])
    expect(error).toMatchObject({ code: 'broken', message: 'It broke.', outcome: 'failed' })
  })

  test('an error before the first chunk', async () => {
    const error = await failure(newClient().call('GET /fails'))
    expect(error).toMatchObject({ code: 'broken', message: 'It broke.', outcome: 'failed', status: 500 })
  })

  test('a refused call tells every fault, once, and no outcome', async () => {
    let requests = 0
    const client = newClient({ fetch: (...args: Parameters<typeof fetch>) => (requests++, fetch(...args)) })
    const stream = client.call('PUT /change/:name', { name: 'x' })
    const { outcome, error } = await stream.result()
    expect(outcome).toBeNull()
    expect(error).toMatchObject({ code: 'input_invalid', status: 400, problem: { errors: [{ path: 'text' }] } })
    expect(requests).toBe(1)
  })

  test('something that is no Streamstack server', async () => {
    await using page = await answering((_request, response) => {
      response.setHeader('Content-Type', 'text/html')
      response.end('<h1>Hello</h1>')
    })
    const error = await failure(createClient({ url: page.url }).call('GET /poem'))
    expect(error).toMatchObject({ code: 'answer_unknown', outcome: null })
    expect(page.requests).toHaveLength(1)
  })

  test('a fault of a listener is no fault of the stream', async () => {
    const thrown: unknown[] = []
    const listeners = process.listeners('uncaughtException')
    process.removeAllListeners('uncaughtException')
    process.on('uncaughtException', (error) => thrown.push(error))
    try {
      const stream = newClient().call('GET /poem')
      stream.on('progress', () => {
        throw new Error('mine')
      })
      expect(await contents(stream)).toHaveLength(3)
      expect(thrown.length).toBeGreaterThan(0)
    } finally {
      process.removeAllListeners('uncaughtException')
      for (const listener of listeners) process.on('uncaughtException', listener)
    }
  })
})

describe('cancel', () => {
  test('ends the run on the server, keeps what was sent, and ends the loop without an error', async () => {
    const stream = newClient().call('GET /begins')
    const found: unknown[] = []
    for await (const { content } of stream) {
      found.push(content)
      await stream.cancel()
    }
    expect(found).toEqual(['begun'])
    expect((await stream.result()).outcome).toBe('cancelled')
    const run = await server.call(`/v1/runs/${stream.run}`)
    expect(JSON.parse(run.text)).toMatchObject({ outcome: 'cancelled', offset: 1 })
  })

  test('reaches a run that has not answered yet', async () => {
    const stream = newClient().call('GET /waits')
    expect(stream.run).toBeNull()
    await stream.cancel()
    const { outcome, error } = await stream.result()
    expect([outcome, error?.code]).toEqual(['cancelled', 'cancelled'])
    const run = await server.call(`/v1/runs/${stream.run}`)
    expect(JSON.parse(run.text)).toMatchObject({ outcome: 'cancelled' })
  })

  test('by another client is an error to the loop', async () => {
    const stream = newClient().call('GET /begins')
    stream.on(
      'chunk',
      () =>
        void newClient()
          .read(stream.url ?? '')
          .cancel(),
    )
    const found: unknown[] = []
    const error = await failure(stream, found)
    expect([found, error.outcome, error.code]).toEqual([['begun'], 'cancelled', 'cancelled'])
  })

  test('says so when the server cannot be told', async () => {
    const stream = newClient({ url: 'http://127.0.0.1:1', retry: { attempts: 0 } }).call('GET /poem')
    await expect(stream.cancel()).rejects.toMatchObject({ code: 'connection_lost' })
    expect((await stream.result()).outcome).toBeNull()
  })
})

describe('leaving', () => {
  test('a loop leaves the run to itself, and another reader goes on where it stopped', async () => {
    const client = newClient()
    const stream = client.call('GET /long')
    for await (const { offset } of stream) if (offset === 3) break
    expect(await stream.result()).toMatchObject({ outcome: null, error: { code: 'left' }, offset: 3 })
    const rest = await client.read(stream.url ?? '', { after: stream.offset }).result()
    expect([rest.outcome, rest.chunks.map(({ offset }) => offset)]).toEqual([
      'completed',
      Array.from({ length: 37 }, (_, index) => index + 4),
    ])
  })

  test('with a signal is an error to the loop', async () => {
    const abort = new AbortController()
    const stream = newClient().call('GET /begins', {}, { signal: abort.signal })
    stream.on('chunk', () => abort.abort(new Error('enough')))
    expect(await failure(stream)).toMatchObject({ code: 'aborted', outcome: null, cause: { message: 'enough' } })
    expect(JSON.parse((await server.call(`/v1/runs/${stream.run}`)).text)).toMatchObject({ outcome: null })
  })

  test('before anything was sent', async () => {
    await using page = await answering((_request, response) => void response.end())
    const ended = createClient({ url: page.url }).call('POST /a', {}, { signal: AbortSignal.abort() })
    expect(await ended.result()).toMatchObject({ outcome: null, error: { code: 'aborted' }, chunks: [] })
    await fetch(page.url)
    expect(page.requests.map(({ method }) => method)).toEqual(['GET'])
  })
})

test('a reload comes back to its run with the key of the call', async () => {
  const options = { idempotencyKey: 'of the page' }
  const first = newClient().call('GET /long', {}, options)
  for await (const { offset } of first) if (offset === 2) break
  const second = newClient().call('GET /long', {}, options)
  expect((await second.result()).chunks).toHaveLength(40)
  expect(second.run).toBe(first.run)
})

test('a run that went away with its server is not run again, and has no good end', async () => {
  const files = {
    'endpoints/slow.json': endpoint('/slow', [send('one'), { function: 'Sleep', duration: 60_000 }], {
      method: 'POST',
    }),
  }
  const port = await ownPort()
  await using before = await testServer(files, { port })
  const requests: string[] = []
  const client = createClient({
    url: before.url,
    retry: { delayMs: 1, attempts: 50 },
    fetch: (input, init) => {
      requests.push(`${init?.method ?? 'GET'} ${new URL(input instanceof Request ? input.url : input).pathname}`)
      return fetch(input, init)
    },
  })
  const stream = client.call('POST /slow')
  const found: unknown[] = []
  const failed = failure(stream, found)
  await expect.poll(() => found.length).toBe(1)
  await before.close()
  await using after = await testServer(files, { port })
  expect(after.url).toBe(before.url)
  expect(await failed).toMatchObject({ code: 'run_unknown', status: 404, outcome: null })
  expect(found).toEqual(['one'])
  expect(requests.filter((request) => request === 'POST /slow')).toHaveLength(1)
  expect(new Set(requests.slice(1))).toEqual(new Set([`GET ${stream.url ?? ''}`]))
})

test('only streams of the own server are resumed, so that the token goes nowhere else', () => {
  const client = newClient({ token: 'secret' })
  for (const url of [
    'https://elsewhere.example/v1/stream/runs/x',
    '//elsewhere.example/x',
    String.raw`/\elsewhere.example/x`,
  ]) {
    expect(() => client.read(url)).toThrow(expect.objectContaining({ code: 'call_invalid' }))
  }
  client.read(`${server.url}/v1/stream/runs/x`).leave()
})

describe('tokens', () => {
  const token = (sub: string): Promise<string> => makeToken({ secret: SECRET, sub, expiresSeconds: 60 })

  test('are sent, and asked for again after a 401, once', async () => {
    let asked = 0
    const client = newClient({ token: async () => (++asked === 1 ? 'old' : token('ann')) })
    expect(await contents(client.call('GET /own'))).toEqual(['ann'])
    expect(asked).toBe(2)
    const hopeless = newClient({ token: () => `old ${++asked}` })
    expect(await failure(hopeless.call('GET /own'))).toMatchObject({ code: 'unauthenticated', status: 401 })
    expect(asked).toBe(4)
  })

  test('that are fixed are not tried twice', async () => {
    let requests = 0
    const client = newClient({
      token: 'old',
      fetch: (...args: Parameters<typeof fetch>) => (requests++, fetch(...args)),
    })
    expect((await failure(client.call('GET /own'))).status).toBe(401)
    expect(requests).toBe(1)
  })

  test('a source that fails for a moment is asked again', async () => {
    let asked = 0
    const client = newClient({
      token: async () => {
        if (++asked === 1) throw new Error('offline')
        return token('ann')
      },
    })
    expect(await contents(client.call('GET /own'))).toEqual(['ann'])
  })
})

test('a loop that is slow slows the server down', async () => {
  const stream = newClient().call('GET /heavy')
  let count = 0
  for await (const { content } of stream) {
    expect(content).toHaveLength(10_000)
    if (++count === 20) {
      await new Promise((resolve) => setTimeout(resolve, 150))
      // 40 MB are on the way; what the network and both ends hold is far less.
      expect(stream.progress.bytes).toBeLessThan(2_000_000)
      const { offset } = JSON.parse((await server.call(`/v1/runs/${stream.run}`)).text) as { offset: number }
      expect(offset).toBeLessThan(3_000)
    }
  }
  expect(count).toBe(4_000)
})

describe('a server that cannot now', () => {
  const END = '{"type":"end","outcome":"completed","offset":0,"error":null}\n'

  test.each([408, 425, 429, 502, 503, 504])('with status %i is asked again, with the same key', async (status) => {
    await using page = await answering((request, response) => {
      if (page.requests.length < 3) response.writeHead(status, { 'Retry-After': '0' }).end('busy')
      else response.writeHead(200, { 'Content-Type': 'application/x-ndjson' }).end(END)
      request.read()
    })
    const client = createClient({ url: page.url, retry: { delayMs: 1 } })
    expect((await client.call('POST /a', { text: 'é' }).result()).outcome).toBe('completed')
    expect(page.requests).toHaveLength(3)
    expect(new Set(page.requests.map(({ headers }) => headers['idempotency-key'])).size).toBe(1)
    await client.call('POST /a').result()
    expect(new Set(page.requests.map(({ headers }) => headers['idempotency-key'])).size).toBe(2)
  })

  test.each([400, 403, 404, 409, 410, 413, 422, 501])('with status %i', async (status) => {
    await using page = await answering((_request, response) => {
      response.writeHead(status, { 'Content-Type': 'application/problem+json' })
      response.end(JSON.stringify({ code: 'some_code', detail: 'No.', recoverable: false }))
    })
    const error = await failure(createClient({ url: page.url, retry: { delayMs: 1 } }).call('POST /a'))
    expect(error).toMatchObject({ code: 'some_code', message: 'No.', status, recoverable: false, outcome: null })
    expect(page.requests).toHaveLength(1)
  })

  test('and says when is given that long', async () => {
    await using page = await answering((_request, response) => {
      if (page.requests.length === 1) response.writeHead(503, { 'Retry-After': '1' }).end()
      else response.writeHead(200, { 'Content-Type': 'application/x-ndjson' }).end(END)
    })
    const stream = createClient({ url: page.url, retry: { delayMs: 0 } }).call('POST /a')
    const causes: (number | null | undefined)[] = []
    stream.on('status', ({ cause }) => causes.push(cause?.retryAfterMs))
    expect((await stream.result()).outcome).toBe('completed')
    expect(causes[0]).toBe(1000)
    const [first, second] = page.requests
    expect((second?.atMs ?? 0) - (first?.atMs ?? 0)).toBeGreaterThanOrEqual(990)
  })

  test('and a stream that lies about its offsets never ends well', async () => {
    const chunk = (offset: number): string =>
      `{"type":"chunk","offset":${offset},"content":${offset},"metadata":null}\n`
    await using page = await answering((request, response) => {
      const after = Number(request.headers['last-event-id'] ?? 0)
      response.setHeader('Stream-Run', 'r')
      response.setHeader('Stream-Url', '/v1/stream/runs/r')
      response.setHeader('Content-Type', 'application/x-ndjson')
      if (after === 0) response.end(chunk(1) + chunk(1) + chunk(2) + chunk(4))
      else response.end(chunk(2) + chunk(3) + '{"type":"end","outcome":"completed","offset":9,"error":null}\n')
    })
    const found: unknown[] = []
    const error = await failure(
      createClient({ url: page.url, retry: { delayMs: 1, attempts: 2 } }).call('POST /a'),
      found,
    )
    expect(found).toEqual([1, 2, 3])
    expect(error.outcome).toBeNull()
    expect(page.requests.map(({ method }) => method)).toEqual(['POST', ...page.requests.slice(1).map(() => 'GET')])
  })
})

interface Answering extends AsyncDisposable {
  url: string
  requests: { method: string | undefined; headers: Record<string, unknown>; atMs: number }[]
}

/** A server of its own that answers as it is told. */
async function answering(answer: Parameters<typeof createServer>[1] & object): Promise<Answering> {
  const requests: Answering['requests'] = []
  const page = createServer((request, response) => {
    requests.push({ method: request.method, headers: request.headers, atMs: performance.now() })
    answer(request, response)
  })
  await new Promise<void>((resolve) => page.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(page.address() as AddressInfo).port}`,
    requests,
    async [Symbol.asyncDispose]() {
      page.closeAllConnections()
      await new Promise((resolve) => page.close(resolve))
    },
  }
}
