import { type ClientHttp2Session, connect as connectHttp2, constants } from 'node:http2'
import { setTimeout as sleep } from 'node:timers/promises'
import { WebSocket } from 'ws'
import { type Attack, type Tally, type Target, aborted, countStatus, open, pace, requestText } from './attack.ts'

/** Requests a path over more and more connections that never read, and keeps them all. */
async function stall(
  { port, intensity }: Target,
  tally: Tally,
  signal: AbortSignal,
  { path, count, perSecond }: { path: string; count: number; perSecond: number },
): Promise<void> {
  const most = Math.max(1, Math.round(count * intensity))
  const sockets = new Set<ReturnType<typeof open>>()
  await pace(perSecond, signal, () => {
    if (sockets.size >= most) return
    const socket = open(port, tally)
    tally.sent++
    sockets.add(socket)
    socket.pause()
    socket.write(requestText('GET', path))
    // An attacker comes again when it is put out.
    socket.on('close', () => sockets.delete(socket))
  })
  for (const socket of sockets) socket.destroy()
}

const stalledReaders: Attack = {
  name: 'stalled-readers',
  about: '1,650 callers of an endpoint without end, 206 a second, that never read.',
  run: (target, tally, signal) => stall(target, tally, signal, { path: '/flood', count: 1_650, perSecond: 206 }),
}

const stalledPages: Attack = {
  name: 'stalled-pages',
  about: '400 callers of an answer of three chunks of 7.5 MB from a table, 50 a second, that never read.',
  run: (target, tally, signal) => stall(target, tally, signal, { path: '/page', count: 400, perSecond: 50 }),
}

const hangUps: Attack = {
  name: 'hang-ups',
  about: 'Callers of an endpoint without end, 380 a second, that hang up after 20 ms.',
  async run({ port, intensity }, tally, signal) {
    await pace(380 * intensity, signal, () => {
      const socket = open(port, tally)
      tally.sent++
      countStatus(socket, tally)
      socket.write(requestText('GET', '/flood'))
      setTimeout(() => socket.destroy(), 20)
    })
  },
}

const listInputs: Attack = {
  name: 'list-inputs',
  about: 'Runs that wait for ten minutes with a list of 100,000 numbers as input, 50 a second, each kept open.',
  async run({ port, intensity }, tally, signal) {
    const body = JSON.stringify({ items: Array.from({ length: 100_000 }, (_, n) => n) })
    const sockets = new Set<ReturnType<typeof open>>()
    await pace(50 * intensity, signal, () => {
      if (sockets.size >= 2_000) return
      const socket = open(port, tally)
      tally.sent++
      sockets.add(socket)
      countStatus(socket, tally)
      socket.write(requestText('POST', '/held', body))
      socket.on('close', () => sockets.delete(socket))
    })
    for (const socket of sockets) socket.destroy()
  },
}

const heldTexts: Attack = {
  name: 'held-texts',
  about:
    'Runs that make a text of 15,000,000 characters of one of 940,000 and wait for ten minutes, 20 a second, each kept open.',
  async run({ port, intensity }, tally, signal) {
    const body = JSON.stringify({ text: 'x'.repeat(940_000) })
    const sockets = new Set<ReturnType<typeof open>>()
    await pace(20 * intensity, signal, () => {
      const socket = open(port, tally)
      tally.sent++
      sockets.add(socket)
      countStatus(socket, tally)
      socket.write(requestText('POST', '/held-text', body))
      socket.on('close', () => sockets.delete(socket))
    })
    for (const socket of sockets) socket.destroy()
  },
}

const resets: Attack = {
  name: 'http2-resets',
  about: 'Four HTTP/2 sessions that open streams and reset them at once, and begin again when they are closed.',
  isSecure: true,
  async run({ port, intensity }, tally, signal) {
    const attack = async (): Promise<void> => {
      while (!signal.aborted) {
        const session = connectHttp2(`https://127.0.0.1:${port}`, { rejectUnauthorized: false })
        session.on('error', () => undefined)
        session.on('goaway', () => tally.count('goaway'))
        await reset(session, tally, signal)
        session.destroy()
        await sleep(10)
      }
    }
    await Promise.all(Array.from({ length: Math.max(1, Math.round(4 * intensity)) }, attack))
  },
}

const pipelined: Attack = {
  name: 'pipelined',
  about: 'Four connections that send requests without end and wait for no answer, each again when it is closed.',
  async run({ port, intensity }, tally, signal) {
    const piece = requestText('GET', '/victim').repeat(100)
    const attack = async (): Promise<void> => {
      while (!signal.aborted) {
        const socket = open(port, tally).resume()
        const send = (): void => {
          while (socket.writable && !signal.aborted) {
            tally.sent += 100
            if (!socket.write(piece)) return
          }
        }
        socket.on('connect', send).on('drain', send)
        const stop = (): unknown => socket.destroy()
        signal.addEventListener('abort', stop, { once: true })
        await new Promise((resolve) => socket.on('close', resolve))
        signal.removeEventListener('abort', stop)
        tally.count('closed')
        await sleep(10)
      }
    }
    await Promise.all(Array.from({ length: Math.max(1, Math.round(4 * intensity)) }, attack))
  },
}

/** Streams of a session at once: Node's client looks through all that wait for a place again and again. */
const OPEN_STREAMS_MAX = 200

async function reset(session: ClientHttp2Session, tally: Tally, signal: AbortSignal): Promise<void> {
  let openCount = 0
  while (!signal.aborted && !session.closed && !session.destroyed) {
    for (let n = 0; n < 50 && openCount < OPEN_STREAMS_MAX; n++) {
      try {
        const stream = session.request({ ':path': '/flood' })
        openCount++
        stream.on('error', () => undefined)
        stream.on('close', () => openCount--)
        tally.sent++
        stream.close(constants.NGHTTP2_CANCEL)
      } catch {
        tally.count('session closed')
        return
      }
    }
    await sleep(1)
  }
}

const presence: Attack = {
  name: 'presence',
  about: '200 WebSockets that are in 100 rooms each, with 4 kB of presence data.',
  async run({ port, intensity }, tally, signal) {
    const sockets: WebSocket[] = []
    const data = 'p'.repeat(4_000)
    for (let n = 0; n < 200 * intensity && !signal.aborted; n++) {
      const socket = new WebSocket(`ws://127.0.0.1:${port}/v1/ws`, 'streamstack.v1')
      sockets.push(socket)
      socket.on('error', () => tally.count('error'))
      socket.on('close', (code) => tally.count(`closed ${code}`))
      socket.on('open', () => {
        for (let room = 0; room < 100; room++) {
          tally.sent++
          socket.send(
            JSON.stringify({ type: 'subscribe', id: `r${room}`, channel: `rooms/${n}-${room}`, presence: true, data }),
          )
        }
      })
      socket.on('message', (message: Buffer) => {
        const told = /"type":"(error|open)"/.exec(message.toString('latin1', 0, 200))
        if (told !== null) tally.count(told[1] ?? '')
      })
      await sleep(10)
    }
    await aborted(signal)
    for (const socket of sockets) socket.terminate()
  },
}

/** A1: runs, readers and sessions without a bound. */
export const activeRuns: readonly Attack[] = [
  stalledReaders,
  stalledPages,
  hangUps,
  listInputs,
  heldTexts,
  resets,
  pipelined,
  presence,
]
