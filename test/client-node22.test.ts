import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { bundleClient } from '../scripts/client-size.ts'
import { faultProxy } from '@streamstack/test-support/fault-proxy'
import { endpoint, send, testServer } from '@streamstack/test-support/test-server'

const node22 = process.env['NODE22']
if (node22 === undefined) {
  console.warn(
    'The client is not tried under Node.js 22: name its program in NODE22, as after `npm i --prefix /tmp/n22 node@22`.',
  )
}

/** What runs there, after the client’s one file. */
const SCRIPT = `
const client = Streamstack.createClient({ url: process.argv[1], retry: { delayMs: 1 } })
const main = async () => {
  const words = []
  for await (const { content } of client.call('POST /words')) words.push(content)
  const room = client.channel('rooms/7')
  const stream = room.subscribe({ presence: true, data: 'Ann' })
  const talk = []
  stream.on('chunk', ({ content }) => talk.push(content))
  for await (const { content } of room.presence()) if (JSON.stringify(content).includes('Ann')) break
  for (let n = 1; n <= 20; n++) await room.publish(n)
  while (talk.length < 20) await new Promise((resolve) => setTimeout(resolve, 5))
  stream.leave()
  console.log(JSON.stringify({ version: process.version.split('.')[0], words, talk }))
}
main()`

test.skipIf(node22 === undefined)(
  'the client’s one file works under Node.js 22, over a network that cuts it off',
  async () => {
    await using server = await testServer({
      'channels/rooms.json': {
        channel: 'rooms/{room}',
        publish: true,
        subscribe: true,
        presence: true,
        history: { count: 100 },
      },
      'endpoints/words.json': endpoint(
        '/words',
        ['one', 'zwölf'].map((word) => send(word)),
        { method: 'POST' },
      ),
    })
    await using proxy = await faultProxy(server.url)
    proxy.arm({ direction: 'response', afterBytes: 1_900, kind: 'reset' })
    const { stdout, stderr } = await promisify(execFile)(node22 ?? '', [
      '-e',
      (await bundleClient()) + SCRIPT,
      proxy.url,
    ])
    expect(proxy.hasStruck).toBe(true)
    expect(stderr).toBe('')
    expect(JSON.parse(stdout)).toEqual({
      version: 'v22',
      words: ['one', 'zwölf'],
      talk: Array.from({ length: 20 }, (_, index) => index + 1),
    })
  },
)
