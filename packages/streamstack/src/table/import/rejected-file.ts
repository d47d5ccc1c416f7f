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

/** A file of records that were rejected, one JSON object a line: `{line, reason, row}`. Made with the first of them. */
export class RejectedFile {
  readonly path: string | null
  count = 0
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
    this.#lines.push(`${JSON.stringify(rejected)}\n`)
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
