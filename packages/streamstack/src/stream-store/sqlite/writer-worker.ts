import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import { failureOf } from '../../storage/index.ts'
import { steadyNowMs } from '../expiry.ts'
import { chunkKey, openForWriting, settleSql } from './schema.ts'
import type { Batch, TrimTask, WriterAnswer, WriterData, WriterTask } from './writer-protocol.ts'

/** Number of chunks deleted in one transaction, so that other writes wait only briefly. */
const DELETED_AT_ONCE = 2_000
/** Pause between such transactions, in ms: the disk belongs to those who append. */
const DELETION_PAUSE_MS = 5
/** Batches of one transaction. */
const BATCHES_AT_ONCE = 64
const CARE_RETRY_MS = 60_000
/** Chunks in the journal before they are moved: many, that each page is written seldom; few, that moving them is no long pause. */
const SETTLE_CHUNKS = 4_096
const SETTLE_BYTES = 4 * 1024 * 1024
/** They do not wait longer than this for others. */
const SETTLE_MS = 250

const port = parentPort
if (port === null) throw new Error('The writer runs as a worker thread.')
const { path }: WriterData = workerData
const database = openForWriting(path)

const statements = {
  create:
    database.prepare(`INSERT INTO streams (id, name, family, content_type, ttl_seconds, expires_at, origin, inherited,
    tail, bytes, dropped, oldest_ms, closed, sequence, touched_ms, expiry_ms, forks, deleted, key, listed_under, note)
    VALUES (${'?,'.repeat(20)}?)`),
  remove: database.prepare(
    'UPDATE streams SET name = NULL, key = NULL, listed_under = NULL, expiry_ms = NULL, oldest_ms = NULL WHERE id = ?',
  ),
  update:
    database.prepare(`UPDATE streams SET ttl_seconds = ?, tail = ?, bytes = ?, dropped = ?, oldest_ms = ?, closed = ?, sequence = ?,
    touched_ms = ?, expiry_ms = ?, forks = ?, deleted = ? WHERE id = ? AND name IS NOT NULL`),
  note: database.prepare('UPDATE streams SET note = ? WHERE id = ? AND name IS NOT NULL'),
  chunk: database.prepare('INSERT INTO journal (key, stream, position, at_ms, data) VALUES (?, ?, ?, ?, ?)'),
  settle: database.prepare(settleSql('?')),
  settled: database.prepare('DELETE FROM journal WHERE key <= ?'),
  forget: database.prepare('DELETE FROM journal WHERE stream = ?'),
  producer: database.prepare(
    'INSERT OR REPLACE INTO producers (stream, producer, epoch, sequence) VALUES (?, ?, ?, ?)',
  ),
  putDocument: database.prepare('INSERT OR REPLACE INTO documents (name, text) VALUES (?, ?)'),
  dropDocument: database.prepare('DELETE FROM documents WHERE name = ?'),
  oldest: database.prepare(`SELECT length(data) AS bytes, at_ms AS atMs FROM chunks
    WHERE key > ${chunkKey('?1', '?2')} AND key <= ${chunkKey('?1', '?3')} ORDER BY key LIMIT ${DELETED_AT_ONCE}`),
  oldestMs: database.prepare(`SELECT at_ms AS atMs FROM chunks
    WHERE key > ${chunkKey('?1', '?2')} AND key < ${chunkKey('?1 + 1', '0')} ORDER BY key LIMIT 1`),
  deleteThrough: database.prepare(
    `DELETE FROM chunks WHERE key > ${chunkKey('?1', '?2')} AND key <= ${chunkKey('?1', '?3')}`,
  ),
  removed: database.prepare('SELECT id FROM streams WHERE name IS NULL LIMIT 1'),
  deleteSome: database.prepare(`DELETE FROM chunks WHERE key IN
    (SELECT key FROM chunks WHERE key >= ${chunkKey('?1', '0')} AND key < ${chunkKey('?1 + 1', '0')} LIMIT ${DELETED_AT_ONCE})`),
  deleteProducers: database.prepare('DELETE FROM producers WHERE stream = ?'),
  deleteStream: database.prepare('DELETE FROM streams WHERE id = ? AND name IS NULL'),
}

// The port alone keeps this thread: what is to be done later is done at the next start when it ends before. So no timer holds up a stop.

/** The journal's newest key, and what it holds. */
let newestKey = 0
let chunksWaiting = 0
let bytesWaiting = 0
let settleTimer: NodeJS.Timeout | undefined

/** Since a transaction failed: what was sent before the main thread heard of it was judged by what is not there. */
let isDiscarding = false

port.on('message', (first: WriterTask) => {
  // All that is waiting goes into one transaction: the disk is waited for once.
  let batches: Batch[] = []
  for (let task: WriterTask | undefined = first; task !== undefined; task = nextTask(batches.length)) {
    if (task.kind === 'resume') isDiscarding = false
    else if (task.kind === 'close') {
      keep(batches)
      database.close()
      port.close()
      return
    } else if (isDiscarding) continue
    else if (task.kind === 'batch') batches.push(task)
    else {
      keep(batches)
      batches = []
      // What waits in the journal counts as well: else a stream that was filled at once and left alone would keep more than it may.
      settle()
      attempt(() => trim(task))
    }
  }
  keep(batches)
  if (chunksWaiting >= SETTLE_CHUNKS || bytesWaiting >= SETTLE_BYTES) settle()
  else if (chunksWaiting > 0) settleTimer ??= setTimeout(settle, SETTLE_MS).unref()
})
deleteRemoved()

