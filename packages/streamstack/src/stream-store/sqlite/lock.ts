import { DatabaseSync } from 'node:sqlite'
import { StreamstackError } from '@streamstack/protocol'
import { isBusy, streamStorageError } from './errors.ts'

/**
 * Holds a file's lock as long as the process lives or until it is closed: the operating system lets go of it at a crash, too. The writer
 * knows what it wrote without asking the file, so there may be only one. Throws `storage_failed`.
 */
export function holdLock(path: string): DatabaseSync {
  let database: DatabaseSync | null = null
  try {
    database = new DatabaseSync(path, { timeout: 0 })
    database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE')
    return database
  } catch (cause) {
    database?.close()
    if (!isBusy(cause)) throw streamStorageError(cause)
    throw new StreamstackError(
      'storage_failed',
      'Another server keeps its streams in this data folder. Stop it, or name another folder with `--data`.',
      { cause },
    )
  }
}
