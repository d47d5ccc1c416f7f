import { join } from 'node:path'
import { interleave } from './harness/interleave.ts'
import { sendAll, streamRequest } from './harness/request-loop.ts'
import { type Report, type ScenarioOptions, count, fixed } from './harness/scenario.ts'
import { type ServerProcess, startServer } from './harness/server-process.ts'
import { median, quantile } from './harness/statistics.ts'
import { createStream, streamBytes, streamPath } from './harness/stream-calls.ts'
import { streamsWorkspace } from './harness/streams-workspace.ts'
import { withWorkspace } from './harness/temporary-workspace.ts'

const PRODUCERS = 64
const ROW_BYTES = 256
const ROWS_PER_COMMIT = 64
const CONTENT_TYPE = 'application/octet-stream'

/** Whether each producer has a stream of its own or all append to one. */
type Shape = 'own' | 'one'

interface Contender {
  readonly label: string
  readonly server: ServerProcess
  readonly shape: Shape
  /** Whether what was appended can be read back. */
  readonly keeps: boolean
  appended: number
}

interface Round {
  rate: number
  /** Processor time of the server, all threads, for one append. */
  serverCpuMs: number
  p50Ms: number
  p99Ms: number
}

/** Small appends that are answered when they are on disk, many producers at once. */
export async function durableAppends({ quick }: ScenarioOptions): Promise<Report> {
  const forMs = quick ? 400 : 1_200
  const turns = { warmups: quick ? 1 : 2, rounds: quick ? 3 : 5 }
  return withWorkspace({}, async (dir) => {
    const servers: ServerProcess[] = []
    const start = async (name: string, options: unknown): Promise<ServerProcess> => {
      const server = await startServer(name, options)
      servers.push(server)
      return server
    }
    try {
      const ours = await start('streamstack', await streamsWorkspace(join(dir, 'ours'), 'sqlite'))
      const memory = await start('streamstack', await streamsWorkspace(join(dir, 'memory'), 'memory'))
      const reference = await start('reference', { dataDir: join(dir, 'reference') })
      const nowhere = await start('append-nowhere', null)
      const contenders: Contender[] = [
        { label: 'streamstack', server: ours, shape: 'own', keeps: true, appended: 0 },
        { label: 'reference', server: reference, shape: 'own', keeps: true, appended: 0 },
        { label: 'streamstack', server: ours, shape: 'one', keeps: true, appended: 0 },
        { label: 'reference', server: reference, shape: 'one', keeps: true, appended: 0 },
        { label: 'streamstack, in memory', server: memory, shape: 'own', keeps: true, appended: 0 },
        { label: 'node:http, keeps nothing', server: nowhere, shape: 'own', keeps: false, appended: 0 },
      ]
      for (const contender of contenders) if (contender.keeps) await createStreams(contender)
      const measured = await interleave(contenders, turns, (contender) => measure(contender, forMs))
      for (const contender of contenders) if (contender.keeps) await checkKept(contender)
      const rounds = new Map([...measured].map(([contender, results]) => [contender, medians(results)]))
      const straight: number[] = []
      for (let round = 0; round < turns.rounds; round++) {
        straight.push(await straightRate(join(dir, `limit-${round}.sqlite`), forMs / 2))
      }
      return report(contenders, rounds, median(straight))
    } finally {
      for (const server of servers) await server.stop()
    }
  })
}

async function createStreams(contender: Contender): Promise<void> {
  for (const name of streamsOf(contender)) await createStream(contender.server.port, name, CONTENT_TYPE)
}

function streamsOf({ shape }: Contender): readonly string[] {
  return shape === 'one' ? ['all'] : Array.from({ length: PRODUCERS }, (_, producer) => `producer-${producer}`)
}

async function measure(contender: Contender, forMs: number): Promise<Round> {
  const row = Buffer.alloc(ROW_BYTES, '0123456789abcdef')
  const names = streamsOf(contender)
  const startCpuMs = await contender.server.cpuMs()
  const startMs = performance.now()
  const durationsMs = await sendAll(contender.server.port, PRODUCERS, (producer) => {
    const request = streamRequest('POST', streamPath(names[producer % names.length] ?? ''), CONTENT_TYPE, row)
    return () => (performance.now() - startMs < forMs ? request : null)
  })
  const elapsedMs = performance.now() - startMs
  contender.appended += durationsMs.length
  return {
    rate: durationsMs.length / (elapsedMs / 1_000),
    serverCpuMs: ((await contender.server.cpuMs()) - startCpuMs) / durationsMs.length,
    p50Ms: quantile(durationsMs, 0.5),
    p99Ms: quantile(durationsMs, 0.99),
  }
}

