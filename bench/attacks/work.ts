import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { WebSocket } from 'ws'
import { type Attack, type Tally, countStatus, open, repeat } from './attack.ts'

const numbers = (count: number): number[] => Array.from({ length: count }, (_, n) => n)

/** Calls one endpoint again and again, each time with the same body; 4 callers. */
function calls(name: string, path: string, body: unknown, about: string): Attack {
  const text = JSON.stringify(body)
  return {
    name,
    about: `${about}; 4 callers.`,
    run: (target, tally, signal) => repeat(target, tally, signal, { connections: 4, path, body: text }),
  }
}

const search = calls(
  'search',
  '/search',
  { q: `%${'a'.repeat(500)}b%` },
  "`body ilike {{q}}` over 5,000 rows of 1,500 characters, with q = '%' + 'a' × 500 + 'b%'",
)

const spread = calls(
  'spread',
  '/spread',
  { ids: numbers(8_000) },
  '`reduce((all, id) => ({ ...all, [id]: true }), {})` over 8,000 ids from the body',
)

const bigText = calls(
  'big-text',
  '/big-text',
  { text: 'x'.repeat(940_000), ids: numbers(1_000) },
  '`(big + i) < (big + (i + 1))` for each of 1,000 numbers, with a text of 15,000,000 characters',
)

const sort = calls(
  'sort',
  '/sort',
  { text: 'x'.repeat(900_000), ids: numbers(10_000) },
  '`sortBy(ids, (id) => text + id)` over 10,000 numbers with a text of 900,000 characters',
)

const largeBodies: Attack = {
  name: 'large-bodies',
  about: 'Lists of 150,000 numbers, 1 MB, as a body; 50 callers.',
  run: (target, tally, signal) =>
    repeat(target, tally, signal, { connections: 50, path: '/count', body: JSON.stringify({ ids: numbers(150_000) }) }),
}

const deepUpstream: Attack = {
  name: 'deep-upstream',
  about: 'An upstream that answers with 10 MB of [[[…]]]; 2 callers.',
  run: (target, tally, signal) => repeat(target, tally, signal, { connections: 2, method: 'GET', path: '/deep' }),
}

const deepSocket: Attack = {
  name: 'deep-websocket',
  about: 'Messages of 1 MiB of deep JSON over WebSockets without a token, one connection after the other, 4 at once.',
  async run({ port, intensity }, tally, signal) {
    const deep = `{"type":"publish","id":"a","channel":"news","content":${'['.repeat(500_000)}${']'.repeat(500_000)}}`
    const attack = async (): Promise<void> => {
      while (!signal.aborted) {
        tally.sent++
        const socket = new WebSocket(`ws://127.0.0.1:${port}/v1/ws`, 'streamstack.v1')
        socket.on('error', () => tally.count('error'))
        socket.on('open', () => socket.send(deep))
        const closed = new Promise<number>((resolve) => socket.on('close', resolve))
        tally.count(`closed ${await Promise.race([closed, sleep(5_000, 0)])}`)
        socket.terminate()
      }
    }
    await Promise.all(Array.from({ length: Math.max(1, Math.round(4 * intensity)) }, attack))
  },
}

const tinyFrames: Attack = {
  name: 'tiny-frames',
  about: 'Pongs without data over WebSockets, as fast as the server reads them, 10,000 in one read; 4 connections.',
  async run({ port, intensity }, tally, signal) {
    const frames = Buffer.alloc(6 * 1_000).fill(Buffer.of(0x8a, 0x80, 0, 0, 0, 0))
    const attack = async (): Promise<void> => {
      while (!signal.aborted) {
        const socket = open(port, tally)
        const handshake =
          'GET /v1/ws HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MTIzNDU2Nzg5MDEyMzQ1Ng==\r\n\r\n'
        const send = (): void => {
          while (socket.writable && !signal.aborted) {
            tally.sent += 1_000
            if (!socket.write(frames)) return
          }
        }
        socket.write(handshake)
        socket.once('data', send).on('drain', send)
        await endOf(socket, tally, signal)
      }
    }
    await Promise.all(Array.from({ length: Math.max(1, Math.round(4 * intensity)) }, attack))
  },
}

const tinyChunks: Attack = {
  name: 'tiny-chunks',
  about: 'Bodies of 900 kB in chunks of one byte that never end; 20 connections, which are kept open.',
  arrivalMs: 1_000,
  async run({ port, intensity }, tally, signal) {
    const head =
      'POST /count HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n'
    const chunks = Buffer.from('1\r\n \r\n'.repeat(10_000))
    const attack = async (): Promise<void> => {
      const socket = open(port, tally)
      let left = 90
      const send = (): void => {
        while (left > 0 && socket.writable && !signal.aborted) {
          left--
          tally.sent += 10_000
          if (!socket.write(chunks)) return
        }
      }
      countStatus(socket, tally)
      socket.write(head)
      socket.on('connect', send).on('drain', send)
      await endOf(socket, tally, signal)
    }
    await Promise.all(Array.from({ length: Math.max(1, Math.round(20 * intensity)) }, attack))
  },
}

/** Settles when the connection is closed; closes it when the signal aborts. */
async function endOf(socket: Socket, tally: Tally, signal: AbortSignal): Promise<void> {
  const stop = (): unknown => socket.destroy()
  if (signal.aborted) stop()
  signal.addEventListener('abort', stop, { once: true })
  await new Promise((resolve) => socket.on('close', resolve))
  signal.removeEventListener('abort', stop)
  tally.count('closed')
  await sleep(10)
}

/** A2: work on the main thread that a caller's text pays for. */
export const work: readonly Attack[] = [
  search,
  spread,
  bigText,
  sort,
  largeBodies,
  deepUpstream,
  deepSocket,
  tinyFrames,
  tinyChunks,
]
