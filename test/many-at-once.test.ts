import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { connect as connectHttp2 } from 'node:http2'
import { type Socket, connect } from 'node:net'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { ndjsonLines } from '@streamstack/test-support/http-client'
import { type TestServer, endpoint, send, testServer } from '@streamstack/test-support/test-server'
import { openWebSocket } from '@streamstack/test-support/websocket-client'

const fixture = (name: string): string => fileURLToPath(new URL(`fixtures/tls/${name}.pem`, import.meta.url))

const COUNT = 200

/** A server that records who called, in the order in which its runs began. */
const recording = (settings: object = {}): Promise<TestServer> =>
  testServer({
    'streamstack.yaml': settings,
    'tables/calls.json': { columns: { id: { type: 'integer', primary: true }, who: 'text', n: 'integer' } },
    'endpoints/call.json': endpoint(
      '/call',
      [{ function: 'Add Record', table: 'calls', record: { who: '{{who}}', n: '{{n}}' } }, send('done')],
      { inputs: { who: 'text', n: { type: 'integer', default: 0 } } },
    ),
    // Its rule does more than a turn of the event loop may hold.
    'endpoints/ruled.json': endpoint(
      '/ruled',
      [{ function: 'Add Record', table: 'calls', record: { who: '{{who}}', n: '{{n}}' } }, send('done')],
      {
        inputs: { who: 'text', n: { type: 'integer', default: 0 } },
        settings: { authentication: false, allow: '{{range(0, 250000).map((one) => one + n).length > 0}}' },
      },
    ),
    'endpoints/calls.json': endpoint('/calls', [
      { function: 'Get Records', table: 'calls', order: 'id ASC', limit: 10_000, as: 'calls' },
      { function: 'For Each', input: '{{calls}}', inner_functions: [send({ who: '{{item.who}}', n: '{{item.n}}' })] },
    ]),
    'channels/room.yaml': 'publish: true\nsubscribe: true\nhistory: { count: 1000 }\n',
  })

interface Recorded {
  readonly who: string
  readonly n: number
}

const numbers = Array.from({ length: COUNT }, (_, n) => n)

/**
 * One client calls 200 times at once and, in the same moment, another calls once. Their bytes are in the server's sockets before it reads any of them,
 * but for an operating system that is late: then they try again.
 */
async function expectFairness(
  records: () => Promise<readonly Recorded[]>,
  callAtOnce: () => Promise<unknown>,
  count = COUNT,
): Promise<void> {
  let seen = 0
  for (;;) {
    await callAtOnce()
    const all = (await records()).slice(seen)
    seen += all.length
    expect(all).toHaveLength(count + 1)
    // Each connection keeps its order.
    expect(all.filter(({ who }) => who === 'many').map(({ n }) => n)).toEqual(numbers.slice(0, count))
    const at = all.findIndex(({ who }) => who === 'one')
    if (at > 0 && at < count) return
  }
}

const recordsOf = (server: TestServer) => async (): Promise<readonly Recorded[]> =>
  ndjsonLines((await server.call('/calls?format=ndjson')).text)
    .filter(({ type }) => type !== 'end')
    .map(({ content }) => content as Recorded)

async function opened(server: TestServer): Promise<Socket> {
  const { hostname, port } = new URL(server.url)
  const socket = connect(Number(port), hostname)
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  return socket
}

/** Reads answers until so many are complete. */
function answers(socket: Socket, count: number): Promise<void> {
  return new Promise((resolve) => {
    let text = ''
    socket.on('data', (data) => {
      text += String(data)
      if (text.split('\r\n0\r\n\r\n').length > count) resolve()
    })
  })
}

