import { StreamstackError } from '@streamstack/protocol'
import type { TableDeclaration } from './declaration.ts'
import type { RecordStore } from './record-store.ts'
import { isFullDisk } from './sqlite/errors.ts'
import { ReopeningStore } from './reopening-store.ts'
import { type SqliteStoreOptions, openSqliteStore } from './sqlite/record-store.ts'

export interface OpenRecordStoreOptions extends SqliteStoreOptions {
  readonly tables: readonly TableDeclaration[]
  /** Called when the records cannot be opened yet, and with null when they could be opened after all. */
  readonly onDelay: (failure: StreamstackError | null) => void
}

/**
 * Opens the records of a workspace and declares its tables. While the disk is full every call of the store fails and tries to open
 * the records again: whatever needs no records works meanwhile. Throws `storage_failed` for all else.
 */
export function openRecordStore({ tables, onDelay, ...options }: OpenRecordStoreOptions): {
  readonly store: RecordStore
  readonly issues: ReturnType<RecordStore['declare']>
} {
  const open = (): { store: RecordStore; issues: ReturnType<RecordStore['declare']> } => {
    let store: RecordStore | null = null
    try {
      store = openSqliteStore(options)
      return { store, issues: store.declare(tables) }
    } catch (error) {
      void store?.close()
      throw isFull(error, options.folder) ? fullError(error) : error
    }
  }
  try {
    return open()
  } catch (error) {
    if (!(error instanceof StreamstackError) || !isFull(error, options.folder)) throw error
    onDelay(error)
    const store = new ReopeningStore(() => open().store, onDelay, error)
    return { store, issues: store.declare(tables) }
  }
}

function isFull(error: unknown, folder: string): boolean {
  return error instanceof StreamstackError && isFullDisk(error.cause, folder)
}

function fullError(error: unknown): StreamstackError {
  return new StreamstackError('storage_failed', 'The disk of the data folder is full; free some space and try again.', {
    cause: (error as Error).cause,
  })
}
