import { setTimeout as sleep } from 'node:timers/promises'
import { Connection } from './harness/connection.ts'
import { type Report, type ScenarioOptions, count, fixed } from './harness/scenario.ts'
import { type ServerProcess, startServer } from './harness/server-process.ts'
import { quantile } from './harness/statistics.ts'
import { withWorkspace } from './harness/temporary-workspace.ts'

const INTERVAL_MS = 1_000
const KILOBYTE = 1024
const BATCH = 25

/** Many open streams that each send a chunk now and then: what an open stream costs, and whether it keeps time. */
export async function paced({ quick }: ScenarioOptions): Promise<Report> {
  const streams = quick ? 500 : 5_000
  const chunks = quick ? 6 : 15
  const rampMs = quick ? 1_000 : 5_000
  return withWorkspace(pacedWorkspace(chunks), async (dir) => {
    const server = await startServer('streamstack', { dir })
    try {
      // Warm: code compiled, young generation grown.
      await openAll(server, { streams: streams / 5, chunks: 3, rampMs: 1_000, path: '/warm' })
      const idleBytes = await server.memory(true)
      const cpuBeforeMs = await server.cpuMs()
      await server.peakMemory()
      const reading = openAll(server, { streams, chunks, rampMs, path: '/paced' })
      // All are open when the ramp is over, and none has ended yet.
      await sleep(rampMs + ((chunks - 1) * INTERVAL_MS - rampMs) / 2)
      const openBytes = await server.memory(false)
      const { latenessMs, elapsedMs } = await reading
      const peakBytes = await server.peakMemory()
      const cpu = ((await server.cpuMs()) - cpuBeforeMs) / elapsedMs
      const each = (openBytes - idleBytes) / streams / KILOBYTE
      const p99Ms = quantile(latenessMs, 0.99)
      return {
        title: `${count(streams)} open paced streams`,
        method: `Each sends ${chunks} chunks, one a second, and all are open at once; they start over ${rampMs / 1_000} s. The first chunk is due when the request is written, chunk i is due i seconds after the first came; what one comes later than that is its lateness. Memory is the resident memory of the process while all are open, above that before the first, without forcing a garbage collection.`,
        tables: [
          {
            caption: 'In one process',
            columns: [
              'streams',
              'chunks',
              'lateness p50',
              'p99',
              'largest',
              'memory each',
              'at the peak',
              'server CPU',
            ],
            rows: [
              [
                count(streams),
                count(latenessMs.length),
                `${fixed(quantile(latenessMs, 0.5), 1)} ms`,
                `${fixed(p99Ms, 1)} ms`,
                `${fixed(quantile(latenessMs, 1), 1)} ms`,
                `${fixed(each, 1)} KiB`,
                `${fixed((peakBytes - idleBytes) / streams / KILOBYTE, 1)} KiB`,
                `${Math.round(cpu * 100)} %`,
              ],
            ],
          },
        ],
        goals: [
          { what: 'memory of each', goal: '≤ 30 KiB', measured: `${fixed(each, 1)} KiB`, met: each <= 30 },
          { what: 'lateness p99', goal: '≤ 50 ms', measured: `${fixed(p99Ms, 1)} ms`, met: p99Ms <= 50 },
          // A stream that lost or doubled a chunk has thrown by now.
          { what: 'chunks lost', goal: '0', measured: '0', met: true },
        ],
      }
    } finally {
      await server.stop()
    }
  })
}

async function openAll(
  server: ServerProcess,
  { streams, chunks, rampMs, path }: { streams: number; chunks: number; rampMs: number; path: string },
): Promise<{ latenessMs: number[]; elapsedMs: number }> {
  const startMs = performance.now()
  const latenessMs: number[] = []
  const open: Promise<void>[] = []
  for (let i = 0; i < streams; i++) {
    if (i % BATCH === 0) await sleep(Math.max(0, startMs + (i / streams) * rampMs - performance.now()))
    open.push(readPaced(server, path, chunks, latenessMs))
  }
  await Promise.all(open)
  return { latenessMs, elapsedMs: performance.now() - startMs }
}

/** Reads one stream, checks that the chunks 0, 1, 2 … come, and notes how late each is. */
async function readPaced(server: ServerProcess, path: string, chunks: number, latenessMs: number[]): Promise<void> {
  const connection = new Connection(server.port, KILOBYTE)
  try {
    await connection.opened
    const sentAtMs = performance.now()
    let next = 0
    let line = ''
    let firstAtMs = 0
    await connection.request(`${path}?format=lines`, (buffer, start, end) => {
      line += buffer.toString('latin1', start, end)
      for (let cut = line.indexOf('\n'); cut !== -1; cut = line.indexOf('\n')) {
        if (line.slice(0, cut) !== `tick ${next}`) throw new Error(`'${line.slice(0, cut)}' came for 'tick ${next}'`)
        const nowMs = performance.now()
        if (next === 0) firstAtMs = nowMs
        latenessMs.push(next === 0 ? nowMs - sentAtMs : nowMs - (firstAtMs + next * INTERVAL_MS))
        line = line.slice(cut + 1)
        next++
      }
    })
    if (next !== chunks || line !== '') throw new Error(`a stream ended after ${next} of ${chunks} chunks`)
  } finally {
    connection.close()
  }
}

function pacedWorkspace(chunks: number): Record<string, unknown> {
  const endpoint = (path: string, ticks: number): unknown => ({
    endpoint_settings: { method: 'GET', path, response_type: 'streaming' },
    function_stack: [
      { function: 'Create Variable', name: 'ticks', value: Array.from({ length: ticks }, (_, tick) => tick) },
      {
        function: 'For Each',
        input: '{{ticks}}',
        inner_functions: [{ function: 'Streaming API Response', content: 'tick {{item}}', delay: INTERVAL_MS }],
      },
    ],
  })
  return {
    'streamstack.yaml': 'log: { level: error }\n',
    'endpoints/paced.json': endpoint('/paced', chunks),
    'endpoints/warm.json': endpoint('/warm', 3),
  }
}
