import { randomInt } from 'node:crypto'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
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

/** Very many streams that nobody uses: they cost disk, not memory. */
export async function manyStreams({ quick }: ScenarioOptions): Promise<Report> {
  const streams = quick ? 10_000 : 100_000
  const forMs = quick ? 300 : 1_000
  return withWorkspace({}, async (dir) => {
    const server = await startServer('streamstack', await streamsWorkspace(join(dir, 'streams'), 'sqlite'))
    try {
      const busy = Array.from({ length: CONNECTIONS }, (_, index) => `busy-${index}`)
      for (const name of busy) await createStream(server.port, name, CONTENT_TYPE)
      // Warm: code compiled, young generation grown, caches filled.
      await makeStreams(server, 'warm', streams / 4)
      for (let round = 0; round < 3; round++) await appendRate(server, forMs, (index) => busy[index] ?? '')
      const rates = async (name: (connection: number) => string): Promise<number> => {
        const found: number[] = []
        for (let round = 0; round < 3; round++) found.push(await appendRate(server, forMs, name))
        return median(found)
      }
      const rateBefore = await rates((index) => busy[index] ?? '')
      await sleep(SETTLE_MS)
      const bytesBefore = await server.memory(true)
      const usedBefore = await server.usedMemory()
      const madePerSecond = await makeStreams(server, 'idle', streams)
      await sleep(SETTLE_MS)
      const bytesAfter = await server.memory(true)
      const usedAfter = await server.usedMemory()
      const rateAfter = await rates((index) => busy[index] ?? '')
      const rateCold = await appendRate(server, forMs, () => `idle/${randomInt(streams)}`)
      const grown = (bytesAfter - bytesBefore) / MEGABYTE
      const usedMore = (usedAfter - usedBefore) / MEGABYTE
      const ratio = rateAfter / rateBefore
      return {
        title: `${count(streams)} idle streams on one server`,
        method: `Streams are made over ${CONNECTIONS} connections, each with a first chunk of ${ROW.length} bytes, on disk before it is answered. Memory in use is what the main thread's heap and buffers hold after garbage collections, resident memory that of the process, whose heap keeps room; before, ${count(streams / 4)} streams were there already and ${CONNECTIONS} were appended to, so that buffers and caches have their size. Appends go to ${CONNECTIONS} streams over as many connections; \`any idle stream\`: each to one of the ${count(streams)} by chance, whose state comes from disk.`,
        tables: [
          {
            caption: 'Before and after',
            columns: ['', 'before', 'after'],
            rows: [
              ['memory in use', `${fixed(usedBefore / MEGABYTE, 1)} MiB`, `${fixed(usedAfter / MEGABYTE, 1)} MiB`],
              ['resident memory', `${fixed(bytesBefore / MEGABYTE, 1)} MiB`, `${fixed(bytesAfter / MEGABYTE, 1)} MiB`],
              ['appends', `${count(rateBefore)}/s`, `${count(rateAfter)}/s`],
              ['appends, any idle stream', '', `${count(rateCold)}/s`],
              ['streams made', '', `${count(madePerSecond)}/s`],
            ],
          },
        ],
        goals: [
          { what: 'memory in use, more', goal: '≤ 5 MiB', measured: `${fixed(usedMore, 1)} MiB`, met: usedMore <= 5 },
          { what: 'resident memory, more', goal: '≤ 40 MiB', measured: `${fixed(grown, 1)} MiB`, met: grown <= 40 },
          { what: 'appends, after against before', goal: '≥ 0.8 ×', measured: `${fixed(ratio, 2)} ×`, met: ratio >= 0.8 },
        ],
      }
    } finally {
      await server.stop()
    }
  })
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

async function appendRate(
  { port }: ServerProcess,
  forMs: number,
  name: (connection: number) => string,
): Promise<number> {
  const startMs = performance.now()
  const durationsMs = await sendAll(
    port,
    CONNECTIONS,
    (connection) => () =>
      performance.now() - startMs < forMs
        ? streamRequest('POST', streamPath(name(connection)), CONTENT_TYPE, ROW)
        : null,
  )
  return durationsMs.length / ((performance.now() - startMs) / 1_000)
}
