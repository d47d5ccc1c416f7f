import { open } from 'node:fs/promises'
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

  async close(): Promise<void> {
    const { handle } = this
    this.handle = null
    await handle?.close()
  }
}
