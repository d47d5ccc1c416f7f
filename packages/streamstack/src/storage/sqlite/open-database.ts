import { DatabaseSync } from 'node:sqlite'
import { makePrivateFile } from '../private-files.ts'

/** How much of its file each connection keeps in memory, in KiB; and how much SQLite may map, in bytes. */
const CACHE_KIBIBYTES = 16 * 1024
const MAPPED_BYTES_MAX = 256 * 1024 * 1024

export interface OpenDatabaseOptions {
  readonly readOnly: boolean
  /** How long SQLite itself waits for another connection's lock; the thread stands still meanwhile. */
  readonly busyTimeoutMs: number
}

/**
 * Opens a database of the data folder with the settings that all of them share; for writing, the file is made when it is
 * missing. Throws what SQLite throws.
 */
export function openDatabase(path: string, { readOnly, busyTimeoutMs }: OpenDatabaseOptions): DatabaseSync {
  if (!readOnly) makePrivateFile(path)
  const database = new DatabaseSync(path, {
    readOnly,
    timeout: busyTimeoutMs,
    enableForeignKeyConstraints: true,
    allowExtension: false,
  })
  try {
    // FULL: what was reported as stored is there after a power cut.
    if (!readOnly) database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL')
    database.exec(`PRAGMA cache_size = -${CACHE_KIBIBYTES}`)
    return database
  } catch (error) {
    database.close()
    throw error
  }
}

/** Lets a connection read its file through memory: for those that read what others write. */
export function mapFile(database: DatabaseSync): void {
  database.exec(`PRAGMA mmap_size = ${MAPPED_BYTES_MAX}`)
}
