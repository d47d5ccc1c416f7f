import { createClient } from '@streamstack/client'
import { createHttpClient } from '@streamstack/client/http.js'
import { describe, expect, test } from 'vitest'
import { type TestServer, endpoint, send, testServer } from '@streamstack/test-support/test-server'

const SLOW = [send('one'), send('two'), { function: 'Sleep', duration: 50_000 }, send('three')]

const served = (): Promise<TestServer> =>
  testServer({
    'endpoints/slow.json': endpoint('/slow', SLOW),
    'endpoints/kept.json': endpoint('/kept', SLOW, { settings: { on_disconnect: 'continue' } }),
    'channels/news.yaml': { publish: true, subscribe: true, presence: true },
  })

async function outcomeOf(server: TestServer, run: string | null): Promise<unknown> {
  return (JSON.parse((await server.call(`/v1/runs/${run}`)).text) as { outcome: unknown }).outcome
}

describe.each(['http', 'websocket'] as const)('a reader that leaves for good (%s)', (transport) => {
  test('ends the run at once: a loop that breaks, and close()', async () => {
    await using server = await served()
    const client = createClient({ url: server.url, transport })
    const broken = client.call('GET /slow')
    for await (const _ of broken) break
    await expect.poll(() => outcomeOf(server, broken.run)).toBe('cancelled')
    const closed = client.call('GET /slow')
    await closed[Symbol.asyncIterator]().next()
    closed.close()
    expect(await closed.result()).toMatchObject({ outcome: null, error: { code: 'left' } })
    await expect.poll(() => outcomeOf(server, closed.run)).toBe('cancelled')
    client.close()
  })

  test('leaves a run that another client reads, that was left to resume, or that goes on unread', async () => {
    await using server = await served()
    const client = createClient({ url: server.url, transport })
    const shared = client.call('GET /slow')
    const first = shared[Symbol.asyncIterator]()
    await first.next()
    const other = client.read(shared.url ?? '')[Symbol.asyncIterator]()
    await other.next()
    await first.return?.()
    const left = client.call('GET /slow')
    for await (const _ of left) left.leave()
    const kept = client.call('GET /kept')
    for await (const _ of kept) break
    const viewed = client.call('GET /slow')
    const views = viewed[Symbol.asyncIterator]()
    await views.next()
    for await (const _ of client.read(viewed.url ?? '')) break
    // What comes later than these has nothing to do with them.
    const last = client.call('GET /slow')
    for await (const _ of last) break
    await expect.poll(() => outcomeOf(server, last.run)).toBe('cancelled')
    for (const { run } of [shared, left, kept, viewed]) expect(await outcomeOf(server, run)).toBe(null)
    // The last reader of the shared run is no caller: it may come back.
    client.close()
    await expect.poll(() => outcomeOf(server, viewed.run)).toBe('cancelled')
  })

  test('is every reader of a client that closes', async () => {
    await using server = await served()
    const client = createClient({ url: server.url, transport })
    const loops = [client.call('GET /slow'), client.channel('news').subscribe(), client.channel('news').presence()].map(
      async (stream) => {
        for await (const _ of stream) if (stream.offset === -1) break
        return stream.status
      },
    )
    const stream = client.call('GET /kept')
    await stream[Symbol.asyncIterator]().next()
    expect(stream.status).toBe('open')
    client.close()
    expect(await Promise.all(loops)).toEqual(['ended', 'ended', 'ended'])
  })
})

test('a client without WebSockets closes, too', async () => {
  await using server = await served()
  const client = createHttpClient({ url: server.url })
  const stream = client.call('GET /slow')
  const ended = stream.result()
  await expect.poll(() => stream.run).not.toBe(null)
  client.close()
  expect(await ended).toMatchObject({ error: { code: 'left' } })
  await expect.poll(() => outcomeOf(server, stream.run)).toBe('cancelled')
})

test('a call that the server has not answered yet is ended by its key', async () => {
  await using server = await testServer({
    'endpoints/late.json': endpoint('/late', [{ function: 'Sleep', duration: 50_000 }]),
    'streamstack.yaml': { streams: { access: 'open', heartbeat: 60_000 } },
  })
  const client = createClient({ url: server.url })
  const stream = client.call('GET /late')
  const activeStreams = async (): Promise<unknown> => {
    const { text } = await server.call('/v1/stream/system/metrics?format=json')
    return (JSON.parse(text) as { chunks: { content: { active_streams: number } }[] }).chunks[0]?.content.active_streams
  }
  await expect.poll(activeStreams).toBe(1)
  expect(stream.run).toBe(null)
  stream.close()
  await expect.poll(activeStreams).toBe(0)
})
