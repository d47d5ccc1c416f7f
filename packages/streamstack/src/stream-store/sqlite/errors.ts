import { StreamstackError } from '@streamstack/protocol'

/** SQLite's primary result codes (sqlite.org/rescode.html) that mean something of their own here. */
const codes = { busy: 5, readOnly: 8, corrupt: 11, full: 13, cannotOpen: 14, notADatabase: 26 } as const

const texts: ReadonlyMap<number, string> = new Map([
  [codes.readOnly, 'The data folder cannot be written; give it write permission, or name another with `--data`.'],
  [
    codes.cannotOpen,
    'The streams cannot be opened; check the permissions of the data folder, or name another with `--data`.',
  ],
  [
    codes.corrupt,
    'The file streams.sqlite in the data folder is damaged. Stop the server, keep a copy, and move it away or restore a backup.',
  ],
  [
    codes.notADatabase,
    'The file streams.sqlite in the data folder is no database; move it away, or name another folder.',
  ],
])

/** SQLite's result code of an error, without its extension; null for other errors. */
export function resultCode(error: unknown): number | null {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return null
  return error.errcode & 0xff
}

/** Whether another connection holds a lock. */
export function isBusy(error: unknown): boolean {
  return resultCode(error) === codes.busy
}

/** Whether the disk is full: then a later write may succeed, and nothing that was kept is in doubt. */
export function isFull(error: unknown): boolean {
  return resultCode(error) === codes.full
}

/** An error of SQLite as callers may see it; the cause stays for the log. */
export function streamStorageError(cause: unknown): StreamstackError {
  if (cause instanceof StreamstackError) return cause
  if (isFull(cause)) {
    const text = 'The disk of the data folder is full; nothing of this was kept. Free some space and send it again.'
    return new StreamstackError('storage_full', text, { cause })
  }
  const text = texts.get(resultCode(cause) ?? -1) ?? 'The streams could not be kept; the server log has the cause.'
  return new StreamstackError('storage_failed', text, { cause })
}
