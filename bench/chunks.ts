import { type LinesFormat, bodyOf, linesOf, linesWork } from './contenders/lines-work.ts'
import { Connection } from './harness/connection.ts'
import { ExpectedBody } from './harness/expected-body.ts'
import { interleave } from './harness/interleave.ts'
import {
  type Goal,
  type Measure,
  type Report,
  type ScenarioOptions,
  type Table,
  count,
  fixed,
} from './harness/scenario.ts'
import { type ServerProcess, startServer } from './harness/server-process.ts'
import { median } from './harness/statistics.ts'
import { withWorkspace } from './harness/temporary-workspace.ts'

const READERS = 4
const HANDWRITTEN = ['node-http', 'fastify', 'express', 'hono', 'limit'] as const
const FORMATS: readonly LinesFormat[] = ['lines', 'sse', 'ndjson']

interface Measured {
  rate: number
  clientCpu: number
  /** Processor time of the server, all threads, for 1,000 chunks to one reader. */
  serverCpuMs: number
}

/** Many short chunks from a For Each, read by several at once. */
export async function chunks({ quick, alone = false }: ScenarioOptions): Promise<Report> {
  const chunkCount = quick ? 5_000 : 50_000
  const tables: Table[] = []
  const goals: Goal[] = []
  const measures: Measure[] = []
  for (const format of FORMATS) {
    const rates = await measureFormat(format, chunkCount, alone ? [] : HANDWRITTEN, {
      warmups: 2,
      rounds: quick ? 3 : 7,
    })
    const ours = rates.get('streamstack')?.rate ?? 0
    measures.push(
      { what: `${format}, chunks a second`, value: ours, better: 'more' },
      {
        what: `${format}, server CPU for 1,000 chunks, ms`,
        value: rates.get('streamstack')?.serverCpuMs ?? Number.NaN,
        better: 'less',
      },
    )
    tables.push({
      caption: `\`${format}\``,
      columns: ['', 'chunks/s', 'ours is', 'client CPU'],
      rows: [...rates].map(([name, { rate, clientCpu }]) => [
        name,
        count(rate),
        `${fixed(ours / rate, 2)} ×`,
        `${Math.round(clientCpu * 100)} %`,
      ]),
    })
    for (const [name, { rate }] of rates) {
      const least = format === 'lines' ? leastRatio(name) : null
      if (least === null) continue
      const ratio = ours / rate
      goals.push({
        what: `${format}: against ${name}`,
        goal: `≥ ${least} ×`,
        isAim: name === 'limit',
        measured: `${fixed(ratio, 2)} ×`,
        met: ratio >= least,
      })
    }
  }
  return {
    title: `${count(chunkCount)} short chunks, ${READERS} readers`,
    method: `Each reader calls the endpoint, which sends ${count(chunkCount)} chunks of 76 characters from a For Each over a list; every byte is compared with what it must be. By hand: the same list in a loop, one write a chunk, as each framework's documentation shows it. \`limit\` is node:http with the chunks joined to writes of 16 kB. \`ndjson\` carries metadata with each chunk.`,
    tables,
    goals,
    measures,
  }
}

function leastRatio(name: string): number | null {
  if (name === 'streamstack') return null
  if (name === 'limit') return 0.8
  return name === 'hono' ? 6 : 2.5
}

async function measureFormat(
  format: LinesFormat,
  chunkCount: number,
  others: readonly string[],
  turns: { warmups: number; rounds: number },
): Promise<Map<string, Measured>> {
  const expected = bodyOf(linesWork({ count: chunkCount, format }))
  return withWorkspace(chunksWorkspace(chunkCount), async (dir) => {
    const servers: ServerProcess[] = []
    try {
      servers.push(await startServer('streamstack', { dir }))
      for (const name of others) servers.push(await startServer(name, { count: chunkCount, format }))
      const results = await interleave(servers, turns, (server) => readAll(server, format, expected))
      return new Map(
        [...results].map(([{ name }, rounds]) => [
          name,
          {
            rate: (READERS * chunkCount) / (median(rounds.map(({ elapsedMs }) => elapsedMs)) / 1_000),
            clientCpu: median(rounds.map(({ clientCpu }) => clientCpu)),
            serverCpuMs: median(rounds.map(({ serverCpuMs }) => serverCpuMs)) / ((READERS * chunkCount) / 1_000),
          },
        ]),
      )
    } finally {
      for (const server of servers) await server.stop()
    }
  })
}

async function readAll(
  server: ServerProcess,
  format: LinesFormat,
  expected: Buffer,
): Promise<{ elapsedMs: number; clientCpu: number; serverCpuMs: number }> {
  const connections = Array.from({ length: READERS }, () => new Connection(server.port))
  const path = server.name === 'streamstack' ? `/${format}?format=${format}` : '/'
  const startMs = performance.now()
  const startCpu = process.cpuUsage()
  const startServerCpuMs = await server.cpuMs()
  await Promise.all(
    connections.map(async (connection) => {
      const body = new ExpectedBody(expected, `${server.name} (${format})`)
      await connection.request(path, body.take)
      body.finish()
    }),
  )
  const elapsedMs = performance.now() - startMs
  const { user, system } = process.cpuUsage(startCpu)
  for (const connection of connections) connection.close()
  const serverCpuMs = (await server.cpuMs()) - startServerCpuMs
  return { elapsedMs, clientCpu: (user + system) / 1_000 / elapsedMs, serverCpuMs }
}

/** `/lines` and `/sse` send the bare item, `/ndjson` metadata with it, as is usual. */
function chunksWorkspace(chunkCount: number): Record<string, unknown> {
  const content = '{{item}}'
  const metadata = { chunk_index: '{{loop_index}}', total_chunks: '{{array_length}}' }
  const endpoint = (format: LinesFormat): unknown => ({
    endpoint_settings: { method: 'GET', path: `/${format}`, response_type: 'streaming' },
    function_stack: [
      { function: 'Create Variable', name: 'content_chunks', value: linesOf(chunkCount) },
      {
        function: 'For Each',
        input: '{{content_chunks}}',
        inner_functions: [
          format === 'ndjson'
            ? { function: 'Streaming API Response', content, metadata }
            : { function: 'Streaming API Response', content },
        ],
      },
    ],
  })
  return {
    'streamstack.yaml': 'log: { level: error }\n',
    ...Object.fromEntries(FORMATS.map((format) => [`endpoints/${format}.json`, endpoint(format)])),
  }
}
