import { join, resolve } from 'node:path'
import { StreamstackError } from '@streamstack/protocol'
import type { Issue } from '../definition/index.ts'
import {
  type ImportProgress,
  type RecordStore,
  type SeedDeclaration,
  type TableDeclaration,
  importRecords,
} from '../table/index.ts'

/** What filling one empty table came to. */
export interface SeededTable {
  readonly table: string
  readonly inserted: number
  readonly rejected: number
  readonly seconds: number
}

/** Told while a file is read. */
export type SeedProgress = (table: string, progress: ImportProgress) => void

export interface SeedOptions {
  records: RecordStore
  /** The workspace folder, from which the files of seeds are named. */
  dir: string
  /** Where records that were rejected are written down. */
  dataFolder: string
  onProgress?: SeedProgress
  signal?: AbortSignal
}

/**
 * Fills the tables that declare a `seed` and hold no record, each in one transaction. A seed that cannot be imported leaves
 * its table empty and becomes an issue.
 */
export async function seedTables(
  options: SeedOptions,
): Promise<{ seeded: readonly SeededTable[]; issues: readonly Issue[] }> {
  const seeded: SeededTable[] = []
  const issues: Issue[] = []
  for (const table of options.records.tables()) {
    const { seed, name } = table
    if (seed === null) continue
    try {
      if ((await options.records.count(name)) > 0) continue
      const result = await plant(table, seed, options)
      seeded.push(result)
      if (result.rejected > 0) {
        const rows = result.rejected === 1 ? '1 record' : `${result.rejected} records`
        const message = `${rows} of the seed of table "${name}" did not fit; ${rejectedName(name)} in the data folder says why.`
        issues.push({ severity: 'warning', message, position: seed.position })
      }
    } catch (error) {
      if (!(error instanceof StreamstackError)) throw error
      const message = `The seed of table "${name}" was not imported, the table stays empty: ${error.message}`
      issues.push({ severity: 'error', message, position: seed.position })
    }
  }
  return { seeded, issues }
}

async function plant({ name }: TableDeclaration, seed: SeedDeclaration, options: SeedOptions): Promise<SeededTable> {
  const { records, onProgress, signal } = options
  if (seed.kind === 'records') {
    const start = performance.now()
    const inserted = await records.addMany(name, seed.records)
    return { table: name, inserted: inserted.length, rejected: 0, seconds: (performance.now() - start) / 1000 }
  }
  const { inserted, rejected, seconds } = await importRecords(records, {
    table: name,
    file: resolve(options.dir, seed.file),
    stagingFolder: options.dataFolder,
    rejectedFile: join(options.dataFolder, rejectedName(name)),
    ...(onProgress === undefined ? {} : { onProgress: (progress) => onProgress(name, progress) }),
    ...(signal === undefined ? {} : { signal }),
  })
  return { table: name, inserted, rejected, seconds }
}

function rejectedName(table: string): string {
  return `${table}.rejected.ndjson`
}
