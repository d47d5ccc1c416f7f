import { readFileSync } from 'node:fs'
import { type ServerProcess, startServer } from '../bench/harness/server-process.ts'
import { withWorkspace } from '../bench/harness/temporary-workspace.ts'
import { Tally } from '../bench/attacks/attack.ts'
import { attacks } from '../bench/attacks/catalogue.ts'
import { startUpstream } from '../bench/attacks/upstream.ts'
import { VICTIM_LINES, attackedWorkspace } from '../bench/attacks/workspace.ts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { AddressInfo } from 'node:net'

/** How long each attack goes on: enough to reach its bounds, which are state and not time. */
const ATTACK_MS = 300
const HEAP_MEGABYTES = 512

/**
 * Each attack of `npm run attack` in short, one after the other, against one server with a small heap: it lives, it answers others, and holds no more
 * than its bounds. How fast it answers meanwhile is measured by the script on a quiet machine.
 */
describe.each([{ isSecure: false }, { isSecure: true }])('a server under attack (TLS: $isSecure)', ({ isSecure }) => {
  let server: ServerProcess
  let stop: () => void
  let stopped: Promise<void>

  beforeAll(async () => {
    const upstream = await startUpstream()
    const files = attackedWorkspace(isSecure, (upstream.address() as AddressInfo).port, { active_runs: 300 })
    await new Promise<void>((resolve) => {
      stopped = withWorkspace(files, async (dir) => {
        server = await startServer('streamstack', { dir }, { heapMegabytes: HEAP_MEGABYTES })
        resolve()
        await new Promise<void>((end) => {
          stop = end
        })
        await server.stop()
        upstream.closeAllConnections()
        upstream.close()
      })
    })
  })

  afterAll(async () => {
    stop()
    await stopped
  })

  const call = async (path: string): Promise<{ status: number; text: string }> => {
    if (isSecure) return callSecurely(server.port, path)
    const answer = await fetch(`http://127.0.0.1:${server.port}${path}`)
    return { status: answer.status, text: await answer.text() }
  }

  const own = attacks.filter((attack) => (attack.isSecure === true) === isSecure)
  test.each(own.map((attack) => ({ name: attack.name, attack })))(
    '$name: lives, and answers others',
    async ({ attack }) => {
      const tally = new Tally()
      const target = { port: server.port, intensity: 0.1 }
      await attack.run(target, tally, afterFirst(tally))
      expect(tally.sent).toBeGreaterThan(0)
      // A refusal for want of room passes; anything else does not.
      await expect
        .poll(() => call('/victim'), { interval: 50 })
        .toEqual({ status: 200, text: VICTIM_LINES.map((line) => `${line}\n`).join('') })
    },
  )

  test('what is held after all of them is within the bounds', async () => {
    expect(await server.usedMemory()).toBeLessThan(400_000_000)
  })
})

test('each question to a server that has ended fails with its exit code and last output', async () => {
  const dying = await startServer('../../test/fixtures/contenders/dying')
  const told = /ended with code 7\. The last that it wrote:\nno room for one more/
  await expect(dying.memory(false)).rejects.toThrow(told)
  await expect(dying.cpuMs()).rejects.toThrow(told)
  await dying.stop()
})

/** Aborts a while after the first request was sent. */
function afterFirst(tally: Tally): AbortSignal {
  const stop = new AbortController()
  const timer = setInterval(() => {
    if (tally.sent === 0) return
    clearInterval(timer)
    setTimeout(() => stop.abort(), ATTACK_MS)
  }, 10)
  return stop.signal
}

/** Over HTTPS with the certificate of the tests. */
async function callSecurely(port: number, path: string): Promise<{ status: number; text: string }> {
  const { request } = await import('node:https')
  const ca = readFileSync(new URL('fixtures/tls/cert.pem', import.meta.url))
  return new Promise((resolve, reject) => {
    const outgoing = request({ host: '127.0.0.1', port, path, ca }, (answer) => {
      let text = ''
      answer.setEncoding('utf8')
      answer.on('data', (data: string) => {
        text += data
      })
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text }))
    })
    outgoing.on('error', reject)
    outgoing.end()
  })
}
