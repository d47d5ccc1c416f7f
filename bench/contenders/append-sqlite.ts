import { DatabaseSync } from 'node:sqlite'

/** Appends straight into node:sqlite, as durable as ours (WAL, FULL) and so many a commit; gives appends a second, in the place of a port. */
export async function start(options: string): Promise<number> {
  const { file, bytes, rowsPerCommit, forMs } = JSON.parse(options) as {
    file: string
    bytes: number
    rowsPerCommit: number
    forMs: number
  }
  const database = new DatabaseSync(file)
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL')
  database.exec('CREATE TABLE rows (id INTEGER PRIMARY KEY, data BLOB NOT NULL) STRICT')
  const insert = database.prepare('INSERT INTO rows (data) VALUES (?)')
  const row = Buffer.alloc(bytes, 'x')
  const startMs = performance.now()
  let rows = 0
  while (performance.now() - startMs < forMs) {
    database.exec('BEGIN IMMEDIATE')
    for (let i = 0; i < rowsPerCommit; i++) insert.run(row)
    database.exec('COMMIT')
    rows += rowsPerCommit
  }
  const rate = rows / ((performance.now() - startMs) / 1_000)
  database.close()
  return rate
}
