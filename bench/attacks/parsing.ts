import { WebSocket } from 'ws'
import { type Attack, repeat } from './attack.ts'

let made = 0

/** About 1 MB of objects of so many names each, none of which came before. */
function newNames(namesEach: number): string {
  const objects: string[] = []
  for (let length = 0; length < 950_000;) {
    const names = Array.from({ length: namesEach }, () => `"z${(made++).toString(36)}":1`)
    const object = `{${names.join(',')}}`
    objects.push(object)
    length += object.length + 1
  }
  return `[${objects.join(',')}]`
}

const manyNames: Attack = {
  name: 'many-names',
  about: 'Bodies of 1 MB of JSON whose names are all new, 1 to 1,000 in one object; 4 callers.',
  async run(target, tally, signal) {
    await Promise.all(
      [1, 8, 100, 1_000].map((count) =>
        repeat(target, tally, signal, { connections: 1, path: '/count', body: () => `{"ids":${newNames(count)}}` }),
      ),
    )
  },
}

const manyNamesSocket: Attack = {
  name: 'many-names-websocket',
  about: 'Messages of 1 MB of JSON whose names are all new, 100 in one object; 4 connections.',
  async run({ port, intensity }, tally, signal) {
    const attack = async (): Promise<void> => {
      const socket = new WebSocket(`ws://127.0.0.1:${port}/v1/ws`, 'streamstack.v1')
      const send = (): void => {
        if (signal.aborted) return
        tally.sent++
        socket.send(`{"type":"publish","id":"a${tally.sent}","channel":"none","content":${newNames(100)}}`)
      }
      socket.on('error', () => tally.count('error'))
      socket.on('message', (message: Buffer) => {
        const { type } = JSON.parse(message.toString()) as { type: string }
        if (type !== 'ping') tally.count(type)
        send()
      })
      signal.addEventListener('abort', () => socket.terminate(), { once: true })
      await new Promise((resolve) => socket.on('close', resolve))
    }
    await Promise.all(Array.from({ length: Math.max(1, Math.round(4 * intensity)) }, attack))
  },
}

/** What a caller's JSON must not buy: work on the main thread. */
export const parsing: readonly Attack[] = [manyNames, manyNamesSocket]