const request = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`

/** One client calls many times at once, the other once. */
async function callAll(many: Socket, one: Socket, path: string, count: number): Promise<void> {
  const ended = [answers(many, count), answers(one, 1)]
  many.write(
    numbers
      .slice(0, count)
      .map((n) => request(`${path}?who=many&n=${n}`))
      .join(''),
  )
  one.write(request('/call?who=one'))
  await Promise.all(ended)
  many.removeAllListeners('data')
  one.removeAllListeners('data')
}

describe('many calls in one read of a socket let another caller begin between them', () => {
  test('pipelined over HTTP/1.1', async () => {
    await using server = await recording()
    const many = await opened(server)
    const one = await opened(server)
    await expectFairness(recordsOf(server), () => callAll(many, one, '/call', COUNT))
    many.destroy()
    one.destroy()
  })

  test('of an endpoint whose rule does much', async () => {
    await using server = await recording()
    const many = await opened(server)
    const one = await opened(server)
    await expectFairness(recordsOf(server), () => callAll(many, one, '/ruled', 10), 10)
    many.destroy()
    one.destroy()
  })

  test('as streams of HTTP/2', async () => {
    await using server = await recording({ server: { tls: { cert: fixture('cert'), key: fixture('key') } } })
    const ca = await readFile(fixture('cert'))
    const [many, one] = [connectHttp2(server.url, { ca }), connectHttp2(server.url, { ca })]
    await Promise.all([once(many, 'remoteSettings'), once(one, 'remoteSettings')])
    const text = (client: typeof many, path: string): Promise<string> =>
      new Promise((resolve, reject) => {
        const stream = client.request({ ':path': path })
        let received = ''
        stream.setEncoding('utf8').on('data', (piece: string) => (received += piece))
        stream.on('end', () => resolve(received)).on('error', reject)
      })
    const records = async (): Promise<readonly Recorded[]> =>
      ndjsonLines(await text(one, '/calls?format=ndjson'))
        .filter(({ type }) => type !== 'end')
        .map(({ content }) => content as Recorded)
    await expectFairness(records, () =>
      Promise.all([...numbers.map((n) => text(many, `/call?who=many&n=${n}`)), text(one, '/call?who=one')]),
    )
    many.close()
    one.close()
  })

  test('as messages of a WebSocket', async () => {
    await using server = await recording({ server: { websocket: { message_rate: 10_000, max_streams: 500 } } })
    await using many = await openWebSocket(server.url)
    await using one = await openWebSocket(server.url)
    let round = 0
    await expectFairness(recordsOf(server), async () => {
      const id = (n: number | string): string => `${round}-${n}`
      many.send(...numbers.map((n) => ({ type: 'call', id: id(n), endpoint: 'GET /call', inputs: { who: 'many', n } })))
      one.send({ type: 'call', id: id('one'), endpoint: 'GET /call', inputs: { who: 'one' } })
      const ended = (wanted: string) => (message: { type: string; id?: string | null }) =>
        message.type === 'end' && message.id === wanted
      await Promise.all([...numbers.map((n) => many.until(ended(id(n)))), one.until(ended(id('one')))])
      round++
    })
  })
})

test('messages of a WebSocket are handled although its client closes behind them', async () => {
  await using server = await recording({ server: { websocket: { message_rate: 10_000 } } })
  await using reader = await openWebSocket(server.url)
  reader.send({ type: 'subscribe', id: 'r', channel: 'room' })
  await reader.until((message) => message.type === 'open')
  const writer = await openWebSocket(server.url)
  writer.send(...numbers.map((n) => ({ type: 'publish', id: `p${n}`, channel: 'room', content: n })))
  writer.close()
  await reader.until((message) => message.type === 'chunk' && message.content === COUNT - 1)
  const contents = reader.messages.flatMap((message) => (message.type === 'chunk' ? [message.content] : []))
  expect(contents).toEqual(numbers)
})

test('a large message of a WebSocket is parsed in turns with others, and keeps its place', async () => {
  await using server = await recording()
  await using reader = await openWebSocket(server.url)
  reader.send({ type: 'subscribe', id: 'r', channel: 'room' })
  await reader.until((message) => message.type === 'open')
  const writer = await openWebSocket(server.url)
  const contents = Array.from({ length: 12 }, (_, n) => n)
  for (const content of contents) {
    const text = JSON.stringify({ type: 'publish', id: `p${content}`, channel: 'room', content })
    writer.sendRaw(content % 3 === 0 ? text.padEnd(100_000) : text)
  }
  writer.close()
  await reader.until((message) => message.type === 'chunk' && message.content === 11)
  expect(reader.messages.flatMap((message) => (message.type === 'chunk' ? [message.content] : []))).toEqual(contents)
})

test('a connection that sends too many requests ahead is closed, and others are served', async () => {
  await using server = await recording()
  const many = await opened(server)
  const closed = once(many, 'close')
  many.resume()
  many.write(request('/call?who=many').repeat(1_000))
  await closed
  expect((await recordsOf(server)()).length).toBeLessThan(300)
  expect((await server.call('/call?who=one')).status).toBe(200)
})
