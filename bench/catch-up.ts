import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Connection } from './harness/connection.ts'
import { interleave } from './harness/interleave.ts'
import { sendAll, streamRequest } from './harness/request-loop.ts'
import { RowCounter } from './harness/row-counter.ts'
import { type Report, type ScenarioOptions, count } from './harness/scenario.ts'
import { type ServerProcess, startServer } from './harness/server-process.ts'
import { median } from './harness/statistics.ts'
import { closeStream, createStream, streamPath } from './harness/stream-calls.ts'
import { streamsWorkspace } from './harness/streams-workspace.ts'
import { withWorkspace } from './harness/temporary-workspace.ts'

const CONTENT_TYPE = 'application/json'
const PRODUCERS = 50
/** What stands between the quotes of each message; its first byte stands nowhere else in an answer. */
const ROW = Buffer.from('~The quick brown fox jumps over the lazy dog. '.padEnd(98, '.'))
const MESSAGE = Buffer.from(JSON.stringify(ROW.toString()))
/** So that the log has moved the chunks to where old ones are read from. */
const SETTLE_MS = 1_000

type Log = 'memory' | 'sqlite'
type Way = 'pages' | 'sse'

interface Contender {
  readonly log: Log
  readonly way: Way
  readonly server: ServerProcess
}

const leastRates: Readonly<Record<Log, number>> = { memory: 500_000, sqlite: 200_000 }

/** One reader of a long stream, from its start. */
export async function catchUp({ quick }: ScenarioOptions): Promise<Report> {
  const chunks = quick ? 10_000 : 100_000
  return withWorkspace({}, async (dir) => {
    const contenders: Contender[] = []
    try {
      for (const log of ['memory', 'sqlite'] as const) {
        const server = await startServer('streamstack', await streamsWorkspace(join(dir, log), log))
        contenders.push({ log, way: 'pages', server }, { log, way: 'sse', server })
        await fill(server, chunks)
      }
      await sleep(SETTLE_MS)
      const results = await interleave(contenders, { warmups: 2, rounds: quick ? 3 : 9 }, ({ server, way }) =>
        way === 'pages' ? readPages(server, chunks) : readEvents(server, chunks),
      )
      const rates = [...results].map(([contender, elapsedMs]) => ({
        ...contender,
        rate: chunks / (median(elapsedMs) / 1_000),
      }))
      return {
        title: `Catching up with ${count(chunks)} chunks`,
        method: `Each chunk is one JSON message of ${MESSAGE.length} bytes and was an append of its own. \`pages\`: GET after GET from the offset that the last one gave, as the protocol's clients catch up; \`sse\`: one live read of the stream, which is closed. One connection, every row compared.`,
        tables: [
          {
            caption: 'One reader from the start',
            columns: ['', 'pages', 'sse'],
            rows: (['memory', 'sqlite'] as const).map((log) => [
              `streams.log: ${log}`,
              ...rates.filter((found) => found.log === log).map(({ rate }) => `${count(rate)} chunks/s`),
            ]),
          },
        ],
        measures: rates.map(({ log, way, rate }) => ({
          what: `${log}, ${way}, chunks a second`,
          value: rate,
          better: 'more',
        })),
        goals: rates.map(({ log, way, rate }) => ({
          what: `${log}, ${way}`,
          goal: `≥ ${count(leastRates[log])} chunks/s`,
          measured: count(rate),
          met: rate >= leastRates[log],
        })),
      }
    } finally {
      for (const server of new Set(contenders.map((contender) => contender.server))) await server.stop()
    }
  })
}

async function fill({ port }: ServerProcess, chunks: number): Promise<void> {
  await createStream(port, 'long', CONTENT_TYPE)
  const request = streamRequest('POST', streamPath('long'), CONTENT_TYPE, MESSAGE)
  let left = chunks
  await sendAll(port, PRODUCERS, () => () => (left-- > 0 ? request : null))
  await closeStream(port, 'long')
}

async function readPages({ port }: ServerProcess, chunks: number): Promise<number> {
  const connection = new Connection(port, 262_144)
  try {
    await connection.opened
    const startMs = performance.now()
    let rows = 0
    for (let offset = '-1'; ;) {
      const counter = new RowCounter(ROW)
      const { head } = await connection.request(`${streamPath('long')}?offset=${offset}`, counter.take)
      rows += counter.rows
      offset = /\r\nstream-next-offset: (\S+)/i.exec(head)?.[1] ?? ''
      if (/\r\nstream-up-to-date: true/i.test(head)) break
    }
    return finished(rows, chunks, startMs)
  } finally {
    connection.close()
  }
}

async function readEvents({ port }: ServerProcess, chunks: number): Promise<number> {
  const connection = new Connection(port, 262_144)
  try {
    await connection.opened
    const startMs = performance.now()
    const counter = new RowCounter(ROW)
    await connection.request(`${streamPath('long')}?offset=-1&live=sse`, counter.take)
    return finished(counter.rows, chunks, startMs)
  } finally {
    connection.close()
  }
}

function finished(rows: number, chunks: number, startMs: number): number {
  if (rows !== chunks) throw new Error(`${rows} of ${chunks} chunks came`)
  return performance.now() - startMs
}
