/**
 * How much later the first chunk of a durable run comes than that of one in memory: `node --conditions=streamstack-source scripts/first-chunk.ts`.
 * Server and caller are one process; the calls take turns, over one connection that stays open.
 */
import { Agent, request } from 'node:http'
import { serve } from '../packages/streamstack/src/index.ts'
import { tempWorkspace } from '../test/support/temp-workspace.ts'
import { endpoint, send } from '../test/support/test-server.ts'

const CALLS = 200
const WARM_UP = 100

const kinds = ['memory', 'durable'] as const
const stack = [send('Hello'), { function: 'Sleep', duration: 1 }, send('world')]
await using workspace = await tempWorkspace({
  'streamstack.yaml': { log: { level: 'silent' } },
  ...Object.fromEntries(
    kinds.map((delivery) => [
      `endpoints/${delivery}.json`,
      endpoint(`/${delivery}`, stack, { settings: { delivery } }),
    ]),
  ),
})
const server = await serve({ dir: workspace.dir, port: 0 })
const agent = new Agent({ keepAlive: true, maxSockets: 1 })

/** Milliseconds from the call to its first chunk. The rest is read, too. */
function firstChunkMs(path: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const startedMs = performance.now()
    const sent = request(new URL(path, server.url), { agent }, (response) => {
      let atMs = 0
      response.once('data', () => (atMs = performance.now() - startedMs))
      response.resume()
      response.once('end', () => resolve(atMs))
    })
    sent.once('error', reject)
    sent.end()
  })
}

const times = { memory: [] as number[], durable: [] as number[] }
for (let count = 0; count < WARM_UP + CALLS; count++) {
  for (const kind of kinds) {
    const ms = await firstChunkMs(`/${kind}?format=sse`)
    if (count >= WARM_UP) times[kind].push(ms)
  }
}
agent.destroy()
await server.close()

const percentile = (kind: (typeof kinds)[number], part: number): number =>
  times[kind].toSorted((a, b) => a - b)[Math.floor(CALLS * part)] ?? NaN
for (const kind of kinds) {
  const [p50, p95, p99] = [0.5, 0.95, 0.99].map((part) => percentile(kind, part).toFixed(2))
  console.log(`${kind}: first chunk p50 ${p50} ms, p95 ${p95} ms, p99 ${p99} ms over ${CALLS} calls`)
}
console.log(`durable is ${(percentile('durable', 0.5) - percentile('memory', 0.5)).toFixed(2)} ms later at p50`)
