import { StreamstackError } from '@streamstack/protocol'
import { resultCode, resultCodes } from './result-code.ts'

const texts: ReadonlyMap<number, (file: string) => string> = new Map<number, (file: string) => string>([
  [
    resultCodes.busy,
    () => 'The database is held by another writer, such as an import; try again when it has finished.',
  ],
  [
    resultCodes.locked,
    () => 'The database is held by another writer, such as an import; try again when it has finished.',
  ],
  [
    resultCodes.readOnly,
    () =>
      'The data folder cannot be written; give its folder and files write permission, or name another with `--data`.',
  ],
  [resultCodes.full, () => 'The disk of the data folder is full; free some space and try again.'],
  [
    resultCodes.cannotOpen,
    (file) =>
      `The file ${file} in the data folder cannot be opened; check its permissions, or name another folder with \`--data\`.`,
  ],
  [
    resultCodes.corrupt,
    (file) =>
      `The file ${file} in the data folder is damaged. Stop the server, keep a copy, and move it away or restore a backup.`,
  ],
  [
    resultCodes.notADatabase,
    (file) =>
      `The file ${file} in the data folder is no database; move it away, or name another folder with \`--data\`.`,
  ],
])

/**
 * An error of SQLite as callers may see it, `storage_failed`: what to do, and never a path. The cause stays for the log.
 * `file` is the database's name in the data folder, `otherwise` the text for errors that have no cure of their own.
 */
export function databaseError(
  cause: unknown,
  file: string,
  otherwise = 'The database could not do what was asked; the server log has the cause.',
): StreamstackError {
  if (cause instanceof StreamstackError) return cause
  const text = texts.get(resultCode(cause) ?? -1)?.(file) ?? otherwise
  return new StreamstackError('storage_failed', text, { cause })
}
