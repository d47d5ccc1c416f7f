import { randomUUID } from 'node:crypto'
import { type Chunk, type StreamFormat, createClient } from '@streamstack/client'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { makeToken } from '@streamstack/test-support/credentials'
import { type Fault, type FaultProxy, faultProxy } from '@streamstack/test-support/fault-proxy'
import { type TestServer, endpoint, send, testServer } from '@streamstack/test-support/test-server'

const CONTENTS = ['one', 'zwölf\nlines 😀', { a: [1, null] }, '', '[DONE]']

const SECRET = 'a secret of the tests, as long as a key has to be'

/** A caller of a server of its own, so that the server's list of runs is that of the test. */
interface Caller extends AsyncDisposable {
  readonly server: TestServer
  readonly proxy: FaultProxy
  readonly token: string
  /** How each run ended. */
  outcomes(): Promise<(string | null)[]>
}

async function newCaller(): Promise<Caller> {
  const settings = { authentication: true }
  const server = await testServer({
    'streamstack.yaml': { auth: { jwt: { secret: SECRET } } },
    'endpoints/small.json': endpoint(
      '/small',
      CONTENTS.map((content, index) => send(content, { n: index })),
      { method: 'POST', settings },
    ),
    'endpoints/long.json': endpoint(
      '/long',
      [{ function: 'For', count: 100, inner_functions: [send('chunk {{loop_index}}')] }],
      { method: 'POST', settings },
    ),
    'endpoints/words.json': endpoint(
      '/words',
      ['one ', 'zwölf ', '😀'].map((content) => send(content)),
      { settings },
    ),
  })
  const proxy = await faultProxy(server.url)
  const token = await makeToken({ secret: SECRET, sub: 'somebody', expiresSeconds: 600 })
  return {
    server,
    proxy,
    token,
    async outcomes() {
      const outcomes: (string | null)[] = []
      for (let cursor: string | null = ''; cursor !== null;) {
        const page = await server.call(`/v1/runs?limit=200${cursor}`, { headers: { Authorization: `Bearer ${token}` } })
        const { runs, next_cursor } = JSON.parse(page.text) as {
          runs: { outcome: string | null }[]
          next_cursor: string | null
        }
        outcomes.push(...runs.map(({ outcome }) => outcome))
        cursor = next_cursor === null ? null : `&cursor=${next_cursor}`
      }
      return outcomes
    },
    async [Symbol.asyncDispose]() {
      await proxy[Symbol.asyncDispose]()
      await server[Symbol.asyncDispose]()
    },
  }
}

async function read(stream: AsyncIterable<Chunk>): Promise<Chunk[]> {
  const chunks: Chunk[] = []
  for await (const chunk of stream) chunks.push(chunk)
  return chunks
}

/** Cuts a call at each `every`th byte and reads it to its end all the same. */
async function cutEverywhere(
  path: 'POST /small' | 'GET /words',
  {
    format = 'ndjson',
    direction = 'response',
    kind = 'cut',
    every = 1,
  }: Partial<Fault & { format: StreamFormat; every: number }>,
  expected: (chunks: readonly Chunk[]) => void,
): Promise<void> {
  await using caller = await newCaller()
  const { proxy, token } = caller
  const client = createClient({ url: proxy.url, token, retry: { delayMs: 0 } })
  // Requests of one length, whatever the key.
  const call = (): Promise<Chunk[]> => read(client.call(path, {}, { format, idempotencyKey: randomUUID() }))
  const passed = (): number => (direction === 'request' ? proxy.requestBytes : proxy.responseBytes)
  await call()
  const before = passed()
  expected(await call())
  const bytes = passed() - before
  expect(bytes).toBeGreaterThan(150)
  let runs = 2
  for (let afterBytes = 0; afterBytes < bytes; afterBytes += every) {
    proxy.arm({ direction, afterBytes, kind })
    expected(await call())
    expect(proxy.hasStruck, `cut after byte ${afterBytes}`).toBe(true)
    runs++
  }
  expect(await caller.outcomes()).toEqual(Array<string>(runs).fill('completed'))
}

const isWhole = (chunks: readonly Chunk[]): void => {
  expect(chunks).toEqual(
    CONTENTS.map((content, index) => ({
      kind: typeof content === 'string' ? 'text' : 'json',
      content,
      metadata: { n: index },
      offset: index + 1,
    })),
  )
}

const isWholeText = (chunks: readonly Chunk[]): void => {
  expect(chunks.map(({ content }) => content).join('')).toBe('one zwölf 😀')
}

describe('a connection that is cut delivers every chunk once, from one run', () => {
  test('at every byte of an answer', () => cutEverywhere('POST /small', {}, isWhole))
  test('at every byte of a request', () => cutEverywhere('POST /small', { direction: 'request' }, isWhole))
  test('with a reset', () => cutEverywhere('POST /small', { kind: 'reset', every: 7 }, isWhole))
  test.each(['sse', 'lines', 'json'] as const)('in the format %s', (format) =>
    cutEverywhere('POST /small', { format, every: 5 }, isWhole),
  )
  test('in the format text', () => cutEverywhere('GET /words', { format: 'text', every: 3 }, isWholeText))
})

