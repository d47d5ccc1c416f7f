import { setTimeout as sleep } from 'node:timers/promises'
import { Agent, type IncomingMessage, request } from 'node:http'
import { type Attack, type Tally } from './attack.ts'

/** Settles with the status; 0: no answer. */
function publish(agent: Agent, port: number, room: string, body: string): Promise<number> {
  return new Promise((resolve) => {
    const outgoing = request(
      {
        agent,
        host: '127.0.0.1',
        port,
        path: `/v1/channels/${room}`,
        method: 'POST',
        headers: { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) },
      },
      (answer: IncomingMessage) => {
        answer.resume().on('end', () => resolve(answer.statusCode ?? 0))
      },
    )
    outgoing.on('error', () => resolve(0))
    outgoing.end(body)
  })
}

async function fill(port: number, connections: number, tally: Tally, signal: AbortSignal): Promise<void> {
  const agent = new Agent({ keepAlive: true })
  const body = JSON.stringify({ content: 'm'.repeat(60_000) })
  let room = 0
  const other = async (): Promise<void> => {
    // Others must be able to publish all the time.
    while (!signal.aborted) {
      tally.count(`news ${await publish(agent, port, 'news', '{"content":"Rain"}')}`)
      await sleep(100)
    }
  }
  const attack = async (): Promise<void> => {
    while (!signal.aborted) {
      tally.sent++
      const status = await publish(agent, port, `rooms/${room++}`, body)
      tally.count(status)
      if (status !== 201) await sleep(5)
    }
  }
  await Promise.all([other(), ...Array.from({ length: connections }, attack)])
  agent.destroy()
}

/** A5: one publisher that fills the memory of all channels. */
export const rooms: readonly Attack[] = [
  {
    name: 'rooms',
    about:
      'One publisher that sends messages of 60 kB to one room after the other over 8 connections, while another publisher sends to another channel.',
    run: ({ port, intensity }, tally, signal) => fill(port, Math.max(1, Math.round(8 * intensity)), tally, signal),
  },
]
