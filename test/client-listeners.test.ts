import { type Chunk, type RunStream, type StreamError, createClient } from '@streamstack/client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type TestServer, endpoint, send, testServer } from '@streamstack/test-support/test-server'

const COUNT = 300

let server: TestServer

beforeAll(async () => {
  server = await testServer({
    'endpoints/poem.json': endpoint(
      '/poem',
      ['one', 'two', 'three'].map((word) => send(word)),
    ),
    'endpoints/empty.json': endpoint('/empty', [{ function: 'Sleep', duration: 1 }]),
    'endpoints/fails.json': endpoint('/fails', [{ function: 'Throw Error', message: 'It broke.', code: 'broken' }]),
    'endpoints/heavy.json': endpoint('/heavy', [
      { function: 'For', count: COUNT, inner_functions: [send('x'.repeat(10_000))] },
    ]),
    'channels/rooms.json': { channel: 'rooms/{room}', publish: true, subscribe: true, history: { count: 10 } },
  })
})
afterAll(() => server[Symbol.asyncDispose]())

const newClient = (more = {}) => createClient({ url: server.url, retry: { delayMs: 1 }, ...more })

const POEM = [
  [1, 'one'],
  [2, 'two'],
  [3, 'three'],
]

async function read(stream: AsyncIterable<Chunk>): Promise<unknown[]> {
  const found: unknown[] = []
  for await (const { offset, content } of stream) found.push([offset, content])
  return found
}

/** Until the server has answered, and long enough for what it has sent to arrive. */
async function answered(stream: Pick<RunStream, 'status'>): Promise<void> {
  await expect.poll(() => stream.status, { interval: 1 }).not.toBe('connecting')
  await new Promise((resolve) => setTimeout(resolve, 50))
}

describe.each(['http', 'websocket'] as const)('over %s', (transport) => {
  test.each(['status', 'progress', 'error', 'end'] as const)(
    'a loop that begins long after a listener on %s gets each chunk once, from the first',
    async (name) => {
      const client = newClient({ transport })
      const stream = client.call('GET /poem')
      const told: string[] = []
      stream.on(name, () => told.push(name))
      await answered(stream)
      expect(stream.offset).toBe(0)
      expect(told).toEqual(name === 'status' ? ['status'] : [])
      expect(await read(stream)).toEqual(POEM)
      expect(stream.offset).toBe(3)
      expect(told.length).toBe({ status: 2, progress: 4, error: 0, end: 1 }[name])
      client.close()
    },
  )

  test('so do a listener on chunks, and result(), when they come late', async () => {
    const client = newClient({ transport })
    const listened = client.call('GET /poem')
    const whole = client.call('GET /poem')
    await Promise.all([answered(listened), answered(whole)])
    const heard: unknown[] = []
    listened.on('chunk', ({ offset, content }) => heard.push([offset, content]))
    await new Promise((resolve) => listened.on('end', resolve))
    expect(heard).toEqual(POEM)
    expect((await whole.result()).chunks.map(({ offset, content }) => [offset, content])).toEqual(POEM)
    client.close()
  })

  test('a run whose chunks the page does not take waits, and keeps little', async () => {
    const client = newClient({ transport })
    const stream = client.call('GET /heavy')
    const told: unknown[] = []
    stream.on('end', (end) => told.push(end))
    await answered(stream)
    await new Promise((resolve) => setTimeout(resolve, 200))
    // 3 MB are to come.
    expect(stream.progress.bytes).toBeLessThan(1_300_000)
    expect([told, stream.offset, stream.progress.chunks]).toEqual([[], 0, 0])
    const found = await read(stream)
    expect(found.map((chunk) => (chunk as unknown[])[0])).toEqual(Array.from({ length: COUNT }, (_, n) => n + 1))
    client.close()
  })

  test.each([
    ['GET /missing', 'endpoint_unknown'],
    ['GET /fails', 'broken'],
  ])('a listener that takes no chunks is told that %s fails, and a loop after it, too', async (endpointName, code) => {
    const client = newClient({ transport })
    const stream = client.call(endpointName)
    const told: string[] = []
    stream.on('error', (error) => told.push(error.code))
    await new Promise((resolve) => stream.on('end', resolve))
    expect(told).toEqual([code])
    await expect(read(stream)).rejects.toMatchObject({ code })
    await new Promise((resolve) => stream.on('end', resolve))
    expect(told).toEqual([code])
    client.close()
  })

  test('leaving before any chunk was taken takes none, and a loop after it is empty', async () => {
    const client = newClient({ transport })
    const stream = client.call('GET /poem')
    await answered(stream)
    const told: unknown[] = []
    stream.on('end', ({ outcome, error, offset }) => told.push([outcome, error?.code, offset]))
    stream.leave()
    expect(await read(stream)).toEqual([])
    expect(told).toEqual([[null, 'left', 0]])
    expect(await read(client.read(stream.url ?? '', { after: stream.offset }))).toEqual(POEM)
    client.close()
  })
})

