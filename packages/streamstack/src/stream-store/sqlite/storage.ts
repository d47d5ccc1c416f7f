import { join } from 'node:path'
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { StreamstackError } from '@streamstack/protocol'
import { holdLock, makeDataFolder } from '../../storage/index.ts'
import type {
  Change,
  DueQuery,
  FailureListener,
  NotedQuery,
  NotedStream,
  Slice,
  StreamStorage,
  TrimLimits,
  Trimmed,
} from '../storage.ts'
import type { ProducerState, StreamRecord } from '../stream-record.ts'
import { streamStorageError } from './errors.ts'
import { RecentChunks } from './recent-chunks.ts'
import { recordOf } from './record-row.ts'
import { chunkKey, databaseFile, LOCK_FILE, openForReading, openForWriting, STREAMS_MAX } from './schema.ts'
import { Writer } from './writer.ts'

/** Producers of which the state is known without asking the file, of all streams together. */
const PRODUCERS_KNOWN_MAX = 10_000

/** A row as an array, after `setReturnArrays(true)`, of which the types of node:sqlite do not tell. */
type ChunkRow = readonly [position: number, data: Uint8Array<ArrayBuffer>]
interface ChunkStatement {
  iterate(...parameters: readonly number[]): Iterable<ChunkRow>
}

/** Opens, or makes, the streams of a data folder. Throws `storage_failed`. `onError` is called with failures of background work. */
export function openSqliteStorage(folder: string, onError: (error: unknown) => void): StreamStorage {
  makeDataFolder(folder)
  // The writer knows what it wrote without asking the file.
  const lock = holdLock(
    join(folder, LOCK_FILE),
    () => 'Another server keeps its streams in this data folder. Stop it, or name another folder with `--data`.',
  )
  try {
    const path = join(folder, databaseFile)
    // The thread would find out only later what is wrong with the file.
    openForWriting(path).close()
    return new SqliteStorage(path, lock, onError)
  } catch (cause) {
    lock.close()
    throw streamStorageError(cause)
  }
}

function notedSql(condition: string): string {
  return `SELECT name, note FROM streams
    WHERE name > ?1 AND name < ?2 AND note IS NOT NULL AND deleted = 0 AND ${condition} ORDER BY name DESC LIMIT ?3`
}

/** Keeps streams in one SQLite file: written by one thread, read by this one. */
class SqliteStorage implements StreamStorage {
  readonly #lock: DatabaseSync
  readonly #reader: DatabaseSync
  readonly #writer: Writer
  readonly #recent = new RecentChunks()
  readonly #statements
  #lastId: number
  #failureListener: FailureListener = () => undefined
  /** What was written of producers, by stream and name: ahead of the file while a write is under way. */
  #producers = new Map<string, ProducerState>()
  #writesUnderWay = 0

