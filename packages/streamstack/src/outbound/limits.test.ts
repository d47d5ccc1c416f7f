import { type AddressInfo, type Socket, createServer } from 'node:net'
import { StreamstackError } from '@streamstack/protocol'
import { afterEach, expect, test } from 'vitest'
import { type OutboundRequest, type OutboundSettings, createOutbound } from './index.ts'

const opened: { close(): unknown }[] = []

afterEach(async () => {
  for (const one of opened.splice(0)) await one.close()
})

interface Upstream {
  readonly host: string
  /** Most connections that were open at once. */
  readonly most: () => number
}

/** A server that does with each request what the test says. */
async function upstream(answer: (socket: Socket) => void): Promise<Upstream> {
  const sockets = new Set<Socket>()
  let most = 0
  const server = createServer((socket) => {
    sockets.add(socket)
    most = Math.max(most, sockets.size)
    socket.on('error', () => undefined)
    socket.on('close', () => sockets.delete(socket))
    socket.on('data', () => answer(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  opened.push({
    close() {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  })
  return { host: `127.0.0.1:${(server.address() as AddressInfo).port}`, most: () => most }
}

const HEAD = 'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n'

async function failureOf(
  host: string,
  settings: Partial<OutboundSettings>,
  request: Partial<OutboundRequest> = {},
): Promise<StreamstackError> {
  const outbound = createOutbound({ allow: [host], ...settings })
  opened.push(outbound)
  const asked = { url: `http://${host}/`, signal: new AbortController().signal, ...request }
  const read = async (): Promise<void> => {
    const source = await outbound.stream(asked, 'lines')
    while ((await source.next()) !== undefined);
  }
  const failures = await Promise.all(
    [outbound.request(asked), read()].map((call) =>
      call.then(
        () => null,
        (error: unknown) => error,
      ),
    ),
  )
  const [first, second] = failures
  if (!(first instanceof StreamstackError) || !(second instanceof StreamstackError)) throw new Error('it did not fail')
  expect(second.message).toBe(first.message)
  expect(first).toMatchObject({ code: 'upstream_timeout', recoverable: true })
  return first
}

const SHORT = 40

test('each limit ends a call by its name, from the settings and from the step, which goes first', async () => {
  const silent = await upstream(() => undefined)
  expect((await failureOf(silent.host, { firstByteTimeoutMs: SHORT })).message).toContain('(first_byte_timeout)')
  const long = { firstByteTimeoutMs: 60_000, idleTimeoutMs: 60_000 }
  expect((await failureOf(silent.host, long, { firstByteTimeoutMs: SHORT })).message).toContain('(first_byte_timeout)')

  const stalling = await upstream((socket) => void socket.write(`${HEAD}1\r\na\r\n`))
  expect((await failureOf(stalling.host, { idleTimeoutMs: SHORT })).message).toContain('(idle_timeout)')
  expect((await failureOf(stalling.host, long, { idleTimeoutMs: SHORT })).message).toContain('(idle_timeout)')

  const trickling = await upstream((socket) => {
    socket.write(HEAD)
    const timer = setInterval(() => socket.write('1\r\na\r\n'), 2)
    socket.on('close', () => clearInterval(timer))
  })
  expect((await failureOf(trickling.host, { totalTimeoutMs: SHORT })).message).toContain('(total_timeout)')
  expect((await failureOf(trickling.host, long, { totalTimeoutMs: SHORT })).message).toContain('(total_timeout)')
})

test('a call that waits for a free connection waits no longer than connect_timeout; others take their turn', async () => {
  const held: Socket[] = []
  const { host, most } = await upstream((socket) => void held.push(socket))
  const outbound = createOutbound({ allow: [host], hostConnectionsMax: 2, connectTimeoutMs: SHORT })
  opened.push(outbound)
  const call = (connectTimeoutMs?: number): Promise<unknown> => {
    const signal = new AbortController().signal
    const limit = connectTimeoutMs === undefined ? {} : { connectTimeoutMs }
    return outbound.request({ url: `http://${host}/`, signal, ...limit }).then(
      ({ body }) => body,
      (error: unknown) => error,
    )
  }
  const patient = [call(60_000), call(60_000), call(60_000), call(60_000)]
  while (held.length < 2) await new Promise(setImmediate)
  expect(await call()).toMatchObject({
    code: 'upstream_timeout',
    message: expect.stringContaining('(connect_timeout)'),
  })
  const answer = 'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok'
  let answered = 0
  while (answered < patient.length) {
    const socket = held.shift()
    if (socket === undefined) await new Promise(setImmediate)
    else {
      socket.write(answer)
      answered++
    }
  }
  expect(await Promise.all(patient)).toEqual(['ok', 'ok', 'ok', 'ok'])
  expect(most()).toBe(2)
})
