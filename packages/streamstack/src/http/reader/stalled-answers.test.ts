import { connect } from 'node:net'
import { expect, test } from 'vitest'
import { withEnoughTime } from '@streamstack/test-support/enough-time'
import { endpoint, send, testServer } from '@streamstack/test-support/test-server'

/** More than the kernel takes in hand, and less than the largest whole result. */
const COUNT = 150
const CONTENT = 'x'.repeat(100_000)

const files = (slowSeconds: number): Record<string, unknown> => ({
  'streamstack.yaml': {
    server: { slow_timeout: slowSeconds * 1_000 },
    streams: { access: 'open', window_bytes: '64mb', retained_bytes: '64mb' },
    channels: { memory_bytes: '64mb' },
  },
  'channels/news.yaml': { publish: true, subscribe: true, max_bytes: '1mb', history: { count: 10_000 } },
  'endpoints/pour.json': endpoint('/pour', [
    { function: 'Create Variable', name: 'content', value: CONTENT },
    { function: 'For', count: COUNT, inner_functions: [send('{{content}}')] },
  ]),
  'endpoints/rest.json': endpoint('/rest', [send(CONTENT), { function: 'Sleep', duration: 60_000 }]),
})

/** A client that sends a request and reads nothing of the answer. */
function standing(url: string, path: string): ReturnType<typeof connect> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname).pause()
  socket.on('error', () => undefined)
  socket.write(`GET ${path} HTTP/1.1\r\nHost: ${hostname}\r\nAccept: application/x-ndjson\r\n\r\n`)
  return socket
}

test('a client that takes nothing of a run that is over is disconnected, and a run that goes on waits for its reader', () =>
  // All readers have to be seen before the first of them is disconnected.
  withEnoughTime(async (seconds) => {
    await using server = await testServer(files(seconds))
    const readers = async (): Promise<number> => {
      const { text } = await server.call('/v1/stream/system/metrics?format=json')
      const { chunks } = JSON.parse(text) as { chunks: { content: { active_readers: number } }[] }
      return chunks[0]?.content.active_readers ?? -1
    }
    const first = await server.call('/pour?format=ndjson')
    const run = String(first.headers['stream-url'])
    const sockets = [run, `${run}?format=json`, `${run}?live=sse&offset=-1`].map((path) => standing(server.url, path))
    const resting = standing(server.url, '/rest')
    let most = 0
    await expect
      .poll(async () => {
        const now = await readers()
        most = Math.max(most, now)
        return most > 0 && now === 1
      })
      .toBe(true)
    expect(most).toBe(3)
    // What was lost is lost, however late the client reads.
    for (const socket of sockets) {
      socket.resume()
      if (!socket.closed) await new Promise((resolve) => socket.on('close', resolve))
      expect(socket.bytesRead).toBeLessThan(COUNT * CONTENT.length)
    }
    expect(resting.destroyed).toBe(false)
    resting.destroy()
  }, 0.4))