/** Throws unless exactly what was told as kept is there. */
async function checkKept(contender: Contender): Promise<void> {
  let bytes = 0
  for (const name of streamsOf(contender)) bytes += await streamBytes(contender.server.port, name)
  if (bytes === contender.appended * ROW_BYTES) return
  throw new Error(`${contender.label} holds ${bytes} bytes after ${contender.appended} appends of ${ROW_BYTES}`)
}

async function straightRate(file: string, forMs: number): Promise<number> {
  const process = await startServer('append-sqlite', { file, bytes: ROW_BYTES, rowsPerCommit: ROWS_PER_COMMIT, forMs })
  await process.stop()
  return process.port
}

function medians(rounds: readonly Round[]): Round {
  return {
    rate: median(rounds.map(({ rate }) => rate)),
    serverCpuMs: median(rounds.map(({ serverCpuMs }) => serverCpuMs)),
    p50Ms: median(rounds.map(({ p50Ms }) => p50Ms)),
    p99Ms: median(rounds.map(({ p99Ms }) => p99Ms)),
  }
}

function report(contenders: readonly Contender[], rounds: ReadonlyMap<Contender, Round>, straight: number): Report {
  const rateOf = (label: string, shape: Shape): number => {
    const found = contenders.find((contender) => contender.label === label && contender.shape === shape)
    return found === undefined ? Number.NaN : (rounds.get(found)?.rate ?? Number.NaN)
  }
  const table = (caption: string, shape: Shape) => ({
    caption,
    columns: ['', 'appends/s', 'ours is', 'p50', 'p99', 'server CPU'],
    rows: [
      ...contenders
        .filter((contender) => contender.shape === shape)
        .map((contender) => {
          const { rate, p50Ms, p99Ms, serverCpuMs } = rounds.get(contender) as Round
          const ratio = `${fixed(rateOf('streamstack', shape) / rate, 2)} ×`
          const times = [`${fixed(p50Ms, 1)} ms`, `${fixed(p99Ms, 1)} ms`, `${fixed(serverCpuMs * 1_000, 0)} µs`]
          return [contender.label, count(rate), ratio, ...times]
        }),
      ...(shape === 'own'
        ? [
            [
              `node:sqlite, ${ROWS_PER_COMMIT} a commit`,
              count(straight),
              `${fixed(rateOf('streamstack', shape) / straight, 2)} ×`,
              '',
              '',
              '',
            ],
          ]
        : []),
    ],
  })
  const own = rateOf('streamstack', 'own')
  const ownRatio = own / rateOf('reference', 'own')
  const oneRatio = rateOf('streamstack', 'one') / rateOf('reference', 'one')
  return {
    title: `Durable appends of ${ROW_BYTES} bytes, ${PRODUCERS} producers`,
    method: `${PRODUCERS} keep-alive connections, each appending its next row over HTTP when the last was answered, which is when it is on disk; afterwards all streams are read back and must hold exactly what was answered. \`reference\` is the protocol's own Node server with its file store as it is by default: \`fdatasync\` of the stream's file before each answer, state in LMDB. Limits: the same requests to node:http that keeps nothing, and rows written straight into node:sqlite (WAL, FULL), ${ROWS_PER_COMMIT} a commit, without any server. Server CPU is the processor time of all its threads for one append. Servers and load share the machine's cores.`,
    tables: [
      table(`${PRODUCERS} streams, one for each producer`, 'own'),
      table(`One stream, all ${PRODUCERS} producers`, 'one'),
    ],
    measures: [
      { what: 'appends a second, on disk', value: own, better: 'more' },
      { what: 'appends a second, in memory', value: rateOf('streamstack, in memory', 'own'), better: 'more' },
    ],
    goals: [
      { what: 'appends a second', goal: '≥ 20,000', measured: count(own), met: own >= 20_000 },
      {
        what: 'against the reference, one stream',
        goal: '≥ 10 ×',
        measured: `${fixed(oneRatio, 1)} ×`,
        met: oneRatio >= 10,
      },
      {
        what: `against the reference, ${PRODUCERS} streams`,
        goal: '≥ 10 ×',
        measured: `${fixed(ownRatio, 1)} ×`,
        met: ownRatio >= 10,
      },
    ],
  }
}
