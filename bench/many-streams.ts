import { randomInt } from 'node:crypto'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { interleave } from './harness/interleave.ts'
import { sendAll, streamRequest } from './harness/request-loop.ts'
import { type Report, type ScenarioOptions, count, fixed } from './harness/scenario.ts'
import { type ServerProcess, startServer } from './harness/server-process.ts'
import { median } from './harness/statistics.ts'
import { createStream, streamPath } from './harness/stream-calls.ts'
import { streamsWorkspace } from './harness/streams-workspace.ts'
import { withWorkspace } from './harness/temporary-workspace.ts'

const CONTENT_TYPE = 'application/octet-stream'
const CONNECTIONS = 64
const ROW = Buffer.alloc(100, '0123456789')
const MEGABYTE = 1024 * 1024
/** The log has moved what it was given, and the young generation is empty. */
const SETTLE_MS = 1_500

/** Appends a second, and the processor time of the server for each. */
interface Appends {
  rate: number
  cpuMs: number
}

/** Very many idle streams: they cost disk, not memory. */
export async function manyStreams({ quick }: ScenarioOptions): Promise<Report> {
  const streams = quick ? 10_000 : 100_000
  const forMs = quick ? 300 : 1_000
  return withWorkspace({}, async (dir) => {
    const servers: ServerProcess[] = []
    const start = async (name: string): Promise<ServerProcess> => {
      const server = await startServer('streamstack', await streamsWorkspace(join(dir, name), 'sqlite'))
      servers.push(server)
      for (let i = 0; i < CONNECTIONS; i++) await createStream(server.port, busy(i), CONTENT_TYPE)
      return server
    }
    try {
      const few = await start('few')
      const many = await start('many')
      // Warm: code compiled, young generation grown, caches filled.
      await makeStreams(many, 'warm', streams / 4)
      for (const server of [few, many]) await appendRound(server, forMs, busy)
      await sleep(SETTLE_MS)
      const bytesBefore = await many.memory(true)
      const usedBefore = await many.usedMemory()
      const madePerSecond = await makeStreams(many, 'idle', streams)
      await sleep(SETTLE_MS)
      const bytesAfter = await many.memory(true)
      const usedAfter = await many.usedMemory()
      const contenders = [
        { label: 'beside no other stream', server: few, name: busy },
        { label: `beside ${count(streams)} idle ones`, server: many, name: busy },
        { label: `to any of the ${count(streams)}`, server: many, name: () => `idle/${randomInt(streams)}` },
      ]
      const results = await interleave(contenders, { warmups: 1, rounds: quick ? 3 : 5 }, ({ server, name }) =>
        appendRound(server, forMs, name),
      )
      const appends = [...results].map(([{ label }, rounds]) => ({
        label,
        rate: median(rounds.map(({ rate }) => rate)),
        cpuMs: median(rounds.map(({ cpuMs }) => cpuMs)),
      }))
      const grown = (bytesAfter - bytesBefore) / MEGABYTE
      const usedMore = (usedAfter - usedBefore) / MEGABYTE
      const ratio = (appends[1]?.rate ?? Number.NaN) / (appends[0]?.rate ?? Number.NaN)
      return {
        title: `${count(streams)} idle streams on one server`,
        method: `Streams are made over ${CONNECTIONS} connections, each with a first chunk of ${ROW.length} bytes, on disk before it is answered. Memory in use is what the main thread's heap and buffers hold after garbage collections, resident memory that of the process, whose heap keeps room; before, ${count(streams / 4)} streams were there already and ${CONNECTIONS} were appended to, so that buffers and caches have their size. Appends go to ${CONNECTIONS} streams over as many connections, in turns to a server with no other streams and to this one; then to any idle stream by chance, whose state comes from disk.`,
        tables: [
          {
            caption: 'Memory',
            columns: ['', 'before', 'after'],
            rows: [
              ['in use', `${fixed(usedBefore / MEGABYTE, 1)} MiB`, `${fixed(usedAfter / MEGABYTE, 1)} MiB`],
              ['resident', `${fixed(bytesBefore / MEGABYTE, 1)} MiB`, `${fixed(bytesAfter / MEGABYTE, 1)} MiB`],
            ],
          },
          {
            caption: 'Appends',
            columns: ['', 'a second', 'server CPU of each'],
            rows: [
              ...appends.map(({ label, rate, cpuMs }) => [label, count(rate), `${fixed(cpuMs * 1_000, 0)} µs`]),
              ['streams made', count(madePerSecond), ''],
            ],
          },
        ],
        goals: [
          { what: 'memory in use, more', goal: '≤ 5 MiB', measured: `${fixed(usedMore, 1)} MiB`, met: usedMore <= 5 },
          { what: 'resident memory, more', goal: '≤ 64 MiB', measured: `${fixed(grown, 1)} MiB`, met: grown <= 64 },
          {
            what: 'appends beside idle streams, against beside none',
            goal: '≥ 0.8 ×',
            measured: `${fixed(ratio, 2)} ×`,
            met: ratio >= 0.8,
          },
        ],
      }
    } finally {
      for (const server of servers) await server.stop()
    }
  })
}

function busy(connection: number): string {
  return `busy-${connection}`
}

/** Gives streams a second. */
async function makeStreams({ port }: ServerProcess, prefix: string, streams: number): Promise<number> {
  const startMs = performance.now()
  let made = 0
  await sendAll(port, CONNECTIONS, () => () => {
    if (made >= streams) return null
    return streamRequest('PUT', streamPath(`${prefix}/${made++}`), CONTENT_TYPE, ROW)
  })
  return streams / ((performance.now() - startMs) / 1_000)
}

async function appendRound(
  server: ServerProcess,
  forMs: number,
  name: (connection: number) => string,
): Promise<Appends> {
  const startCpuMs = await server.cpuMs()
  const startMs = performance.now()
  const { length } = await sendAll(
    server.port,
    CONNECTIONS,
    (connection) => () =>
      performance.now() - startMs < forMs
        ? streamRequest('POST', streamPath(name(connection)), CONTENT_TYPE, ROW)
        : null,
  )
  const rate = length / ((performance.now() - startMs) / 1_000)
  return { rate, cpuMs: ((await server.cpuMs()) - startCpuMs) / length }
}
