import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { MemoryStorage } from './memory/storage.ts'
import { databaseFile } from './sqlite/schema.ts'
import { openSqliteStorage } from './sqlite/storage.ts'
import { StreamStore } from './stream-store.ts'

export interface StreamStoreSettings {
  /** `memory`: gone with the process. `sqlite`: told as kept when it is on disk. */
  readonly log: 'memory' | 'sqlite'
  /** Holds `streams.sqlite`. */
  readonly folder: string
  /** What all streams in memory may hold together. */
  readonly memoryBytes: number
  readonly maxAgeMs: number | null
  readonly maxBytes: number | null
  readonly onError: (error: unknown) => void
}

/** Opens the streams of a server. Throws `storage_failed` when the folder cannot be used, or another process has it. */
export function openStreamStore(settings: StreamStoreSettings): StreamStore {
  const { log, folder, memoryBytes, ...options } = settings
  return new StreamStore(
    log === 'memory' ? new MemoryStorage(memoryBytes) : openSqliteStorage(folder, options.onError),
    options,
  )
}

/** Whether a data folder holds streams. */
export function hasStreams(folder: string): boolean {
  return existsSync(join(folder, databaseFile))
}