function answer(message: WriterAnswer): void {
  port?.postMessage(message)
}

/** Further messages that wait for this thread; a bounded number at a time, so that results are reported. */
function nextTask(batches: number): WriterTask | undefined {
  if (port === null || batches >= BATCHES_AT_ONCE) return undefined
  const received: { message: WriterTask } | undefined = receiveMessageOnPort(port)
  return received?.message
}

function keep(batches: readonly Batch[]): void {
  if (batches.length === 0) return
  attempt(() => {
    for (const batch of batches) write(batch)
    return { kind: 'done', batches: batches.length }
  })
}

function attempt(act: () => WriterAnswer): void {
  if (isDiscarding) return
  try {
    answer(transaction(act))
  } catch (error) {
    isDiscarding = true
    answer(failureOf(error))
  }
}

function transaction<T>(act: () => T): T {
  database.exec('BEGIN IMMEDIATE')
  try {
    const result = act()
    database.exec('COMMIT')
    return result
  } catch (error) {
    // SQLite itself has gone back already after some errors.
    if (database.isTransaction) database.exec('ROLLBACK')
    throw error
  }
}

function write({ operations, firstKey, chunks, data, updates, producers }: Batch): void {
  let removes = false
  for (const operation of operations) {
    if (operation.kind === 'create') statements.create.run(...operation.row)
    else if (operation.kind === 'remove') {
      statements.remove.run(operation.id)
      removes = true
    } else if (operation.kind === 'note') statements.note.run(operation.text, operation.id)
    else if (operation.text === null) statements.dropDocument.run(operation.name)
    else statements.putDocument.run(operation.name, operation.text)
  }
  let start = 0
  for (let at = 0; at < chunks.length; at += 4) {
    const end = start + (chunks[at + 3] ?? 0)
    newestKey = firstKey + at / 4
    const [stream = 0, position = 0, atMs = 0] = chunks.subarray(at, at + 3)
    statements.chunk.run(newestKey, stream, position, atMs, data.subarray(start, end))
    start = end
  }
  chunksWaiting += chunks.length / 4
  bytesWaiting += data.length
  for (const row of updates) statements.update.run(...row)
  for (const row of producers) statements.producer.run(...row)
  if (removes) setTimeout(deleteRemoved, DELETION_PAUSE_MS).unref()
}

/** Moves the journal to where chunks are read from. */
function settle(): void {
  clearTimeout(settleTimer)
  settleTimer = undefined
  if (!database.isOpen || chunksWaiting === 0) return
  try {
    transaction(() => {
      statements.settle.run(newestKey)
      statements.settled.run(newestKey)
    })
    chunksWaiting = 0
    bytesWaiting = 0
    answer({ kind: 'settled', throughKey: newestKey })
  } catch (error) {
    careFailed(error, settle)
  }
}

/** They are kept as they are, and it is tried again. */
function careFailed(error: unknown, again: () => void): void {
  answer({ kind: 'care-failed', message: error instanceof Error ? error.message : String(error) })
  setTimeout(again, CARE_RETRY_MS).unref()
}

/** Drops the oldest chunks of a stream, `DELETED_AT_ONCE` at most. */
function trim({ id, bytes, dropped, tail, bytesMax, beforeMs }: TrimTask): WriterAnswer {
  let through = dropped
  let bytesFreed = 0
  for (const row of statements.oldest.iterate(id, dropped, tail)) {
    const isOver = bytes - bytesFreed > bytesMax && through + 1 < tail
    if (!isOver && Number(row['atMs']) >= beforeMs) break
    bytesFreed += Number(row['bytes'])
    through += 1
  }
  statements.deleteThrough.run(id, dropped, through)
  const oldest = statements.oldestMs.get(id, through)
  // What is left may all be in the journal, and so is new.
  const left = through < tail ? steadyNowMs() : null
  return {
    kind: 'trimmed',
    dropped: through,
    bytesFreed,
    oldestMs: oldest === undefined ? left : Number(oldest['atMs']),
  }
}

/** Chunks of streams that were removed go little by little, also those that a stop left behind. */
function deleteRemoved(): void {
  if (!database.isOpen) return
  try {
    const id = statements.removed.get()?.['id']
    if (typeof id !== 'number') return
    transaction(() => {
      statements.forget.run(id)
      if (Number(statements.deleteSome.run(id).changes) > 0) return
      statements.deleteProducers.run(id)
      statements.deleteStream.run(id)
    })
    setTimeout(deleteRemoved, DELETION_PAUSE_MS).unref()
  } catch (error) {
    careFailed(error, deleteRemoved)
  }
}
