import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { StreamstackError } from '@streamstack/protocol'
import type { Issue } from '../definition/types.ts'
import type { TableDeclaration } from './declaration.ts'
import type { RecordStore } from './record-store.ts'
import { ReopeningStore } from './reopening-store.ts'
import { databaseFile } from './sqlite/connection.ts'
import { isFullDisk } from './sqlite/errors.ts'
import { type SqliteStoreOptions, openSqliteStore } from './sqlite/record-store.ts'

/** Every engine that keeps records. Nothing else of the server names one. */
const engines = { sqlite: openSqliteStore } as const

export type RecordEngine = keyof typeof engines

export interface OpenRecordStoreOptions extends SqliteStoreOptions {
  /** Default: `sqlite`. */
  readonly engine?: RecordEngine
  readonly tables: readonly TableDeclaration[]
  /**
   * Called when the records cannot be opened yet because the disk is full, and with null when they could be opened after
   * all. Without it a full disk throws.
   */
  readonly onDelay?: (failure: StreamstackError | null) => void
}

/** Opened records, and what is wrong with their declarations. */
export interface OpenedRecordStore {
  readonly store: RecordStore
  readonly issues: readonly Issue[]
}

/**
 * Opens the records of a workspace and declares its tables. While the disk is full every call of the store fails and tries to open
 * the records again: whatever needs no records works meanwhile. Throws `storage_failed` for all else.
 */
export async function openRecordStore(options: OpenRecordStoreOptions): Promise<OpenedRecordStore> {
  const { tables, onDelay } = options
  try {
    return await open(options, tables)
  } catch (error) {
    if (onDelay === undefined || !(error instanceof StreamstackError) || !isFull(error, options.folder)) throw error
    onDelay(error)
    const reopen = async (wanted: readonly TableDeclaration[]): Promise<RecordStore> =>
      (await open(options, wanted)).store
    return { store: new ReopeningStore({ open: reopen, tables, failure: error, onDelay }), issues: [] }
  }
}

/** Whether a data folder holds records. */
export function hasRecords(folder: string): boolean {
  return existsSync(join(folder, databaseFile))
}

async function open(
  { engine = 'sqlite', ...options }: OpenRecordStoreOptions,
  tables: readonly TableDeclaration[],
): Promise<OpenedRecordStore> {
  let store: RecordStore | null = null
  try {
    store = engines[engine](options)
    return { store, issues: await store.declare(tables) }
  } catch (error) {
    await store?.close()
    throw isFull(error, options.folder) ? fullError(error) : error
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
