import { statfsSync } from 'node:fs'
import { StreamstackError } from '@streamstack/protocol'
import { databaseError, isConflict, resultCode, resultCodes } from '../../storage/index.ts'
import type { TableDeclaration } from '../declaration.ts'
import { databaseFile } from './connection.ts'
import { TextWorkExceeded } from './text-functions.ts'

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
  if (error instanceof TextWorkExceeded) return tooMuchText(error)
  if (table !== null && isConflict(error)) {
    return new StreamstackError('record_conflict', `In table "${table.name}", ${conflictReason(error, table)}.`, {
      cause: error,
    })
  }
  return databaseError(error, databaseFile)
}

/** Whether a database could not be opened because the disk is full, which shows as an input or output error there, too. */
export function isFullDisk(error: unknown, folder: string): boolean {
  const code = resultCode(error)
  if (code === resultCodes.ioError || code === resultCodes.cannotOpen) return freeBytes(folder) < OPENING_BYTES
  return code === resultCodes.full
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

/** `limit_exceeded`, for a filter that looks through more text than one statement may. */
export function tooMuchText(cause?: unknown): StreamstackError {
  return new StreamstackError(
    'limit_exceeded',
    'The filter looks through more text than one query may. Narrow it with a comparison that an index serves, or search for a shorter text.',
    { cause },
  )
}