test('a subscription is taken by a loop that begins late', async () => {
  const client = newClient()
  const room = client.channel('rooms/7')
  await room.publish('one')
  const stream = room.subscribe()
  stream.on('status', () => undefined)
  await answered(stream)
  await room.publish('two')
  const found: unknown[] = []
  for await (const { content } of stream) if (found.push(content) === 2) break
  expect(found).toEqual(['one', 'two'])
  client.close()
})

test('a run without chunks tells its end to listeners that take none', async () => {
  const stream = newClient().call('GET /empty')
  const end = await new Promise<unknown>((resolve) => stream.on('end', resolve))
  expect(end).toMatchObject({ outcome: 'completed', error: null, offset: 0, chunks: [] })
  expect(await read(stream)).toEqual([])
})

test('a listener that comes after the end is told of it, once, and others not again', async () => {
  const stream = newClient().call('GET /poem')
  const told: unknown[] = []
  stream.on('end', () => told.push('early'))
  await read(stream)
  stream.on('chunk', () => told.push('chunk'))
  stream.on('error', () => told.push('error'))
  stream.on('end', ({ outcome }) => {
    told.push(outcome)
    stream.leave()
  })
  await stream.result()
  await new Promise((resolve) => setTimeout(resolve))
  expect(told).toEqual(['early', 'completed'])
})

describe('chunks are taken once', () => {
  const refusal: Partial<StreamError> = {
    code: 'call_invalid',
    message: expect.stringContaining('has taken the chunks') as string,
  }

  test('a loop in the same tick as a listener on chunks feeds both', async () => {
    const stream = newClient().call('GET /poem')
    const heard: unknown[] = []
    stream.on('chunk', ({ offset, content }) => heard.push([offset, content]))
    expect(await read(stream)).toEqual(POEM)
    expect(heard).toEqual(POEM)
  })

  test('a loop that begins later than a listener on chunks is refused, and the listener gets all', async () => {
    const stream = newClient().call('GET /poem')
    const heard: unknown[] = []
    stream.on('chunk', ({ offset, content }) => heard.push([offset, content]))
    await Promise.resolve()
    await expect(read(stream)).rejects.toMatchObject(refusal)
    expect((await stream.result()).outcome).toBe('completed')
    expect(heard).toEqual(POEM)
  })

  test.each(['at once', 'after the first has ended'])('of two loops, the second is refused %s', async (when) => {
    const stream = newClient().call('GET /poem')
    const first = read(stream)
    if (when !== 'at once') await first
    await expect(read(stream)).rejects.toMatchObject(refusal)
    expect(await first).toEqual(POEM)
  })

  test('a loop beside result() is refused', async () => {
    const stream = newClient().call('GET /poem')
    const whole = stream.result()
    await expect(read(stream)).rejects.toMatchObject(refusal)
    expect((await whole).chunks).toHaveLength(3)
  })

  test('a page that leaves from a listener gets no further chunk, and the offset tells where to resume', async () => {
    const client = newClient()
    const stream = client.call('GET /poem')
    const heard: unknown[] = []
    stream.on('chunk', ({ offset, content }) => {
      heard.push([offset, content])
      if (offset === 2) stream.leave()
    })
    expect(await stream.result()).toMatchObject({ outcome: null, error: { code: 'left' }, offset: 2 })
    expect(heard).toEqual(POEM.slice(0, 2))
    expect(await read(client.read(stream.url ?? '', { after: stream.offset }))).toEqual(POEM.slice(2))
  })
})

test('a listener that throws disturbs neither the others nor the loop, and each fault is seen', async () => {
  const thrown: unknown[] = []
  const listeners = process.listeners('uncaughtException')
  process.removeAllListeners('uncaughtException')
  process.on('uncaughtException', (error) => thrown.push(error.message))
  try {
    const stream = newClient().call('GET /poem')
    const heard: unknown[] = []
    for (const name of ['status', 'chunk', 'end'] as const) {
      stream.on(name, () => {
        throw new Error(name)
      })
      stream.on(name, () => heard.push(name))
    }
    expect(await read(stream)).toEqual(POEM)
    await stream.result()
    await new Promise((resolve) => setTimeout(resolve))
    const each = ['status', 'chunk', 'chunk', 'chunk', 'status', 'end']
    expect(heard).toEqual(each)
    expect(thrown).toEqual(each)
  } finally {
    process.removeAllListeners('uncaughtException')
    for (const listener of listeners) process.on('uncaughtException', listener)
  }
})
