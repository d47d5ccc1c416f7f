import { randomUUID } from 'node:crypto'
import { open, unlink } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { StreamstackError } from '@streamstack/protocol'
import type { SourceRow } from './source-row.ts'

/** Rows are written and read in pieces of about this many bytes. */
const PIECE_BYTES = 1024 * 1024
/** Rows that are read at once. */
const BATCH_ROWS = 1000
/** In front of each row: the length of its text, its line, the length of its problem; 4 bytes, 6 and 2. */
const HEAD_BYTES = 12
const PROBLEM_BYTES_MAX = 1000

/**
 * Rows of a file, kept on disk as they were read until the whole file is known: a source is read once, so a pipe is as
 * good as a file, and memory does not grow with it. The file of its own has no name any more once it is open, so that
 * nothing is left of it after a crash.
 */
export class StagedRows {
  readonly #handle: FileHandle
  /** Where the file still has a name, as on Windows, which does not remove open files. */
  readonly #leftover: string | null
  #pieces: Buffer[] = []
  #piecesLength = 0
  #length = 0
  count = 0

  private constructor(handle: FileHandle, leftover: string | null) {
    this.#handle = handle
    this.#leftover = leftover
  }

  /** Throws `storage_failed`. */
  static async open(folder: string = tmpdir()): Promise<StagedRows> {
    const path = join(folder, `.import-${randomUUID()}`)
    try {
      const handle = await open(path, 'wx+', 0o600)
      const leftover = await unlink(path).then(
        () => null,
        () => path,
      )
      return new StagedRows(handle, leftover)
    } catch (error) {
      throw storageFailed(error)
    }
  }

  async add(rows: readonly SourceRow[]): Promise<void> {
    for (const { line, text, problem } of rows) {
      const textBytes = Buffer.byteLength(text)
      const reason = problem === null ? '' : problem.slice(0, PROBLEM_BYTES_MAX / 4)
      const reasonBytes = Buffer.byteLength(reason)
      const piece = Buffer.allocUnsafe(HEAD_BYTES + textBytes + reasonBytes)
      piece.writeUInt32LE(textBytes, 0)
      piece.writeUIntLE(line, 4, 6)
      piece.writeUInt16LE(reasonBytes, 10)
      piece.write(text, HEAD_BYTES)
      piece.write(reason, HEAD_BYTES + textBytes)
      this.#pieces.push(piece)
      this.#piecesLength += piece.length
    }
    this.count += rows.length
    if (this.#piecesLength >= PIECE_BYTES) await this.#write()
  }

  /** All rows in the order they came in. */
  async *rows(): AsyncGenerator<readonly SourceRow[]> {
    await this.#write()
    let rest = Buffer.alloc(0)
    let batch: SourceRow[] = []
    for (let position = 0; position < this.#length || rest.length > 0;) {
      const wanted = Math.max(PIECE_BYTES, missing(rest))
      const buffer = Buffer.allocUnsafe(Math.min(wanted, this.#length - position))
      const { bytesRead } = await this.#handle.read(buffer, 0, buffer.length, position)
      if (bytesRead === 0 && buffer.length > 0) throw storageFailed(null)
      position += bytesRead
      rest = rest.length === 0 ? buffer.subarray(0, bytesRead) : Buffer.concat([rest, buffer.subarray(0, bytesRead)])
      let at = 0
      while (missing(rest.subarray(at)) === 0) {
        const textEnd = at + HEAD_BYTES + rest.readUInt32LE(at)
        const end = textEnd + rest.readUInt16LE(at + 10)
        const line = rest.readUIntLE(at + 4, 6)
        const text = rest.toString('utf8', at + HEAD_BYTES, textEnd)
        batch.push({ line, text, problem: end === textEnd ? null : rest.toString('utf8', textEnd, end) })
        at = end
        if (batch.length < BATCH_ROWS) continue
        yield batch
        batch = []
      }
      rest = rest.subarray(at)
    }
    if (batch.length > 0) yield batch
  }

  async close(): Promise<void> {
    await this.#handle.close()
    if (this.#leftover !== null) await unlink(this.#leftover)
  }

  async #write(): Promise<void> {
    if (this.#piecesLength === 0) return
    const bytes = Buffer.concat(this.#pieces, this.#piecesLength)
    this.#pieces = []
    this.#piecesLength = 0
    try {
      for (let at = 0; at < bytes.length;) {
        const { bytesWritten } = await this.#handle.write(bytes, at, bytes.length - at, this.#length)
        at += bytesWritten
        this.#length += bytesWritten
      }
    } catch (error) {
      throw storageFailed(error)
    }
  }
}

/** How many bytes the first row of `bytes` lacks; 0 when it is whole. */
function missing(bytes: Buffer): number {
  if (bytes.length < HEAD_BYTES) return HEAD_BYTES - bytes.length
  const length = HEAD_BYTES + bytes.readUInt32LE(0) + bytes.readUInt16LE(10)
  return Math.max(0, length - bytes.length)
}

function storageFailed(cause: unknown): StreamstackError {
  return new StreamstackError(
    'storage_failed',
    'The records of the file cannot be staged in the data folder; check its permissions and the space left on its disk.',
    { cause },
  )
}
