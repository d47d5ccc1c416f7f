import { stream } from '@durable-streams/client'
import { describe, expect, test } from 'vitest'
import { problem } from '@streamstack/test-support/http-client'
import { endpoint, send, testServer } from '@streamstack/test-support/test-server'

interface Message {
  type: string
  content?: unknown
  metadata?: unknown
  outcome?: string
  error?: { code: string } | null
}

const COUNT = 300

const counting = { function: 'For', count: COUNT, inner_functions: [send({ n: '{{loop_index}}' }, { of: COUNT })] }

const files = (delivery: 'memory' | 'durable'): Record<string, object> => {
  const settings = { delivery, on_disconnect: 'continue' }
  return {
    'endpoints/count.json': endpoint('/count', [counting], { settings }),
    'endpoints/paced.json': endpoint(
      '/paced',
      [{ function: 'For', count: 20, inner_functions: [send('{{loop_index}}'), { function: 'Sleep', duration: 10 }] }],
      { settings },
    ),
    'endpoints/half.json': endpoint('/half', [send('half'), { function: 'Throw Error', message: 'no more' }], {
      settings,
    }),
  }
}

const numbered = (from: number): Message[] =>
  Array.from({ length: COUNT - from }, (_, i) => ({
    type: 'json',
    metadata: { of: COUNT },
    content: { n: from + i },
  }))

const completed: Message = { type: 'end', outcome: 'completed', error: null }

describe.each(['memory', 'durable'] as const)(
  "runs with delivery %s, read by the open protocol's own client",
  (delivery) => {
    test('the whole of a run, and the rest of it from an offset', async () => {
      await using server = await testServer(files(delivery))
      const { headers } = await server.call('/count')
      const url = server.url + String(headers['stream-url'])
      const whole = await stream<Message>({ url, offset: '-1', live: false })
      expect(await whole.json()).toEqual([...numbered(0), completed])
      const again = await stream<Message>({ url, offset: whole.offset, live: false })
      expect(await again.json()).toEqual([])
      const family = whole.offset.slice(-16)
      const rest = await stream<Message>({ url, offset: `0000000000000290_${family}`, live: false })
      expect(await rest.json()).toEqual([...numbered(290), completed])
      expect(rest.streamClosed).toBe(true)
    })

    test.each(['sse', 'long-poll'] as const)('a run that goes on, live by %s, to its end', async (live) => {
      await using server = await testServer(files(delivery))
      const open = await server.open('/paced?format=ndjson')
      const url = server.url + String(open.headers['stream-url'])
      const followed = await stream<Message>({ url, offset: '-1', live })
      const seen: Message[] = []
      for await (const message of followed.jsonStream()) seen.push(message)
      expect(seen.map(({ content }) => content)).toEqual([...Array.from({ length: 20 }, (_, i) => i), undefined])
      expect(seen.at(-1)).toEqual(completed)
      expect((await open.ended).ending).toBe('clean')
    })

    test('a run that failed says so, and is never completed', async () => {
      await using server = await testServer(files(delivery))
      const { headers } = await server.call('/half')
      const followed = await stream<Message>({
        url: server.url + String(headers['stream-url']),
        offset: '-1',
        live: false,
      })
      const messages = await followed.json<Message>()
      expect(messages.map(({ type }) => type)).toEqual(['text', 'error', 'end'])
      expect(messages.at(-1)).toMatchObject({ outcome: 'failed', error: { message: 'no more' } })
    })

    test('what the protocol refuses: a foreign offset, one beyond the end, writing', async () => {
      await using server = await testServer(files(delivery))
      const url = String((await server.call('/count')).headers['stream-url'])
      const foreign = await server.call(`${url}?live=long-poll&offset=0000000000000003_0123456789abcdef`)
      expect([foreign.status, problem(foreign)['code']]).toEqual([400, 'offset_invalid'])
      const head = await server.call(url, { method: 'HEAD' })
      expect([head.status, head.headers['stream-closed'], head.text]).toEqual([200, 'true', ''])
      const next = String(head.headers['stream-next-offset'])
      const beyond = await server.call(`${url}?live=sse&offset=${next.replace('0301', '0302')}`)
      expect([beyond.status, problem(beyond)['code']]).toEqual([400, 'offset_invalid'])
      for (const method of ['PUT', 'POST', 'DELETE']) {
        const written = await server.call(url, { method, headers: { 'content-type': 'application/json' }, body: ['x'] })
        expect([method, written.status]).toEqual([method, 405])
      }
      expect((await server.call(`${url}?offset=-1`)).text).toMatch(/^\[/)
    })

    test('no other way leads to them: not by spelling, not by a fork, not by a list', async () => {
      await using server = await testServer({
        ...files(delivery),
        'streamstack.yaml': { streams: { access: 'open' }, log: { level: 'silent' } },
      })
      const url = String((await server.call('/count')).headers['stream-url'])
      const id = url.split('/').at(-1) as string
      for (const path of [`/v1/stream/%72uns/${id}`, `/v1/stream/%01runs/${id}`, `/v1/stream/%5Cu0001runs/${id}`]) {
        const read = await server.call(`${path}?offset=-1`)
        expect([path, read.status]).toEqual([path, 404])
        const fork = await server.call('/v1/stream/fork', {
          method: 'PUT',
          headers: { 'stream-forked-from': path, 'content-type': 'application/json' },
        })
        expect(fork.status).toBeGreaterThanOrEqual(400)
        expect(fork.text).not.toContain('"n"')
      }
    })
  },
)

describe("channels, read by the open protocol's own client", () => {
  const channel = {
    'streamstack.yaml': { log: { level: 'silent' } },
    'endpoints/any.json': endpoint('/any', [send('x')]),
    'channels/room.yaml': {
      channel: 'rooms/{room}',
      publish: true,
      subscribe: true,
      history: { count: 3, age: '1h' },
      deliver: '{{message.secret}} === undefined',
    },
    'channels/closed.yaml': { channel: 'closed', publish: true },
  }
  const publish = (server: { call: (path: string, options: object) => Promise<{ status: number }> }, content: object) =>
    server.call('/v1/channels/rooms/7', { body: { content } })

  test('gives the history and then what comes, and nothing that is not for the reader', async () => {
    await using server = await testServer(channel)
    for (const n of [1, 2, 3, 4]) await publish(server, { n })
    const url = `${server.url}/v1/stream/channels/rooms/7`
    const followed = await stream<Message>({ url, offset: '-1', live: 'sse' })
    const seen: unknown[] = []
    void publish(server, { secret: 'for another' }).then(() => publish(server, { n: 5 }))
    for await (const { content } of followed.jsonStream()) if (seen.push(content) === 4) break
    expect(seen).toEqual([{ n: 2 }, { n: 3 }, { n: 4 }, { n: 5 }])
    const again = await stream<Message>({ url, offset: followed.offset, live: false })
    expect((await again.json()).map(({ content }) => content)).not.toContainEqual({ n: 4 })
  })

  test('admits no caller by this door that the other refuses', async () => {
    await using server = await testServer(channel)
    for (const name of ['closed', 'unknown', 'rooms/%2e%2e', '%01channels/rooms/7']) {
      const { status, text } = await server.call(`/v1/stream/channels/${name}?offset=-1`)
      expect([name, status >= 401 && status <= 404]).toEqual([name, true])
      expect(text).not.toMatch(/^\[/)
    }
    for (const method of ['PUT', 'POST', 'DELETE']) {
      expect((await server.call('/v1/stream/channels/rooms/7', { method, body: ['x'] })).status).toBe(405)
    }
  })
})
