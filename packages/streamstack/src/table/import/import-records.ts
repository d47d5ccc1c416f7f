import { stat } from 'node:fs/promises'
import type { TableDeclaration } from '../declaration.ts'
import type { RecordStore } from '../record-store.ts'
import type { DecodeProgress } from './decode-file.ts'
import { TableGuess } from './infer-table.ts'
import { readSource } from './read-source.ts'
import type { SourceOptions } from './read-source.ts'
import { RejectedFile, type RejectedSummary } from './rejected-file.ts'
import { RowMapper } from './row-mapper.ts'
import type { SourceRow } from './source-row.ts'
import { StagedRows } from './staged-rows.ts'

export interface StageOptions extends SourceOptions {
  /** Where the rows of the file wait, on disk, until all of it was read; default: the system's folder for such files. */
  stagingFolder?: string
  /** Called now and then while records are read and stored. */
  onProgress?: (progress: ImportProgress) => void
  /** Ends the import and takes everything back. */
  signal?: AbortSignal
}

export interface StoreOptions {
  table: string
  /** Whether the records that are there are replaced; default: the new ones are added to them. */
  replace?: boolean
  /** Whether columns of the file that the table does not have are left out; default: such records are rejected. */
  ignoreUnknown?: boolean
  /** Where rejected records go; default: the file's name and `.rejected.ndjson`, when it is a file and no pipe. */
  rejectedFile?: string
}

export type ImportOptions = StageOptions & StoreOptions

export interface ImportProgress {
  readonly rows: number
  readonly bytesRead: number
  readonly bytesTotal: number
}

export interface ImportResult {
  readonly inserted: number
  readonly rejected: number
  readonly seconds: number
  /** Null when nothing was rejected. */
  readonly rejectedFile: string | null
  readonly rejects: RejectedSummary
}

/**
 * Imports a file into a table, in one transaction: it returns when all good records are stored for good, and whatever
 * ends it earlier leaves the table as it was, and so does a file without a record that fits. Records that do not fit go
 * to the file of rejected records, each with its line and the reason. Throws `file_unreadable` for a file that cannot be
 * read as what it is, `column_unknown`, `table_unknown`, `storage_failed`, and `record_invalid` when records are
 * rejected and there is no place for their file.
 */
export async function importRecords(store: RecordStore, options: ImportOptions): Promise<ImportResult> {
  // An unknown table is known without reading the file.
  store.table(options.table)
  const staged = await stageFile(options, false)
  try {
    return await staged.storeIn(store, options)
  } finally {
    await staged.close()
  }
}

/**
 * Reads a file once and keeps its rows on disk, as text; with `guessTypes` it can then make a declaration. Close what
 * comes back. Throws `file_unreadable`, `storage_failed`.
 */
export async function stageFile(options: StageOptions, guessTypes: boolean): Promise<StagedFile> {
  const startMs = performance.now()
  const status = await stat(options.file).catch(() => null)
  const bytesTotal = status?.size ?? 0
  const progress: DecodeProgress = { bytesRead: 0 }
  const source = readSource(options, progress)
  const rows = await StagedRows.open(options.stagingFolder)
  try {
    const guess = new TableGuess()
    for await (const batch of source.rows()) {
      options.signal?.throwIfAborted()
      if (guessTypes) guess.add(batch, source.header)
      await rows.add(batch)
      options.onProgress?.({ rows: rows.count, bytesRead: progress.bytesRead, bytesTotal })
    }
    return new StagedFile(options, {
      rows,
      guess,
      startMs,
      header: source.header,
      isFile: status?.isFile() === true && !/^\/(?:dev|proc)\//.test(options.file),
    })
  } catch (error) {
    await rows.close()
    throw error
  }
}

interface Staged {
  readonly rows: StagedRows
  readonly guess: TableGuess
  readonly startMs: number
  readonly header: readonly string[] | null
  /** Whether a file can stand beside it: false for a pipe or another device. */
  readonly isFile: boolean
}

/** All rows of a file, read and not yet stored. */
export class StagedFile {
  readonly #options: StageOptions
  readonly #staged: Staged

  constructor(options: StageOptions, staged: Staged) {
    this.#options = options
    this.#staged = staged
  }

  /**
   * The text of `tables/<name>.yaml` for these records: types that keep every value of the whole file. Throws
   * `file_unreadable` when there is no record, or no column for a name in the file.
   */
  declaration(): string {
    return this.#staged.guess.declaration()
  }

  /** Stores the records in one transaction; throws as `importRecords` does. */
  async storeIn(store: RecordStore, options: StoreOptions): Promise<ImportResult> {
    const table = store.table(options.table)
    const { file } = this.#options
    const beside = this.#staged.isFile ? `${file}.rejected.ndjson` : null
    const rejected = new RejectedFile(options.rejectedFile ?? beside)
    try {
      const inserted = this.#staged.rows.count === 0 ? 0 : await this.#load(store, table, options, rejected)
      return {
        inserted,
        rejected: rejected.count,
        seconds: (performance.now() - this.#staged.startMs) / 1000,
        rejectedFile: rejected.count === 0 ? null : rejected.path,
        rejects: rejected.summary,
      }
    } finally {
      await rejected.close()
    }
  }

  async close(): Promise<void> {
    await this.#staged.rows.close()
  }

  async #load(
    store: RecordStore,
    table: TableDeclaration,
    options: StoreOptions,
    rejected: RejectedFile,
  ): Promise<number> {
    const mapper = new RowMapper(table, this.#staged.header, options.ignoreUnknown ?? false)
    const strange = mapper.strangeHeader()
    if (strange !== null) throw strange
    let batch: readonly SourceRow[] = []
    const reject = (source: SourceRow, reason: string): void =>
      rejected.add({ line: source.line, reason, row: mapper.shown(source) })
    const loader = await store.load(table.name, {
      replace: options.replace ?? false,
      onRejected: (tag, reason) => reject(batch[tag]!, reason),
    })
    try {
      for await (batch of this.#staged.rows.rows()) {
        this.#options.signal?.throwIfAborted()
        for (let at = 0; at < batch.length; at += 1) {
          const source = batch[at]!
          const values = source.problem ?? mapper.values(source)
          if (typeof values === 'string') reject(source, values)
          else loader.add(values, at)
        }
        await loader.flush()
        await rejected.flush()
      }
      const strangers = mapper.strangers()
      if (strangers !== null) throw strangers
      // A file without a good record changes nothing, above all where it was to take the place of others.
      if (rejected.count === this.#staged.rows.count) return 0
      await rejected.finish()
      this.#options.signal?.throwIfAborted()
      return await loader.commit()
    } finally {
      await loader.rollback()
    }
  }
}
