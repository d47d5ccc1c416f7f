import { stat } from 'node:fs/promises'
import { StreamstackError } from '@streamstack/protocol'
import type { Value } from '@streamstack/protocol'
import { didYouMean } from '../../text/did-you-mean.ts'
import { isMisfit } from '../column-type.ts'
import type { TableDeclaration } from '../declaration.ts'
import type { LoadValue, RecordStore } from '../record-store.ts'
import { storedValue } from '../stored-record.ts'
import type { DecodeProgress } from './decode-file.ts'
import { readSource } from './read-source.ts'
import type { SourceOptions } from './read-source.ts'
import { RejectedFile } from './rejected-file.ts'
import type { SourceRow } from './source-row.ts'

export interface ImportOptions extends SourceOptions {
  table: string
  /** Whether the records that are there are replaced; default: the new ones are added to them. */
  replace?: boolean
  /** Whether columns of the file that the table does not have are left out; default: such records are rejected. */
  ignoreUnknown?: boolean
  /** Where rejected records go; default: the file's name and `.rejected.ndjson`. */
  rejectedFile?: string
  /** Called now and then while records are read. */
  onProgress?: (progress: ImportProgress) => void
  /** Ends the import and takes everything back. */
  signal?: AbortSignal
}

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
}

/**
 * Imports a file into a table, in one transaction: it returns when all good records are stored for good, and whatever
 * ends it earlier leaves the table as it was. Records that do not fit go to the file of rejected records, each with its
 * line and the reason. Throws `file_unreadable` for a file that cannot be read as what it is, `column_unknown`,
 * `table_unknown`, `storage_failed`.
 */
export async function importRecords(store: RecordStore, options: ImportOptions): Promise<ImportResult> {
  const start = performance.now()
  const table = store.table(options.table)
  const bytesTotal = (await stat(options.file).catch(() => null))?.size ?? 0
  const progress: DecodeProgress = { bytesRead: 0 }
  const rejected = new RejectedFile(options.rejectedFile ?? `${options.file}.rejected.ndjson`)
  const mapper = new RowMapper(table, options.ignoreUnknown ?? false)
  let batch: readonly SourceRow[] = []
  const loader = await store.load(table.name, {
    replace: options.replace ?? false,
    onRejected: (tag, reason) => rejected.add(batch[tag]!, reason),
  })
  let rows = 0
  try {
    for await (batch of readSource(options, progress)) {
      options.signal?.throwIfAborted()
      for (let at = 0; at < batch.length; at += 1) {
        const source = batch[at]!
        const values = source.problem ?? mapper.values(source.row)
        if (typeof values === 'string') rejected.add(source, values)
        else loader.add(values, at)
      }
      if (rows === 0 && mapper.unknownCount === batch.length) throw mapper.allUnknown()
      await loader.flush()
      await rejected.flush()
      rows += batch.length
      options.onProgress?.({ rows, bytesRead: progress.bytesRead, bytesTotal })
    }
    await rejected.finish()
    const inserted = await loader.commit()
    return {
      inserted,
      rejected: rejected.count,
      seconds: (performance.now() - start) / 1000,
      rejectedFile: rejected.count === 0 ? null : rejected.path,
    }
  } finally {
    await loader.rollback()
    await rejected.close()
  }
}

/** Turns records of a file into stored values; works out once for each name in the file which column it means. */
class RowMapper {
  private readonly table: TableDeclaration
  private readonly ignoreUnknown: boolean
  /** Name in the file → place of the column, or -1. */
  private readonly places = new Map<string, number>()
  /** How many records were refused for a column that the table does not have. */
  unknownCount = 0
  private lastUnknown = ''
  private unnamed = false

  constructor(table: TableDeclaration, ignoreUnknown: boolean) {
    this.table = table
    this.ignoreUnknown = ignoreUnknown
    table.columns.forEach((column, at) => this.places.set(column.name, at))
  }

  /** The values in the order of the columns, or why the record does not fit. */
  values(row: Value): readonly LoadValue[] | string {
    const { columns } = this.table
    const given: (Value | undefined)[] = Array.from({ length: columns.length })
    for (const [name, value] of Object.entries(row ?? {})) {
      const at = this.places.get(name) ?? this.place(name)
      if (at !== -1) given[at] = value === '' ? null : value
      else if (!this.ignoreUnknown) return this.unknown(name)
    }
    const values: LoadValue[] = []
    for (let at = 0; at < columns.length; at += 1) {
      const column = columns[at]!
      const stored = storedValue(column, given[at] ?? undefined, 'coerce')
      if (stored !== undefined && isMisfit(stored)) return `the column "${column.name}" ${stored.misfit}`
      values.push(stored)
    }
    return values
  }

  /** `Release Date` in a file means the column `release_date`. */
  private place(name: string): number {
    const simple = simplified(name)
    const found =
      simple === '' ? [] : this.table.columns.flatMap((column, at) => (simplified(column.name) === simple ? [at] : []))
    const at = found.length === 1 ? found[0]! : -1
    this.places.set(name, at)
    return at
  }

  /** When all of the first records name a column that is not there, the file and the table do not belong together. */
  allUnknown(): StreamstackError {
    const cure = this.unnamed
      ? 'Give it one in the file (pandas writes its index without one: index=False leaves it out)'
      : `Declare the column in tables/${this.table.name}.yaml`
    return new StreamstackError(
      'column_unknown',
      `Nothing was imported: ${this.lastUnknown}. ${cure}, or leave unknown columns out with \`--ignore-unknown\`.`,
    )
  }

  private unknown(name: string): string {
    this.unknownCount += 1
    this.unnamed = name === ''
    if (this.unnamed) {
      this.lastUnknown = 'the file has a column without a name'
      return this.lastUnknown
    }
    const near = didYouMean(
      name,
      this.table.columns.map((column) => column.name),
    )
    this.lastUnknown = `the table "${this.table.name}" has no column "${name}"${near === null ? '' : ` (did you mean "${near}"?)`}`
    return this.lastUnknown
  }
}

function simplified(name: string): string {
  return name.toLowerCase().replaceAll(/[\s_\-.]+/g, '')
}
