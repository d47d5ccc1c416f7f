import { lstat, open, unlink } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { StreamstackError } from '@streamstack/protocol'
import type { SourceRow } from './source-row.ts'

/** A file of records that were rejected, one JSON object a line: `{line, reason, row}`. Made with the first of them. */
export class RejectedFile {
  readonly path: string
  count = 0
  private lines: string[] = []
  private handle: FileHandle | null = null

  constructor(path: string) {
    this.path = path
  }

  add({ line, row }: SourceRow, reason: string): void {
    this.count += 1
    this.lines.push(`${JSON.stringify({ line, reason, row })}\n`)
  }

  async flush(): Promise<void> {
    if (this.lines.length === 0) return
    const text = this.lines.join('')
    this.lines = []
    try {
      this.handle ??= await open(this.path, 'w')
      await this.handle.writeFile(text)
    } catch (error) {
      throw new StreamstackError(
        'storage_failed',
        'The file of rejected records cannot be written beside the imported file; give its folder write permission, or import a copy from another folder.',
        { cause: error },
      )
    }
  }

  /** Ends the file; where nothing was rejected, that of an earlier import goes, for it would tell of records that went in. */
  async finish(): Promise<void> {
    await this.close()
    if (this.count > 0 || !(await exists(this.path))) return
    try {
      await unlink(this.path)
    } catch (error) {
      throw new StreamstackError(
        'storage_failed',
        'The file of records that an earlier import rejected cannot be removed from beside the imported file; delete it, or give its folder write permission.',
        { cause: error },
      )
    }
  }

  async close(): Promise<void> {
    const { handle } = this
    this.handle = null
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
