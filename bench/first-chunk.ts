import { join } from 'node:path'
import { Connection } from './harness/connection.ts'
import { type Report, type ScenarioOptions, fixed } from './harness/scenario.ts'
import { startServer } from './harness/server-process.ts'
import { quantile } from './harness/statistics.ts'
import { withWorkspace } from './harness/temporary-workspace.ts'

const LATER_MS_MAX = 3
const DELIVERIES = ['memory', 'durable'] as const

/** How much later the first chunk comes when it has to be on disk before. */
export async function firstChunk({ quick }: ScenarioOptions): Promise<Report> {
  const calls = quick ? 100 : 1_000
  const warmUps = quick ? 100 : 2_000
  return withWorkspace(workspaceFiles(), async (dir) => {
    const server = await startServer('streamstack', { dir, data: join(dir, 'data') })
    try {
      const connection = new Connection(server.port)
      await connection.opened
      const timesMs = { memory: [] as number[], durable: [] as number[] }
      for (let call = 0; call < warmUps + calls; call++) {
        for (const delivery of DELIVERIES) {
          const { firstByteMs } = await connection.request(`/${delivery}?format=sse`, () => undefined)
          if (call >= warmUps) timesMs[delivery].push(firstByteMs)
        }
      }
      connection.close()
      const laterMs = quantile(timesMs.durable, 0.5) - quantile(timesMs.memory, 0.5)
      return {
        title: 'The first chunk of a durable run',
        method: `${calls} calls each after ${warmUps} that warm up, in turns, over one connection. The stack sends a chunk, waits for 1 ms and sends another. With \`delivery: durable\` the chunk is on disk, by one fsync, before it is sent.`,
        tables: [
          {
            caption: 'From the request to the first chunk',
            columns: ['', 'p50', 'p95', 'p99'],
            rows: DELIVERIES.map((delivery) => [
              `delivery: ${delivery}`,
              ...[0.5, 0.95, 0.99].map((share) => `${fixed(quantile(timesMs[delivery], share), 2)} ms`),
            ]),
          },
        ],
        measures: DELIVERIES.map((delivery) => ({
          what: `first chunk p50, delivery ${delivery}, ms`,
          value: quantile(timesMs[delivery], 0.5),
          better: 'less',
        })),
        goals: [
          {
            what: 'durable later than memory, p50',
            goal: `≤ ${LATER_MS_MAX} ms`,
            measured: `${fixed(laterMs, 2)} ms`,
            met: laterMs <= LATER_MS_MAX,
          },
        ],
      }
    } finally {
      await server.stop()
    }
  })
}

function workspaceFiles(): Record<string, unknown> {
  const endpoints = DELIVERIES.map((delivery) => [
    `endpoints/${delivery}.json`,
    {
      endpoint_settings: { method: 'GET', path: `/${delivery}`, delivery },
      function_stack: [
        { function: 'Streaming API Response', content: 'Hello' },
        { function: 'Sleep', duration: 1 },
        { function: 'Streaming API Response', content: 'world' },
      ],
    },
  ])
  return { 'streamstack.yaml': 'log: { level: error }\n', ...Object.fromEntries(endpoints) }
}
