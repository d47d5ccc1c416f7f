import { basename } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { StreamstackError } from '@streamstack/protocol'
import { makePrivateFile } from '../private-files.ts'
import { databaseError } from './database-error.ts'
import { isBusy } from './result-code.ts'

/**
 * Holds a file's lock as long as the process lives or until it is closed: the operating system lets go of it at a crash, too. There may be
 * only one holder; `refusal` tells the others why. Throws `storage_failed`.
 */
export function holdLock(path: string, refusal: () => string): DatabaseSync {
  let database: DatabaseSync | null = null
  try {
    makePrivateFile(path)
    database = new DatabaseSync(path, { timeout: 0 })
    // A journal on disk would not fit on a full one. Nothing is ever written here.
    database.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE')
    return database
  } catch (cause) {
    database?.close()
    if (!isBusy(cause)) throw databaseError(cause, basename(path))
    throw new StreamstackError('storage_failed', refusal(), { cause })
  }
}
