import { parentPort, workerData } from 'node:worker_threads'
import { failureOf } from '../../storage/index.ts'
import { markKeys } from '../query.ts'
import { StatementCache, openConnection } from './connection.ts'
import type { Cells } from './connection.ts'
import { SLICES_AHEAD_MAX } from './reader-protocol.ts'
import { TextWorkExceeded } from './text-functions.ts'
import type { ReadAnswer, ReadRequest, ReaderData } from './reader-protocol.ts'

/** Records go to the main thread in slices of this many, small enough to be taken in without a pause. */
const SLICE_RECORDS = 500
/** How much text one statement may look through: about a gigabyte with a plain pattern, some seconds. */
const TEXT_STEPS_MAX = 1_000_000_000
/** A slice with long texts ends earlier. */
const SLICE_CHARACTERS = 128 * 1024

const port = parentPort
if (port === null) throw new Error('The reader runs as a worker thread.')
const { path }: ReaderData = workerData
const { database, textWork } = openConnection(path, { readOnly: true, busyTimeoutMs: 5000 })
const statements = new StatementCache(database)

port.on('message', (request: ReadRequest) => {
  textWork.steps = TEXT_STEPS_MAX
  try {
    answer(request.count ? count(request) : read(request))
  } catch (error) {
    answer({ ...failureOf(error), id: request.id, tooMuchText: error instanceof TextWorkExceeded })
  }
})

function answer(message: ReadAnswer): void {
  port?.postMessage(message)
}

function count(request: ReadRequest): ReadAnswer {
  const { sql, parameters } = request.statements[0]!
  const row = statements.prepare(sql).statement.get(...parameters)
  return { kind: 'end', id: request.id, keys: null, count: Number(row?.[0]), overBytes: false }
}

/** All statements see one state of the database, however long they take. */
function read(request: ReadRequest): ReadAnswer {
  database.exec('BEGIN')
  try {
    return readAll(request)
  } finally {
    database.exec('COMMIT')
  }
}

function readAll(request: ReadRequest): ReadAnswer {
  const { id } = request
  let length = 0
  let characters = 0
  let slices = 0
  let last: Cells | null = null
  for (const { sql, parameters, hasOffset } of request.statements) {
    const bounds = hasOffset ? [request.limit, request.offset] : [request.limit - length]
    let texts: string[] = []
    let size = 0
    for (const row of statements.prepare(sql).statement.iterate(...parameters, ...bounds)) {
      const text = String(row[0])
      texts.push(text)
      size += text.length
      length += 1
      last = row
      if (texts.length < SLICE_RECORDS && size < SLICE_CHARACTERS) continue
      answer({ kind: 'slice', id, json: texts.join(','), length: texts.length })
      slices += 1
      waitForMain(request.taken, slices)
      characters += size
      texts = []
      size = 0
      if (characters > request.bytesMax) return { kind: 'end', id, keys: null, count: length, overBytes: true }
    }
    if (texts.length > 0) answer({ kind: 'slice', id, json: texts.join(','), length: texts.length })
    characters += size
    if (length >= request.limit) break
  }
  return {
    kind: 'end',
    id,
    keys: last === null ? null : markKeys(last.slice(1)),
    count: length,
    overBytes: characters > request.bytesMax,
  }
}

/** Sleeps while more slices are under way than the main thread takes in at one go, or it would do nothing else. */
function waitForMain(taken: ReadRequest['taken'], slices: number): void {
  for (let seen = Atomics.load(taken, 0); slices - seen >= SLICES_AHEAD_MAX; seen = Atomics.load(taken, 0)) {
    Atomics.wait(taken, 0, seen)
  }
}
