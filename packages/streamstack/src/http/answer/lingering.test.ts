import { once } from 'node:events'
import { type Server, createServer } from 'node:http'
import { type AddressInfo, type Socket, connect } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { Lingering, type LingeringBounds } from './lingering.ts'

const open: (Server | Socket)[] = []
afterEach(() => {
  for (const one of open.splice(0)) {
    if ('closeAllConnections' in one) one.close().closeAllConnections()
    else one.destroy()
  }
})

/** A server that answers each request before its body has come. */
async function answering(
  bounds: Partial<LingeringBounds>,
): Promise<{ server: Server; connection: () => Promise<Both> }> {
  const lingering = new Lingering({ connections: 10, bytes: 1e12, durationMs: 1e9, idleMs: 1e9, ...bounds })
  const server = createServer((request, response) => {
    request.on('error', () => undefined)
    response.setHeader('Connection', 'close')
    lingering.closeLate(response)
    response.end('too much')
  })
  open.push(server.listen(0, '127.0.0.1'))
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const connection = async (): Promise<Both> => {
    const accepted = once(server, 'connection') as Promise<[Socket]>
    const client = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    open.push(client)
    client.on('error', () => undefined)
    client.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000000\r\n\r\nbegun')
    const [socket] = await accepted
    return { client, socket }
  }
  return { server, connection }
}

interface Both {
  readonly client: Socket
  /** The server's side. */
  readonly socket: Socket
}

/** Settles when a socket is closed, whether for an error or not. */
function closeOf(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    if (socket.closed) resolve()
    else socket.on('close', () => resolve())
  })
}

/** Reads up to the end of the server's side. */
async function answerOf({ client }: Both): Promise<string> {
  let answer = ''
  client.on('data', (data) => (answer += data.toString()))
  await once(client, 'end')
  return answer
}

test('the answer ends while the client still sends, and the connection stays until the body is complete or the client closes', async () => {
  const { connection } = await answering({})
  const both = await connection()
  expect(await answerOf(both)).toMatch(/^HTTP\/1\.1 200 [^]*too much$/)
  expect(both.socket.destroyed).toBe(false)
  const closed = closeOf(both.socket)
  both.client.end()
  await closed
})

test('further connections close at once', async () => {
  const { connection } = await answering({ connections: 1 })
  const first = await connection()
  await answerOf(first)
  const second = await connection()
  await closeOf(second.socket)
  expect(first.socket.destroyed).toBe(false)
  // Its place is free when it is closed.
  first.client.end()
  await closeOf(first.socket)
  const third = await connection()
  await answerOf(third)
  expect(third.socket.destroyed).toBe(false)
})

test.each<[string, Partial<LingeringBounds>, boolean]>([
  ['sends without end', { bytes: 1_000_000 }, true],
  ['sends for too long', { durationMs: 100 }, true],
  ['sends nothing any more', { idleMs: 100 }, false],
])('a client that %s is disconnected', async (_, bounds, isSending) => {
  const { connection } = await answering(bounds)
  const { client, socket } = await connection()
  const closed = closeOf(socket)
  client.resume()
  const piece = Buffer.alloc(65_536)
  const send = (): void => {
    while (client.writable && client.write(piece));
  }
  client.on('drain', send)
  if (isSending) send()
  await closed
  expect(socket.destroyed).toBe(true)
})
