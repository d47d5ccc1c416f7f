import type { Socket } from 'node:net'
import { type Attack, type Tally, countStatus, open, pace, requestText } from './attack.ts'

/** Opens so many connections, as fast as `perSecond` says, and keeps them until the signal aborts. */
async function hold(
  port: number,
  count: number,
  perSecond: number,
  tally: Tally,
  signal: AbortSignal,
  begin: (socket: Socket) => void,
): Promise<void> {
  const sockets = new Set<Socket>()
  await pace(perSecond, signal, () => {
    if (sockets.size >= count) return
    const socket = open(port, tally)
    tally.sent++
    sockets.add(socket)
    socket.on('connect', () => begin(socket))
    socket.on('close', () => {
      sockets.delete(socket)
      if (!signal.aborted) tally.count('closed')
    })
  })
  for (const socket of sockets) socket.destroy()
}

const slowOpeners: Attack = {
  name: 'slow-openers',
  about: '1,000 connections that send one byte of a request a second.',
  arrivalMs: 5_000,
  async run({ port, intensity }, tally, signal) {
    await hold(port, 1_000 * intensity, 250, tally, signal, (socket) => {
      const text = requestText('GET', `/victim?${'x'.repeat(1_000)}`)
      let sent = 0
      const timer = setInterval(() => socket.write(text[sent++] ?? ''), 1_000)
      socket.on('close', () => clearInterval(timer))
      socket.resume()
    })
  },
}

const neverRead = (path: string): Attack['run'] => {
  return ({ port, intensity }, tally, signal) =>
    hold(port, 1_000 * intensity, 250, tally, signal, (socket) => {
      socket.pause()
      socket.write(requestText('GET', path))
    })
}

const stalledStreams: Attack = {
  name: 'stalled-streams',
  about: '1,000 readers of a stream without end that never read.',
  arrivalMs: 6_000,
  run: neverRead('/flood'),
}

const unreadStreams: Attack = {
  name: 'unread-streams',
  about: '1,000 readers of a stream of 50 chunks a second each, 50,000 in all, that never read.',
  arrivalMs: 6_000,
  run: neverRead('/paced'),
}

const idle: Attack = {
  name: 'idle',
  about: '5,000 connections, 1,000 a second, that get one answer each and then ask for nothing.',
  arrivalMs: 7_000,
  async run({ port, intensity }, tally, signal) {
    await hold(port, 5_000 * intensity, 1_000, tally, signal, (socket) => {
      countStatus(socket, tally)
      socket.write(requestText('GET', '/victim'))
    })
  },
}

/** Connections that cost the server something and their client nothing. */
export const connections: readonly Attack[] = [slowOpeners, stalledStreams, unreadStreams, idle]
