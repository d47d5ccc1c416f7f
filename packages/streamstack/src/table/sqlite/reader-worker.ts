import { parentPort, workerData } from 'node:worker_threads'
import { StatementCache, openConnection } from './connection.ts'
import type { ReadAnswer, ReadRequest, ReaderData } from './reader-protocol.ts'

/** Records go to the main thread in slices of this many, small enough to be taken in without a pause. */
const sliceRecords = 500
/** A slice with long texts ends earlier. */
const sliceCharacters = 128 * 1024

const port = parentPort
if (port === null) throw new Error('The reader runs as a worker thread.')
const database = openConnection((workerData as ReaderData).path, { readOnly: true, busyTimeoutMs: 5000 })
const statements = new StatementCache(database)

port.on('message', (request: ReadRequest) => {
  try {
    answer(request.count ? count(request) : read(request))
  } catch (error) {
    const errcode =
      error instanceof Error && 'errcode' in error && typeof error.errcode === 'number' ? error.errcode : null
    answer({ kind: 'failed', id: request.id, message: error instanceof Error ? error.message : String(error), errcode })
  }
})

function answer(message: ReadAnswer): void {
  port?.postMessage(message)
}

function count(request: ReadRequest): ReadAnswer {
  const { sql, parameters } = request.statements[0]!
  // The cache sets statements to give arrays, which the types of node:sqlite do not tell.
  const row = statements.prepare(sql).statement.get(...parameters) as unknown as readonly [number]
  return { kind: 'end', id: request.id, keys: null, count: row[0], overBytes: false }
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
  let keys: readonly (null | number | string)[] | null = null
  for (const { sql, parameters, hasOffset } of request.statements) {
    const bounds = hasOffset ? [request.limit, request.offset] : [request.limit - length]
    let texts: string[] = []
    let size = 0
    const rows = statements.prepare(sql).statement.iterate(...parameters, ...bounds) as unknown as Iterable<
      readonly [string, ...(null | number | string)[]]
    >
    for (const row of rows) {
      texts.push(row[0])
      size += row[0].length
      length += 1
      keys = row
      if (texts.length < sliceRecords && size < sliceCharacters) continue
      answer({ kind: 'slice', id, json: texts.join(','), length: texts.length })
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
    keys: keys === null ? null : keys.slice(1),
    count: length,
    overBytes: characters > request.bytesMax,
  }
}
