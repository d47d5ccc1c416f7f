import { lstat, open, unlink } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { StreamstackError } from '@streamstack/protocol'
import type { Value } from '@streamstack/protocol'

/** A record that was not stored, and why. */
export interface RejectedRow {
  readonly line: number
  readonly reason: string
  readonly row: Value
}

/** How many rejected rows a summary holds. */
const FIRST_MAX = 5

/** Reasons beyond these, which then name values of the file, are not counted one by one. */
const REASONS_MAX = 1_000

/** What an import says of the records that it rejected, beside the file that holds them all. */
export interface RejectedSummary {
  /** The first five. */
  readonly first: readonly Pick<RejectedRow, 'line' | 'reason'>[]
  /** How many records each reason has, the most frequent first. */
  readonly reasons: readonly { readonly reason: string; readonly count: number }[]
}

/** A file of records that were rejected, one JSON object a line: `{line, reason, row}`. Made with the first of them. */
export class RejectedFile {
  readonly path: string | null
  count = 0
  readonly #first: RejectedRow[] = []
  readonly #reasons = new Map<string, number>()
  #lines: string[] = []
  #handle: FileHandle | null = null

  /** Without a path no record may be rejected. */
  constructor(path: string | null) {
    this.path = path
  }

  /** Throws `record_invalid` when there is no place for the file. */
  add(rejected: RejectedRow): void {
    if (this.path === null) {
      throw new StreamstackError(
        'record_invalid',
        `Nothing was imported: the record of line ${rejected.line} does not fit (${rejected.reason}), and a file of rejected records cannot stand beside a pipe or device; name one with \`--rejected\`, such as \`--rejected rejected.ndjson\`.`,
      )
    }
    this.count += 1
    const { reason } = rejected
    if (this.#first.length < FIRST_MAX) this.#first.push(rejected)
    const known = this.#reasons.get(reason) ?? 0
    if (known > 0 || this.#reasons.size < REASONS_MAX) this.#reasons.set(reason, known + 1)
    this.#lines.push(`${JSON.stringify(rejected)}\n`)
  }

  get summary(): RejectedSummary {
    const reasons = Array.from(this.#reasons, ([reason, count]) => ({ reason, count }))
    return {
      first: this.#first.map(({ line, reason }) => ({ line, reason })),
      reasons: reasons.toSorted((one, other) => other.count - one.count),
    }
  }

  async flush(): Promise<void> {
    if (this.#lines.length === 0 || this.path === null) return
    const text = this.#lines.join('')
    this.#lines = []
    try {
      this.#handle ??= await open(this.path, 'w', 0o600)
      await this.#handle.writeFile(text)
    } catch (error) {
      throw new StreamstackError(
        'storage_failed',
        'The file of rejected records cannot be written; give its folder write permission, or name another file with `--rejected`.',
        { cause: error },
      )
    }
  }

  /** Ends the file; where nothing was rejected, that of an earlier import goes, for it would tell of records that went in. */
  async finish(): Promise<void> {
    await this.flush()
    await this.close()
    if (this.path === null || this.count > 0 || !(await exists(this.path))) return
    try {
      await unlink(this.path)
    } catch (error) {
      throw new StreamstackError(
        'storage_failed',
        'The file of records that an earlier import rejected cannot be removed; delete it, or give its folder write permission.',
        { cause: error },
      )
    }
  }

  async close(): Promise<void> {
    const handle = this.#handle
    this.#handle = null
    await handle?.close()
  }
}

/** Looked at first: on a file system that is read-only, removing what is not there fails too. */
async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path)
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false
    throw error
  }
}
