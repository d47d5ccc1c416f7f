import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { FanOutRound, type FanOutTimes } from './harness/fan-out-round.ts'
import { interleave } from './harness/interleave.ts'
import { type Report, type ScenarioOptions, type Table, count, fixed } from './harness/scenario.ts'
import { type ServerProcess, startServer } from './harness/server-process.ts'
import { SseListener } from './harness/sse-listener.ts'
import { median, quantile } from './harness/statistics.ts'
import { appendTo, createStream } from './harness/stream-calls.ts'
import { streamsWorkspace } from './harness/streams-workspace.ts'
import { withWorkspace } from './harness/temporary-workspace.ts'

const KILOBYTE = 1024
/** More than the buffers of a connection take, so that a reader that stopped is waited for. */
const BACKLOG_APPENDS = 48
const BACKLOG_BYTES = 512 * KILOBYTE
/** How long the one that stops reads what its buffers take. */
const PAUSE_MS = 300

interface Contender {
  readonly label: string
  readonly server: ServerProcess
}

interface Measured {
  p50Ms: number
  p99Ms: number
  /** From the answer of the append. */
  afterAnswerP50Ms: number
  afterAnswerP99Ms: number
  answerP50Ms: number
  bytesEach: number
  /** Processor time of the server for one append to all readers. */
  serverCpuMs: number
  clientCpu: number
}

/** The end of the distribution: of all payloads together, and of the payload in the middle, which a slow moment of the machine does not change. */
interface Tail {
  p99Ms: number
  typicalP99Ms: number
}

interface Stalled {
  alone: Tail
  beside: Tail
}

/** One stream, very many live readers. */
export async function fanOut({ quick, alone = false }: ScenarioOptions): Promise<Report> {
  const readers = quick ? 200 : 1_000
  const appends = quick ? 30 : 100
  return withWorkspace({}, async (dir) => {
    const contenders: Contender[] = []
    const add = async (label: string, name: string, options: unknown): Promise<ServerProcess> => {
      const server = await startServer(name, options)
      contenders.push({ label, server })
      return server
    }
    try {
      const ours = await add('streamstack', 'streamstack', await streamsWorkspace(join(dir, 'sqlite'), 'sqlite'))
      const memory = await add(
        'streamstack, in memory',
        'streamstack',
        await streamsWorkspace(join(dir, 'memory'), 'memory'),
      )
      if (!alone) {
        await add('node:http, by hand', 'fan-out-limit', { write: 'response' })
        await add('limit', 'fan-out-limit', { write: 'socket' })
      }
      for (const server of [ours, memory]) await createStream(server.port, 'news', 'text/plain')
      // Warm: code compiled, young generation grown.
      for (const { server } of contenders) await measure(server, readers / 10, appends * 2)
      const results = await interleave(contenders, { warmups: 0, rounds: quick ? 2 : 4 }, ({ server }) =>
        measure(server, readers, appends),
      )
      const measured = new Map([...results].map(([{ label }, rounds]) => [label, medians(rounds)]))
      const stalled = await measureStalled(ours, readers, quick ? 2 : 16)
      return report(readers, measured, stalled)
    } finally {
      for (const { server } of contenders) await server.stop()
    }
  })
}

async function measure(server: ServerProcess, readers: number, appends: number): Promise<Measured> {
  const idleBytes = await server.memory(true)
  const round = await FanOutRound.open(server.port, 'news', readers)
  try {
    await round.append(appends / 4)
    const startMs = performance.now()
    const startCpu = process.cpuUsage()
    const startServerCpuMs = await server.cpuMs()
    const { afterSentMs, afterAnswerMs, answerMs } = await round.append(appends)
    const { user, system } = process.cpuUsage(startCpu)
    const elapsedMs = performance.now() - startMs
    return {
      p50Ms: quantile(afterSentMs, 0.5),
      p99Ms: quantile(afterSentMs, 0.99),
      afterAnswerP50Ms: quantile(afterAnswerMs, 0.5),
      afterAnswerP99Ms: quantile(afterAnswerMs, 0.99),
      answerP50Ms: quantile(answerMs, 0.5),
      bytesEach: ((await server.memory(false)) - idleBytes) / readers,
      serverCpuMs: ((await server.cpuMs()) - startServerCpuMs) / appends,
      clientCpu: (user + system) / 1_000 / elapsedMs,
    }
  } finally {
    round.close()
  }
}

/** The p99 of readers alone and beside one that has stopped reading, in turns of a second. Each comes after the same pause, and each first every other time. */
async function measureStalled({ port }: ServerProcess, readers: number, turns: number): Promise<Stalled> {
  for (let i = 0; i < BACKLOG_APPENDS; i++) await appendTo(port, 'news', 'text/plain', Buffer.alloc(BACKLOG_BYTES, 'x'))
  const round = await FanOutRound.open(port, 'news', readers)
  const alone: FanOutTimes[] = []
  const beside: FanOutTimes[] = []
  const turnOf = async (isBeside: boolean): Promise<void> => {
    const stalled = isBeside ? openStalled(port) : null
    await sleep(PAUSE_MS)
    await round.append(10)
    const times = await round.append(50)
    if (isBeside) beside.push(times)
    else alone.push(times)
    stalled?.close()
  }
  try {
    await round.append(25)
    for (let turn = 0; turn < turns; turn++) {
      await turnOf(turn % 2 === 1)
      await turnOf(turn % 2 === 0)
    }
    return { alone: tail(alone), beside: tail(beside) }
  } finally {
    round.close()
  }
}

