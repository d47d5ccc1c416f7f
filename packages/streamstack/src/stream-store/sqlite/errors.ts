import { StreamstackError } from '@streamstack/protocol'
import { databaseError, isFull } from '../../storage/index.ts'
import { databaseFile } from './schema.ts'

/** An error of SQLite as callers may see it, `storage_full` or `storage_failed`; the cause stays for the log. */
export function streamStorageError(cause: unknown): StreamstackError {
  if (!isFull(cause))
    return databaseError(cause, databaseFile, 'The streams could not be kept; the server log has the cause.')
  const text = 'The disk of the data folder is full; nothing of this was kept. Free some space and send it again.'
  return new StreamstackError('storage_full', text, { cause })
}