  constructor(path: string, lock: DatabaseSync, onError: (error: unknown) => void) {
    this.#lock = lock
    this.#reader = openForReading(path)
    const prepare = (sql: string): StatementSync => this.#reader.prepare(sql)
    const chunks = prepare(
      `SELECT key & 68719476735, data FROM chunks
       WHERE key > ${chunkKey('?1', '?2')} AND key <= ${chunkKey('?1', '?3')} ORDER BY key`,
    )
    chunks.setReturnArrays(true)
    this.#statements = {
      byName: prepare('SELECT * FROM streams WHERE name = ?'),
      byKey: prepare('SELECT name FROM streams WHERE key = ? AND deleted = 0'),
      notClosed: prepare(notedSql('closed = 0')),
      listed: prepare(notedSql('listed_under = ?4')),
      producer: prepare('SELECT epoch, sequence FROM producers WHERE stream = ? AND producer = ?'),
      names: prepare('SELECT name FROM streams WHERE name > ? AND deleted = 0 AND note IS NULL ORDER BY name LIMIT ?'),
      expired: prepare('SELECT name FROM streams WHERE expiry_ms <= ? AND deleted = 0 AND name IS NOT NULL LIMIT ?'),
      old: prepare('SELECT name FROM streams WHERE oldest_ms < ? AND name IS NOT NULL LIMIT ?'),
      documents: prepare('SELECT name, text FROM documents WHERE name >= ? AND name < ?'),
      // The types of node:sqlite know rows as objects alone.
      chunks: chunks as unknown as ChunkStatement,
    }
    this.#lastId = Number(this.#reader.prepare('SELECT max(id) AS id FROM streams').get()?.['id'] ?? 0)
    const failed = (): void => {
      this.#producers.clear()
      this.#failureListener()
    }
    this.#writer = new Writer({ path, recent: this.#recent, onFailure: failed, onError })
  }

  load(name: string): StreamRecord | null {
    const row = asked(() => this.#statements.byName.get(name))
    return row === undefined ? null : recordOf(row)
  }

  nameOf(key: string): string | null {
    const name = asked(() => this.#statements.byKey.get(key))?.['name']
    return typeof name === 'string' ? name : null
  }

  noted({ prefix, before, among, limit }: NotedQuery): readonly NotedStream[] {
    const { notClosed, listed } = this.#statements
    const end = before ?? `${prefix}\u{10ffff}`
    const rows = asked(() =>
      among === 'not-closed' ? notClosed.all(prefix, end, limit) : listed.all(prefix, end, limit, among.listedUnder),
    )
    return rows.map((row) => ({ name: String(row['name']), note: String(row['note']) }))
  }

  nextId(): number {
    if (this.#lastId + 1 >= STREAMS_MAX) {
      throw new StreamstackError(
        'storage_full',
        'This file has held as many streams as it can number. Begin a new one.',
      )
    }
    this.#lastId += 1
    return this.#lastId
  }

  producer(id: number, producer: string): ProducerState | null {
    const known = this.#producers.get(`${id} ${producer}`)
    if (known !== undefined) return known
    const row = asked(() => this.#statements.producer.get(id, producer))
    return row === undefined ? null : { epoch: Number(row['epoch']), sequence: Number(row['sequence']) }
  }

  admit(bytes: number): void {
    this.#writer.admit(bytes)
  }

  async write(changes: readonly Change[]): Promise<void> {
    for (const change of changes) {
      if (change.kind === 'producer') this.#producers.set(`${change.id} ${change.producer}`, change.state)
    }
    this.#writesUnderWay += 1
    try {
      await this.#writer.write(changes)
    } finally {
      this.#writesUnderWay -= 1
      if (this.#writesUnderWay === 0 && this.#producers.size > PRODUCERS_KNOWN_MAX) this.#producers.clear()
    }
  }

  read(owner: number, after: number, through: number, bytesMax: number): Slice | null {
    const recent = this.#recent.read(owner, after, through, bytesMax)
    return recent ?? asked(() => this.#readChunks(owner, after, through, bytesMax))
  }

  #readChunks(owner: number, after: number, through: number, bytesMax: number): Slice | null {
    const parts: Buffer[] = []
    let bytes = 0
    let from = after
    let last = after
    for (const [position, data] of this.#statements.chunks.iterate(
      owner,
      after,
      Math.min(through, this.#recent.firstOf(owner) - 1),
    )) {
      if (parts.length === 0) from = position - 1
      else if (bytes + data.length > bytesMax) break
      parts.push(Buffer.from(data.buffer, data.byteOffset, data.length))
      bytes += data.length
      last = position
    }
    return parts.length === 0 ? null : { after: from, last, parts, bytes }
  }

  async trim({ id, bytes, dropped, tail }: StreamRecord, limits: TrimLimits): Promise<Trimmed | null> {
    const trimmed = await this.#writer.trim({ kind: 'trim', id, bytes, dropped, tail, ...limits })
    return trimmed.dropped === dropped ? null : trimmed
  }

  names(after: string, limit: number): readonly string[] {
    return asked(() => this.#statements.names.all(after, limit)).map((row) => String(row['name']))
  }

  due({ nowMs, oldestBeforeMs, limit }: DueQuery): readonly string[] {
    const rows = asked(() => this.#statements.expired.all(nowMs, limit))
    const old = oldestBeforeMs === null ? [] : asked(() => this.#statements.old.all(oldestBeforeMs, limit))
    return [...new Set([...rows, ...old].map((row) => String(row['name'])))]
  }

  documents(prefix: string): ReadonlyMap<string, string> {
    const rows = asked(() => this.#statements.documents.all(prefix, `${prefix}\u{10ffff}`))
    return new Map(rows.map((row) => [String(row['name']), String(row['text'])]))
  }

  onFailure(listener: FailureListener): void {
    this.#failureListener = listener
  }

  async close(): Promise<void> {
    await this.#writer.close()
    this.#reader.close()
    this.#lock.close()
  }
}

/** What the file answers. Throws `storage_failed` when it cannot be read. */
function asked<T>(ask: () => T): T {
  try {
    return ask()
  } catch (cause) {
    throw streamStorageError(cause)
  }
}
