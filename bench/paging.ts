import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { pino } from 'pino'
import { Engine } from '../packages/streamstack/src/engine/index.ts'
import { importRecords } from '../packages/streamstack/src/table/index.ts'
import { databaseFile } from '../packages/streamstack/src/table/sqlite/connection.ts'
import { type Flight, readFlights } from './contenders/flights.ts'
import { Connection } from './harness/connection.ts'
import { ExpectedBody } from './harness/expected-body.ts'
import { interleave } from './harness/interleave.ts'
import { type Report, type ScenarioOptions, count, fixed } from './harness/scenario.ts'
import { type ServerProcess, startServer } from './harness/server-process.ts'
import { median } from './harness/statistics.ts'
import { withWorkspace } from './harness/temporary-workspace.ts'

const WORKSPACE = fileURLToPath(new URL('paging-workspace', import.meta.url))
const MEGABYTE = 1024 * 1024

interface Contender {
  name: string
  rows: number
  server: ServerProcess
  /** The body that was checked record by record; later ones must be the same. */
  expected: Buffer
  coldFirstMs: number
}

interface Reading {
  endMs: number
  firstByteMs: number
  bytesAboveIdle: number
}

/** The offset loop of a large data set, against the same loop written by hand. */
export async function paging({ quick }: ScenarioOptions): Promise<Report> {
  const rows = quick ? 40_000 : 200_000
  const flights = await readFlights(rows)
  return withWorkspace({}, async (data) => {
    const contenders: Contender[] = []
    try {
      for (const part of [rows, rows / 4]) {
        const folder = join(data, String(part))
        await importFlights(flights.slice(0, part), folder)
        contenders.push(
          await prepare(
            'streamstack',
            part,
            flights,
            await startServer('streamstack', { dir: WORKSPACE, data: folder }),
          ),
        )
        contenders.push(
          await prepare(
            'fastify',
            part,
            flights,
            await startServer('paging-fastify', { file: join(folder, databaseFile) }),
          ),
        )
      }
      const readings = await interleave(contenders, { warmups: 1, rounds: quick ? 3 : 5 }, read)
      return report(rows, readings)
    } finally {
      for (const { server } of contenders) await server.stop()
    }
  })
}

function report(rows: number, readings: ReadonlyMap<Contender, readonly Reading[]>): Report {
  const results = [...readings].map(([contender, measured]) => ({
    ...contender,
    endMs: median(measured.map(({ endMs }) => endMs)),
    firstByteMs: median(measured.map(({ firstByteMs }) => firstByteMs)),
    bytesAboveIdle: Math.max(...measured.map(({ bytesAboveIdle }) => bytesAboveIdle)),
  }))
  const of = (name: string, part: number): (typeof results)[number] =>
    results.find((result) => result.name === name && result.rows === part) as (typeof results)[number]
  const ours = of('streamstack', rows)
  const faster = of('fastify', rows).endMs / ours.endMs
  const growth = ours.endMs / of('streamstack', rows / 4).endMs
  const memory = ours.bytesAboveIdle / MEGABYTE
  return {
    title: `An offset loop over ${count(rows)} flights`,
    method:
      'Real flights (vega-datasets) in the embedded database, streamed in pages of 100 by the offset loop of `bench/paging-workspace`. By hand: Fastify and node:sqlite on the same database file, `LIMIT ? OFFSET ?`, `JSON.stringify`, a generator. Each body is compared record by record with the data once, then byte by byte with itself. Memory is the largest resident memory while streaming, above that of the same process right before, after garbage collections; the largest of all rounds.',
    tables: [
      {
        caption: 'One reader',
        columns: ['', 'rows', 'time', 'rows/s', 'first rows', 'first rows, cold', 'memory above idle'],
        rows: results.map((result) => [
          result.name,
          count(result.rows),
          `${count(result.endMs)} ms`,
          count(result.rows / (result.endMs / 1_000)),
          `${fixed(result.firstByteMs, 1)} ms`,
          `${fixed(result.coldFirstMs, 1)} ms`,
          `${fixed(result.bytesAboveIdle / MEGABYTE, 1)} MiB`,
        ]),
      },
    ],
    goals: [
      { what: 'against fastify', goal: '≥ 8 ×', measured: `${fixed(faster, 1)} ×`, met: faster >= 8 },
      { what: 'four times the rows take', goal: '≤ 4.4 ×', measured: `${fixed(growth, 2)} ×`, met: growth <= 4.4 },
      { what: 'memory above idle', goal: '≤ 40 MiB', measured: `${fixed(memory, 1)} MiB`, met: memory <= 40 },
      {
        what: 'first rows, first call of the process',
        goal: '≤ 100 ms',
        measured: `${fixed(ours.coldFirstMs, 1)} ms`,
        met: ours.coldFirstMs <= 100,
      },
    ],
  }
}

async function importFlights(flights: readonly Flight[], folder: string): Promise<void> {
  const file = `${folder}.json`
  await writeFile(file, JSON.stringify(flights))
  const engine = await Engine.open({ dir: WORKSPACE, dataFolder: folder, log: pino({ level: 'error' }) })
  try {
    const { inserted } = await importRecords(engine.records, { file, table: 'flights' })
    if (inserted !== flights.length) throw new Error(`only ${inserted} of ${flights.length} flights were imported`)
  } finally {
    await engine.close()
  }
}

/** The first call: cold; its body is compared with the data. */
async function prepare(
  name: string,
  rows: number,
  flights: readonly Flight[],
  server: ServerProcess,
): Promise<Contender> {
  const pieces: Buffer[] = []
  const { firstByteMs } = await call(name, server, (buffer, start, end) => {
    pieces.push(Buffer.from(buffer.subarray(start, end)))
  })
  const expected = Buffer.concat(pieces)
  checkRecords(name, expected.toString(), flights.slice(0, rows))
  return { name, rows, server, expected, coldFirstMs: firstByteMs }
}

async function read({ name, server, expected }: Contender): Promise<Reading> {
  const body = new ExpectedBody(expected, name)
  const idleBytes = await server.memory(true)
  await server.peakMemory()
  const { endMs, firstByteMs } = await call(name, server, body.take)
  body.finish()
  return { endMs, firstByteMs, bytesAboveIdle: (await server.peakMemory()) - idleBytes }
}

async function call(
  name: string,
  server: ServerProcess,
  onPiece: (buffer: Buffer, start: number, end: number) => void,
): Promise<{ firstByteMs: number; endMs: number }> {
  const connection = new Connection(server.port)
  try {
    return await connection.request(name === 'streamstack' ? '/flights' : '/', onPiece)
  } finally {
    connection.close()
  }
}

function checkRecords(name: string, body: string, flights: readonly Flight[]): void {
  const lines = body.split('\n')
  if (lines.pop() !== '' || lines.pop() !== '[COMPLETE]') throw new Error(`${name} did not end with [COMPLETE]`)
  const records = lines.flatMap((line) => JSON.parse(line) as (Flight & { id: number })[])
  const isRight =
    records.length === flights.length &&
    records.every(({ id, delay, distance, time }, index) => {
      const flight = flights[index]
      return id === index + 1 && delay === flight?.delay && distance === flight.distance && time === flight.time
    })
  if (!isRight) throw new Error(`${name} sent ${records.length} records that are not the ${flights.length} flights`)
}
