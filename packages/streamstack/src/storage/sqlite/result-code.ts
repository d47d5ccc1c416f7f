/** SQLite's primary result codes (sqlite.org/rescode.html) that mean something of their own to a caller. */
export const resultCodes = {
  busy: 5,
  locked: 6,
  readOnly: 8,
  ioError: 10,
  corrupt: 11,
  full: 13,
  cannotOpen: 14,
  constraint: 19,
  notADatabase: 26,
} as const

/** SQLite's result code of an error, without its extension; null for errors that are not SQLite's. */
export function resultCode(error: unknown): number | null {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return null
  return error.errcode & 0xff
}

/** Whether another connection holds a lock just now, so that trying again helps. */
export function isBusy(error: unknown): boolean {
  const code = resultCode(error)
  return code === resultCodes.busy || code === resultCodes.locked
}

/** Whether the disk is full: then a later write may succeed, and nothing that was kept is in doubt. */
export function isFull(error: unknown): boolean {
  return resultCode(error) === resultCodes.full
}

/** Whether a record was refused because of a unique column. */
export function isConflict(error: unknown): boolean {
  return resultCode(error) === resultCodes.constraint
}
