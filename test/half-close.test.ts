import { connect } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { type TestServer, endpoint, send, testServer } from '@streamstack/test-support/test-server'

const fixture = (name: string): string => fileURLToPath(new URL(`fixtures/tls/${name}.pem`, import.meta.url))
const tls = { cert: fixture('cert'), key: fixture('key') }

const slow = [send('first'), { function: 'Sleep', duration: 100 }, send('last')]

const served = (server: object): Promise<TestServer> =>
  testServer({
    'streamstack.yaml': { log: { level: 'silent' }, server },
    'endpoints/slow.json': endpoint('/slow', slow),
  })

/** All that comes for a request whose sender closes its side at once. */
function halfClosed({ url }: TestServer): Promise<string> {
  return new Promise((resolve) => {
    const { protocol, hostname, port } = new URL(url)
    let text = ''
    const options = { host: hostname, port: Number(port), allowHalfOpen: true, rejectUnauthorized: false }
    const socket = protocol === 'https:' ? connectTls(options, ask) : connect(options, ask)
    function ask(): void {
      socket.end('GET /slow?format=lines HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n')
    }
    socket.on('data', (data) => (text += data.toString()))
    socket.on('error', () => undefined)
    socket.on('close', () => resolve(text))
  })
}

test('a client that closes its side behind its request has left', async () => {
  await using server = await served({})
  expect(await halfClosed(server)).not.toContain('last')
})

test.each<[string, object]>([
  ['HTTP', {}],
  ['HTTPS', { tls }],
])('with server.half_close it gets its answer over %s, and the connection closes', async (_, more) => {
  await using server = await served({ half_close: true, ...more })
  const text = await halfClosed(server)
  expect(text).toContain('last')
  // The end of a body in chunks: nothing is missing.
  expect(text.endsWith('0\r\n\r\n')).toBe(true)
})
