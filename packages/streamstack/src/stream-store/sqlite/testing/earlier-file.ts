import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

/** The tables as version 1 made them. */
const TABLES = `
  CREATE TABLE streams (id INTEGER PRIMARY KEY, name TEXT UNIQUE, family TEXT NOT NULL, content_type TEXT NOT NULL, ttl_seconds INTEGER,
    expires_at TEXT, origin TEXT, inherited TEXT NOT NULL, tail INTEGER NOT NULL, bytes INTEGER NOT NULL, dropped INTEGER NOT NULL,
    oldest_ms REAL, closed INTEGER NOT NULL, sequence TEXT, touched_ms REAL NOT NULL, expiry_ms REAL, forks INTEGER NOT NULL,
    deleted INTEGER NOT NULL) STRICT;
  CREATE TABLE journal (key INTEGER PRIMARY KEY, stream INTEGER NOT NULL, position INTEGER NOT NULL, at_ms REAL NOT NULL,
    data BLOB NOT NULL) STRICT;
  CREATE TABLE chunks (key INTEGER PRIMARY KEY, at_ms REAL NOT NULL, data BLOB NOT NULL) STRICT;
  CREATE TABLE producers (stream INTEGER NOT NULL, producer TEXT NOT NULL, epoch INTEGER NOT NULL, sequence INTEGER NOT NULL,
    PRIMARY KEY (stream, producer)) STRICT, WITHOUT ROWID;
  CREATE TABLE documents (name TEXT PRIMARY KEY, text TEXT NOT NULL) STRICT, WITHOUT ROWID;
`

/** What version 2 added. */
const KEYS_AND_NOTES = `
  ALTER TABLE streams ADD COLUMN key TEXT; ALTER TABLE streams ADD COLUMN note TEXT;
  CREATE UNIQUE INDEX streams_key ON streams (key) WHERE key IS NOT NULL;
  CREATE INDEX streams_going_on ON streams (name) WHERE closed = 0 AND note IS NOT NULL;
`

/** Writes the file that an earlier version would have left in a folder: each stream is closed and holds its name as its one chunk. */
export function writeEarlierFile(
  folder: string,
  version: 1 | 2,
  streams: readonly { name: string; note?: string; key?: string }[],
): void {
  const database = new DatabaseSync(join(folder, 'streams.sqlite'))
  database.exec(
    `PRAGMA journal_mode = WAL; ${TABLES} ${version === 2 ? KEYS_AND_NOTES : ''} PRAGMA user_version = ${version}`,
  )
  const add =
    database.prepare(`INSERT INTO streams (id, name, family, content_type, inherited, tail, bytes, dropped, oldest_ms, closed,
    touched_ms, forks, deleted) VALUES (?, ?, '0123456789abcdef', 'text/plain', '[]', 1, 1, 0, 1, 1, 1, 0, 0)`)
  for (const [index, { name, note, key }] of streams.entries()) {
    const id = index + 1
    add.run(id, name)
    database.prepare('INSERT INTO chunks VALUES (?, 1, ?)').run(id * 2 ** 36 + 1, Buffer.from(name))
    if (version === 2)
      database.prepare('UPDATE streams SET note = ?, key = ? WHERE id = ?').run(note ?? null, key ?? null, id)
  }
  database.close()
}
