import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { ndjsonLines } from '@streamstack/test-support/http-client'
import { type TestServer, endpoint, send, testServer } from '@streamstack/test-support/test-server'
import { openWebSocket, under } from '@streamstack/test-support/websocket-client'

// Everything above the storage of streams, over one whose answers all come some turns late.
vi.mock(import('../stream-store/open-stream-store.ts'), async (original) => {
  const actual = await original()
  const { MemoryStorage } = await import('../stream-store/memory/storage.ts')
  const { StreamStore } = await import('../stream-store/stream-store.ts')
  const { waitingStorage } = await import('../stream-store/testing/waiting-storage.ts')
  return {
    ...actual,
    hasStreams: () => true,
    openStreamStore: ({ memoryBytes, ...options }) =>
      new StreamStore(waitingStorage(new MemoryStorage(memoryBytes)), options),
  }
})

const LONG = 'x'.repeat(2_000)
const COUNT = 400

let server: TestServer

beforeAll(async () => {
  server = await testServer({
    'streamstack.yaml': { streams: { access: 'open', log: 'sqlite' } },
    'channels/log.yaml': {
      publish: true,
      subscribe: true,
      presence: true,
      delivery: 'durable',
      history: { count: 1_000, age: '1h' },
    },
    'endpoints/long.json': endpoint(
      '/long',
      [{ function: 'For', count: COUNT, inner_functions: [send({ n: '{{loop_index}}', long: LONG })] }],
      { settings: { delivery: 'durable', on_disconnect: 'continue' } },
    ),
  })
})

afterAll(() => server[Symbol.asyncDispose]())

const numbersOf = (text: string): unknown[] =>
  ndjsonLines(text).flatMap(({ content }) => ((content as { n?: number } | undefined)?.n ?? []) as unknown[])
const all = Array.from({ length: COUNT }, (_, n) => n)

describe('with a storage that answers later', () => {
  test('calls that come together with one key make one run, and later ones read it', async () => {
    const headers = { 'Idempotency-Key': '"k"', Accept: 'application/x-ndjson' }
    const answers = await Promise.all([1, 2, 3].map(() => server.call('/long', { headers })))
    const later = await server.call('/long', { headers })
    expect(new Set([...answers, later].map((answer) => answer.headers['stream-run'])).size).toBe(1)
    for (const { text } of [...answers, later]) expect(numbersOf(text)).toEqual(all)
  })

  test('a run that is over is read from any offset, by both protocols and over a WebSocket, and listed', async () => {
    const { headers } = await server.call('/long')
    const url = headers['stream-url'] as string
    const rest = await server.call(`${url}?format=ndjson&offset=350`)
    expect(numbersOf(rest.text)).toEqual(all.slice(350))
    const page = await server.call(`${url}?offset=-1`)
    expect(page.headers['stream-next-offset']).toMatch(/^\d{16}_/)
    const list = await server.call('/v1/runs?limit=100')
    expect(list.text).toContain(headers['stream-run'] as string)
    await using socket = await openWebSocket(server.url)
    socket.send({ type: 'read', id: 'a', stream: url }, { type: 'read', id: 'b', stream: `${url}0` })
    await socket.until((message) => message.type === 'end' && message.id === 'a')
    expect(under(socket.messages, 'a').filter(({ type }) => type === 'chunk')).toHaveLength(COUNT)
    expect(under(socket.messages, 'b')).toMatchObject([{ type: 'error', error: { code: 'run_unknown' } }])
  })

  test('what was left while it was looked up is not read, and its id is free', async () => {
    const { headers } = await server.call('/long')
    const stream = headers['stream-url'] as string
    await using socket = await openWebSocket(server.url)
    const unknown = `${stream}0`
    socket.send({ type: 'read', id: 'a', stream: unknown }, { type: 'leave', id: 'a' })
    socket.send({ type: 'read', id: 'a', stream })
    await socket.until((message) => message.type === 'end' && message.id === 'a')
    const kinds = under(socket.messages, 'a').map(({ type }) => type)
    // The refusal of what was left is not told: it would end what has its id now.
    expect(kinds.slice(0, 2)).toEqual(['left', 'open'])
    expect(kinds).not.toContain('error')
    expect(kinds.filter((type) => type === 'chunk')).toHaveLength(COUNT)
  })

  test('a durable channel hands out its history in order, whatever is in memory', async () => {
    const publish = async (n: number): Promise<number> => {
      const { text } = await server.call('/v1/channels/log', { method: 'POST', body: { content: { n, long: LONG } } })
      return (JSON.parse(text) as { offset: number }).offset
    }
    const offsets: number[] = []
    for (let n = 0; n < 300; n++) offsets.push(await publish(n))
    const [first = 0] = offsets
    expect(offsets).toEqual(offsets.map((_, index) => first + index))
    await using socket = await openWebSocket(server.url)
    socket.send({ type: 'subscribe', id: 'c', channel: 'log' })
    await socket.until((message) => message.type === 'chunk' && message.offset === offsets.at(-1))
    const chunks = under(socket.messages, 'c').flatMap((message) => (message.type === 'chunk' ? [message] : []))
    expect(chunks.map(({ offset }) => offset)).toEqual(offsets)
  })
})