test('a connection that is cut again and again goes on from where it was', async () => {
  await using caller = await newCaller()
  const { proxy, token } = caller
  const stream = createClient({ url: proxy.url, token, retry: { delayMs: 1, attempts: 2 } }).call('POST /small')
  const seen: string[] = []
  const cut = (): void => proxy.arm({ direction: 'response', afterBytes: 700, kind: 'cut' })
  stream.on('status', ({ status }) => {
    seen.push(status)
    if (status === 'reconnecting') cut()
  })
  cut()
  isWhole(await read(stream))
  expect(await caller.outcomes()).toEqual(['completed'])
  expect(seen).toContain('reconnecting')
  expect(seen.at(-1)).toBe('ended')
})

test('a long stream over a bad network: cut at random, again and again', async () => {
  await using caller = await newCaller()
  const { proxy, token } = caller
  proxy.pace({ pieceBytes: 500, delayMs: 0 })
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('ndjson' as const, 'sse' as const, 'lines' as const),
      fc.array(fc.record({ afterBytes: fc.nat(6_000), kind: fc.constantFrom('cut' as const, 'reset' as const) }), {
        minLength: 1,
        maxLength: 6,
      }),
      async (format, cuts) => {
        const left = [...cuts]
        const armNext = (): void => {
          const next = left.shift()
          proxy.arm(next === undefined ? null : { direction: 'response', ...next })
        }
        const stream = createClient({ url: proxy.url, token, retry: { delayMs: 0, attempts: 7 } }).call(
          'POST /long',
          {},
          { format },
        )
        stream.on('status', ({ status }) => status === 'reconnecting' && armNext())
        armNext()
        const chunks = await read(stream)
        expect(chunks.map(({ content }) => content)).toEqual(
          Array.from({ length: 100 }, (_, index) => `chunk ${index}`),
        )
      },
    ),
    { numRuns: 25 },
  )
  expect(await caller.outcomes()).toEqual(Array<string>(25).fill('completed'))
})

test('a connection that trickles delivers every chunk once', async () => {
  await using caller = await newCaller()
  const { proxy, token } = caller
  proxy.pace({ pieceBytes: 7, delayMs: 0 })
  isWhole(await read(createClient({ url: proxy.url, token }).call('POST /small')))
  expect(proxy.connections).toBe(1)
  expect(await caller.outcomes()).toEqual(['completed'])
})

test.each([0, 200, 600, 700])(
  'a connection that goes silent after byte %i is given up and replaced',
  async (afterBytes) => {
    await using caller = await newCaller()
    const { proxy, token } = caller
    proxy.arm({ direction: 'response', afterBytes, kind: 'hang' })
    const client = createClient({ url: proxy.url, token, retry: { delayMs: 1, attempts: 50 }, silenceMsMax: 150 })
    isWhole(await read(client.call('POST /small')))
    expect(proxy.hasStruck).toBe(true)
    expect(await caller.outcomes()).toEqual(['completed'])
  },
)

test('when every try fails, the stream ends with an error and no outcome', async () => {
  await using caller = await newCaller()
  const { proxy, token } = caller
  proxy.refuse(true)
  const stream = createClient({ url: proxy.url, token, retry: { delayMs: 1, attempts: 3 } }).call('POST /small')
  const told: string[] = []
  stream.on('error', ({ code }) => told.push(`error ${code}`))
  stream.on('end', ({ outcome }) => told.push(`end ${outcome}`))
  const { outcome, error, chunks } = await stream.result()
  expect({ outcome, code: error?.code, chunks }).toEqual({ outcome: null, code: 'connection_lost', chunks: [] })
  expect(told).toEqual(['error connection_lost', 'end null'])
  // The call, three tries, and the last resort.
  expect(proxy.connections).toBe(5)
  expect(await caller.outcomes()).toEqual([])
})

test('when streams are always cut, the rest comes as one JSON answer', async () => {
  await using caller = await newCaller()
  const { proxy, token } = caller
  const asked: string[] = []
  const client = createClient({
    url: proxy.url,
    token,
    retry: { delayMs: 1, attempts: 3 },
    fetch: (input, init) => {
      const accept = new Headers(init?.headers).get('Accept') ?? ''
      asked.push(accept)
      proxy.arm(accept === 'application/json' ? null : { direction: 'response', afterBytes: 400, kind: 'cut' })
      return fetch(input, init)
    },
  })
  isWhole(await read(client.call('POST /small')))
  expect(asked).toEqual([...Array<string>(4).fill('application/x-ndjson'), 'application/json'])
  expect(await caller.outcomes()).toEqual(['completed'])
})