/** Reads from the start of the stream as much as the buffers of a connection take, and then no more. */
function openStalled(port: number): SseListener {
  const stalled = new SseListener(port, '/v1/stream/news?offset=-1&live=sse', 0, () => undefined)
  stalled.rest()
  return stalled
}

function tail(turns: readonly FanOutTimes[]): Tail {
  const p99sMs = turns.flatMap(({ perAppendMs }) => perAppendMs.map((each) => quantile(each, 0.99)))
  const all = turns.flatMap(({ perAppendMs }) => perAppendMs.flat())
  return { p99Ms: quantile(all, 0.99), typicalP99Ms: median(p99sMs) }
}

function medians(rounds: readonly Measured[]): Measured {
  const of = (key: keyof Measured): number => median(rounds.map((round) => round[key]))
  return {
    p50Ms: of('p50Ms'),
    p99Ms: of('p99Ms'),
    afterAnswerP50Ms: of('afterAnswerP50Ms'),
    afterAnswerP99Ms: of('afterAnswerP99Ms'),
    answerP50Ms: of('answerP50Ms'),
    // Later rounds find what earlier ones left.
    bytesEach: Math.max(...rounds.map(({ bytesEach }) => bytesEach)),
    serverCpuMs: of('serverCpuMs'),
    clientCpu: of('clientCpu'),
  }
}

function report(readers: number, measured: ReadonlyMap<string, Measured>, { alone, beside }: Stalled): Report {
  const ours = measured.get('streamstack') as Measured
  const limit = measured.get('limit') ?? ours
  const change = beside.typicalP99Ms / alone.typicalP99Ms - 1
  const each = ours.bytesEach / KILOBYTE
  const table: Table = {
    caption: '50 appends a second',
    columns: [
      '',
      'p50',
      'p99',
      'after the answer',
      'p99',
      'append answered',
      'memory each',
      'server CPU',
      'client CPU',
    ],
    rows: [...measured].map(([label, of]) => [
      label,
      `${fixed(of.p50Ms, 1)} ms`,
      `${fixed(of.p99Ms, 1)} ms`,
      `${fixed(of.afterAnswerP50Ms, 1)} ms`,
      `${fixed(of.afterAnswerP99Ms, 1)} ms`,
      `${fixed(of.answerP50Ms, 1)} ms`,
      `${fixed(of.bytesEach / KILOBYTE, 1)} KiB`,
      `${fixed(of.serverCpuMs, 1)} ms`,
      `${Math.round(of.clientCpu * 100)} %`,
    ]),
  }
  const ratio = ours.p50Ms / limit.p50Ms
  return {
    title: `One stream, ${count(readers)} SSE readers`,
    method: `Payloads of 200 bytes carry their number; every reader must get each once and in order. Times are from the moment the append was written to its connection to the moment a reader has it, and from its answer; all readers count. \`limit\` is node:http that writes the same bytes, framed once, to all sockets in one loop and keeps nothing: the floor of this machine, with the client that reads ${count(readers)} sockets beside the server. Memory is the resident memory at the end of a round, without forcing a garbage collection, above that before the readers came. The reader that stops is ${Math.round((BACKLOG_APPENDS * BACKLOG_BYTES) / KILOBYTE / KILOBYTE)} MiB behind; turns of a second with and without it alternate, each after the same pause, and the payload in the middle is compared: the slowest of a few hundred payloads are the machine's.`,
    tables: [
      table,
      {
        caption: 'Beside one reader that stopped reading',
        columns: ['', 'p99 of the median payload', 'p99 of all'],
        rows: Object.entries({ alone, 'beside it': beside }).map(([label, of]) => [
          label,
          `${fixed(of.typicalP99Ms, 1)} ms`,
          `${fixed(of.p99Ms, 1)} ms`,
        ]),
      },
    ],
    measures: [
      { what: 'p50, ms', value: ours.p50Ms, better: 'less' },
      { what: 'p99, ms', value: ours.p99Ms, better: 'less' },
      { what: 'server CPU for one append, ms', value: ours.serverCpuMs, better: 'less' },
    ],
    goals: [
      { what: 'p50', goal: '≤ 4 ms', isAim: true, measured: `${fixed(ours.p50Ms, 1)} ms`, met: ours.p50Ms <= 4 },
      { what: 'p50 against the limit', goal: '≤ 1.5 ×', measured: `${fixed(ratio, 2)} ×`, met: ratio <= 1.5 },
      { what: 'p99', goal: '≤ 25 ms', measured: `${fixed(ours.p99Ms, 1)} ms`, met: ours.p99Ms <= 25 },
      { what: 'memory of each', goal: '≤ 30 KiB', measured: `${fixed(each, 1)} KiB`, met: each <= 30 },
      {
        what: 'p99 beside one that stopped',
        goal: '< +10 %',
        measured: `${change < 0 ? '−' : '+'}${fixed(Math.abs(change) * 100, 0)} %`,
        met: change < 0.1,
      },
    ],
  }
}
