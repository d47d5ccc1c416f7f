import type { DatabaseSync } from 'node:sqlite'
import { mapFile, openDatabase } from '../../storage/index.ts'

/** The file in the data folder that holds all streams, and the one whose lock says who writes it. */
export const databaseFile = 'streams.sqlite'
export const LOCK_FILE = 'streams.lock'

/**
 * A chunk's key holds its stream and its position, so that one B-tree keeps all chunks in the order in which they are read: 2^27 streams of
 * 2^36 chunks each.
 */
export const POSITIONS_PER_STREAM = 2 ** 36
export const STREAMS_MAX = 2 ** 27

/** SQL for the key of a chunk. Parameters are cast: a JavaScript number comes as a float, whose products are exact to 2^53 only. */
export function chunkKey(stream: string, position: string): string {
  return `(CAST(${stream} AS INTEGER) * ${POSITIONS_PER_STREAM} + CAST(${position} AS INTEGER))`
}

/** SQL that moves the journal up to a key to where chunks are read from. In their order there, so that each page is written once. */
export function settleSql(throughKey: string): string {
  return `INSERT INTO chunks (key, at_ms, data) SELECT ${chunkKey('stream', 'position')} AS key, at_ms, data
    FROM journal WHERE key <= ${throughKey} ORDER BY 1`
}

const VERSION = 3
const BUSY_TIMEOUT_MS = 5_000

/** What makes a file of each earlier version one of the next, oldest first. They say how runs were kept then: whose they are was in the note alone. */
const UPGRADES = [
  [1, 'ALTER TABLE streams ADD COLUMN key TEXT; ALTER TABLE streams ADD COLUMN note TEXT;'],
  [
    2,
    `ALTER TABLE streams ADD COLUMN listed_under TEXT;
     UPDATE streams SET listed_under = note -> '$.owner' WHERE name > char(1) || 'runs/' AND name < char(1) || 'runs0' AND note IS NOT NULL;`,
  ],
] as const

const schema = `
  CREATE TABLE IF NOT EXISTS streams (
    id INTEGER PRIMARY KEY,
    -- Null: removed; its chunks are being deleted.
    name TEXT UNIQUE,
    family TEXT NOT NULL,
    content_type TEXT NOT NULL,
    ttl_seconds INTEGER,
    expires_at TEXT,
    origin TEXT,
    inherited TEXT NOT NULL,
    tail INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    dropped INTEGER NOT NULL,
    oldest_ms REAL,
    closed INTEGER NOT NULL,
    sequence TEXT,
    touched_ms REAL NOT NULL,
    expiry_ms REAL,
    forks INTEGER NOT NULL,
    deleted INTEGER NOT NULL,
    -- Another way to find it.
    key TEXT,
    -- What it is found under together with others.
    listed_under TEXT,
    -- Its maker's.
    note TEXT
  ) STRICT;
  CREATE INDEX IF NOT EXISTS streams_expiry ON streams (expiry_ms) WHERE expiry_ms IS NOT NULL;
  CREATE INDEX IF NOT EXISTS streams_oldest ON streams (oldest_ms) WHERE oldest_ms IS NOT NULL;
  CREATE INDEX IF NOT EXISTS streams_removed ON streams (id) WHERE name IS NULL;
  CREATE UNIQUE INDEX IF NOT EXISTS streams_key ON streams (key) WHERE key IS NOT NULL;
  CREATE INDEX IF NOT EXISTS streams_listed ON streams (listed_under, name) WHERE listed_under IS NOT NULL;
  CREATE INDEX IF NOT EXISTS streams_going_on ON streams (name) WHERE closed = 0 AND note IS NOT NULL;
  -- Chunks as they come, of all streams: a commit writes one place of the file, however many streams it is for.
  CREATE TABLE IF NOT EXISTS journal (
    key INTEGER PRIMARY KEY,
    stream INTEGER NOT NULL,
    position INTEGER NOT NULL,
    at_ms REAL NOT NULL,
    data BLOB NOT NULL
  ) STRICT;
  -- Where they go after a while, many at once, and are read from.
  CREATE TABLE IF NOT EXISTS chunks (key INTEGER PRIMARY KEY, at_ms REAL NOT NULL, data BLOB NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS producers (
    stream INTEGER NOT NULL,
    producer TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    PRIMARY KEY (stream, producer)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS documents (name TEXT PRIMARY KEY, text TEXT NOT NULL) STRICT, WITHOUT ROWID;
  PRAGMA user_version = ${VERSION};
`

/** Opens the file for the one that writes it, and makes what is missing. Throws what SQLite throws. */
export function openForWriting(path: string): DatabaseSync {
  const database = openDatabase(path, { readOnly: false, busyTimeoutMs: BUSY_TIMEOUT_MS })
  try {
    // Larger steps than SQLite's own: each ends with two more waits for the disk.
    database.exec('PRAGMA wal_autocheckpoint = 4000; PRAGMA journal_size_limit = 67108864; PRAGMA temp_store = MEMORY')
    const found = Number(database.prepare('PRAGMA user_version').get()?.['user_version'])
    if (found < 0 || found > VERSION) {
      throw new Error(`streams.sqlite was written by another version of Streamstack (${found})`)
    }
    // A file that is new has no version, and nothing to bring along.
    const steps = UPGRADES.filter(([from]) => found > 0 && from >= found).map(([, step]) => step)
    // All or nothing: half of it could not be told from a file of another version.
    database.exec(`BEGIN IMMEDIATE; ${steps.join(' ')} ${schema} COMMIT`)
    // What a stop left in the journal.
    database.exec(`BEGIN IMMEDIATE; ${settleSql('9e15')}; DELETE FROM journal; COMMIT`)
    forgetTheFuture(database)
    return database
  } catch (error) {
    database.close()
    throw error
  }
}

/** What was last used or written while the clock was ahead counts as of now; else it would live longer by as much as the clock was wrong. */
function forgetTheFuture(database: DatabaseSync): void {
  const nowMs = Date.now()
  database
    .prepare(
      'UPDATE streams SET touched_ms = ?1, expiry_ms = ?1 + ttl_seconds * 1000 WHERE ttl_seconds > 0 AND touched_ms > ?1',
    )
    .run(nowMs)
  database.prepare('UPDATE streams SET oldest_ms = ?1 WHERE oldest_ms > ?1').run(nowMs)
}

/** A connection that only reads. */
export function openForReading(path: string): DatabaseSync {
  const database = openDatabase(path, { readOnly: true, busyTimeoutMs: BUSY_TIMEOUT_MS })
  mapFile(database)
  return database
}
