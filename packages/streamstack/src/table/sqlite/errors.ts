import { statfsSync } from 'node:fs'
import { StreamstackError } from '@streamstack/protocol'
import type { TableDeclaration } from '../declaration.ts'

/** SQLite's primary result codes (sqlite.org/rescode.html) that mean something of their own here. */
const codes = {
  busy: 5,
  locked: 6,
  readOnly: 8,
  ioError: 10,
  corrupt: 11,
  full: 13,
  cannotOpen: 14,
  constraint: 19,
} as const

/** SQLite's result code of an error, without its extension; null for errors that are not SQLite's. */
function primaryCode(error: unknown): number | null {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return null
  return error.errcode & 0xff
}

/** Whether another connection is writing just now, so that trying again helps. */
export function isBusy(error: unknown): boolean {
  const code = primaryCode(error)
  return code === codes.busy || code === codes.locked
}

/** Whether a record was refused because of a unique column. */
export function isConflict(error: unknown): boolean {
  return primaryCode(error) === codes.constraint
}

/** The columns that a message of SQLite names: `UNIQUE constraint failed: users.email`. */
export function conflictReason(error: unknown, table: TableDeclaration): string {
  const message = error instanceof Error ? error.message : ''
  const named = table.columns.filter((column) => message.includes(`${table.name}.${column.name}`))
  const names = named.map((column) => `"${column.name}"`).join(', ')
  return names === '' ? 'a record with the same unique value exists' : `a record with the same ${names} exists`
}

/** An error of SQLite as callers may see it: what to do, and never a path; the cause stays for the log. */
export function storageError(error: unknown, table: TableDeclaration | null): StreamstackError {
  if (error instanceof StreamstackError) return error
  if (table !== null && isConflict(error)) {
    return new StreamstackError('record_conflict', `In table "${table.name}", ${conflictReason(error, table)}.`, {
      cause: error,
    })
  }
  const text =
    storageTexts.get(primaryCode(error) ?? -1) ??
    'The database could not do what was asked; the server log has the cause.'
  return new StreamstackError('storage_failed', text, { cause: error })
}

/** Whether a database could not be opened because the disk is full, which shows as an input or output error there, too. */
export function isFullDisk(error: unknown, folder: string): boolean {
  const code = primaryCode(error)
  if (code === codes.ioError || code === codes.cannotOpen) return freeBytes(folder) < OPENING_BYTES
  return code === codes.full
}

/** What SQLite takes of a disk to open a database: the index of its journal. */
const OPENING_BYTES = 65_536

function freeBytes(folder: string): number {
  try {
    const { bavail, bsize } = statfsSync(folder)
    return bavail * bsize
  } catch {
    return Infinity
  }
}

const storageTexts: ReadonlyMap<number, string> = new Map([
  [codes.busy, 'The database is held by another writer, such as an import; try again when it has finished.'],
  [codes.locked, 'The database is held by another writer, such as an import; try again when it has finished.'],
  [
    codes.readOnly,
    'The data folder cannot be written; give its folder and files write permission, or name another with `--data`.',
  ],
  [codes.full, 'The disk of the data folder is full; free some space and try again.'],
  [
    codes.cannotOpen,
    'The database in the data folder cannot be opened; check its permissions, or name another folder with `--data`.',
  ],
  [
    codes.corrupt,
    'The file records.sqlite in the data folder is damaged. Stop the server, keep a copy, and move it away or restore a backup.',
  ],
  [
    26,
    `The file records.sqlite in the data folder is no database; move it away, or name another folder with \`--data\`.`,
  ],
])
