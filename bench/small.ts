import { bodyOf, linesOf, linesWork } from './contenders/lines-work.ts'
import { Connection } from './harness/connection.ts'
import { ExpectedBody } from './harness/expected-body.ts'
import { interleave } from './harness/interleave.ts'
import { type Report, type ScenarioOptions, count, fixed } from './harness/scenario.ts'
import { type ServerProcess, startServer } from './harness/server-process.ts'
import { median, quantile } from './harness/statistics.ts'
import { withWorkspace } from './harness/temporary-workspace.ts'

const CHUNKS = 20
const CONNECTIONS = 50
const HANDWRITTEN = ['node-http', 'fastify', 'express', 'hono'] as const

interface Round {
  streamsPerSecond: number
  firstChunkP50Ms: number
  firstChunkP99Ms: number
  /** Processor time of the server for one stream. */
  serverCpuMs: number
}

/** Short streams, many at once: what starting and ending a stream costs. */
export async function small({ quick, alone = false }: ScenarioOptions): Promise<Report> {
  const streamsPerConnection = quick ? 20 : 200
  const expected = bodyOf(linesWork({ count: CHUNKS, format: 'lines' }))
  const rounds = await withWorkspace(smallWorkspace(), async (dir) => {
    const servers: ServerProcess[] = []
    try {
      servers.push(await startServer('streamstack', { dir }))
      for (const name of alone ? [] : HANDWRITTEN)
        servers.push(await startServer(name, { count: CHUNKS, format: 'lines' }))
      const results = await interleave(servers, { warmups: 2, rounds: quick ? 3 : 9 }, (server) =>
        measure(server, streamsPerConnection, expected),
      )
      return new Map([...results].map(([{ name }, measured]) => [name, medians(measured)]))
    } finally {
      for (const server of servers) await server.stop()
    }
  })
  const ours = rounds.get('streamstack') as Round
  const fastify = rounds.get('fastify') ?? ours
  const rate = ours.streamsPerSecond / fastify.streamsPerSecond
  const first = ours.firstChunkP99Ms / fastify.firstChunkP99Ms
  return {
    title: `Streams of ${CHUNKS} chunks, ${CONNECTIONS} at once`,
    method: `${CONNECTIONS} keep-alive connections, each asking for the next stream when the last has ended. The first chunk counts from the moment the request was written.`,
    tables: [
      {
        caption: 'Streams',
        columns: ['', 'streams/s', 'ours is', 'first chunk p50', 'first chunk p99'],
        rows: [...rounds].map(([name, { streamsPerSecond, firstChunkP50Ms, firstChunkP99Ms }]) => [
          name,
          count(streamsPerSecond),
          `${fixed(ours.streamsPerSecond / streamsPerSecond, 2)} ×`,
          `${fixed(firstChunkP50Ms, 1)} ms`,
          `${fixed(firstChunkP99Ms, 1)} ms`,
        ]),
      },
    ],
    measures: [
      { what: 'streams a second', value: ours.streamsPerSecond, better: 'more' },
      { what: 'server CPU for one stream, ms', value: ours.serverCpuMs, better: 'less' },
      { what: 'first chunk p50, ms', value: ours.firstChunkP50Ms, better: 'less' },
      { what: 'first chunk p99, ms', value: ours.firstChunkP99Ms, better: 'less' },
    ],
    goals: [
      { what: 'streams a second against fastify', goal: '≥ 0.9 ×', measured: `${fixed(rate, 2)} ×`, met: rate >= 0.9 },
      { what: 'first chunk p99 against fastify', goal: '≤ 1.3 ×', measured: `${fixed(first, 2)} ×`, met: first <= 1.3 },
    ],
  }
}

async function measure(server: ServerProcess, streamsPerConnection: number, expected: Buffer): Promise<Round> {
  const connections = Array.from({ length: CONNECTIONS }, () => new Connection(server.port))
  const path = server.name === 'streamstack' ? '/small?format=lines' : '/'
  const firstMs: number[] = []
  const startCpuMs = await server.cpuMs()
  const startMs = performance.now()
  await Promise.all(
    connections.map(async (connection) => {
      for (let i = 0; i < streamsPerConnection; i++) {
        const body = new ExpectedBody(expected, server.name)
        const answer = await connection.request(path, body.take)
        body.finish()
        firstMs.push(answer.firstByteMs)
      }
    }),
  )
  const elapsedMs = performance.now() - startMs
  for (const connection of connections) connection.close()
  return {
    streamsPerSecond: (CONNECTIONS * streamsPerConnection) / (elapsedMs / 1_000),
    firstChunkP50Ms: quantile(firstMs, 0.5),
    firstChunkP99Ms: quantile(firstMs, 0.99),
    serverCpuMs: ((await server.cpuMs()) - startCpuMs) / (CONNECTIONS * streamsPerConnection),
  }
}

function medians(rounds: readonly Round[]): Round {
  return {
    streamsPerSecond: median(rounds.map(({ streamsPerSecond }) => streamsPerSecond)),
    firstChunkP50Ms: median(rounds.map(({ firstChunkP50Ms }) => firstChunkP50Ms)),
    firstChunkP99Ms: median(rounds.map(({ firstChunkP99Ms }) => firstChunkP99Ms)),
    serverCpuMs: median(rounds.map(({ serverCpuMs }) => serverCpuMs)),
  }
}

function smallWorkspace(): Record<string, unknown> {
  return {
    'streamstack.yaml': 'log: { level: error }\n',
    'endpoints/small.json': {
      endpoint_settings: { method: 'GET', path: '/small', response_type: 'streaming' },
      function_stack: [
        { function: 'Create Variable', name: 'content_chunks', value: linesOf(CHUNKS) },
        {
          function: 'For Each',
          input: '{{content_chunks}}',
          inner_functions: [{ function: 'Streaming API Response', content: '{{item}}' }],
        },
      ],
    },
  }
}
