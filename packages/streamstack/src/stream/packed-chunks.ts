import { CHUNK_KINDS, type Chunk, type ChunkKind } from '@streamstack/protocol'
import { textBytes } from './log.ts'
import { type PackedMetadata, packMetadata } from './packed-metadata.ts'

/** What the objects of a packed segment and the headers of its texts cost. */
export const PACKED_BYTES_MIN = 352

/** The longest data whose length fits a UTF-16 unit. */
const LENGTH_MAX = 0xffff

const TEXT_KIND = CHUNK_KINDS.indexOf('text')
const JSON_KIND = CHUNK_KINDS.indexOf('json')

interface Columns {
  readonly count: number
  readonly data: string
  readonly lengths: string
  readonly metadata: PackedMetadata | null
  readonly kinds: string
  readonly isLines: boolean
}

/**
 * Chunks to which nothing is added any more, as one text instead of an object and a text each: the data of all, each followed by LF, and columns of lengths
 * and kinds, of which each UTF-16 unit is a number. V8 stores a unit in one byte where no unit of the text is above 255. So a chunk of one word takes its
 * characters and two or three bytes more; as an object it takes more than a hundred. docs/decisions/2026-11-30-segments.md has the figures.
 */
export class PackedChunks {
  readonly count: number
  /** Memory that it occupies, in bytes. */
  readonly bytes: number
  readonly #data: string
  readonly #lengths: string
  /** Null where no chunk has metadata. */
  readonly #metadata: PackedMetadata | null
  /** Places in CHUNK_KINDS; '' where all are `text`. */
  readonly #kinds: string
  /** Whether the data are lines of the format `lines`. */
  readonly #isLines: boolean
  /** Shared by readers that come close after each other. */
  #unpacked: WeakRef<readonly Chunk[]> | null = null

  /** `isWell`: with their metadata as small as it can be. Null: one of them is too large for the columns, and there is little to be saved. */
  static from(chunks: readonly Chunk[], isWell: boolean): PackedChunks | null {
    const data: string[] = []
    const lengths: number[] = []
    let kinds: number[] | null = null
    let hasMetadata = false
    let isLines = true
    for (let index = 0; index < chunks.length; index++) {
      const chunk = chunks[index] as Chunk
      if (chunk.data.length > LENGTH_MAX) return null
      data.push(chunk.data)
      lengths.push(chunk.data.length)
      if (chunk.metadata !== null) hasMetadata = true
      if (chunk.kind === 'text') kinds?.push(TEXT_KIND)
      else {
        const kind = CHUNK_KINDS.indexOf(chunk.kind)
        kinds ??= Array.from({ length: index }, () => TEXT_KIND)
        kinds.push(kind)
        isLines &&= kind === JSON_KIND
      }
    }
    const metadata = hasMetadata
      ? packMetadata(
          chunks.map((chunk) => chunk.metadata),
          isWell,
        )
      : null
    if (hasMetadata && metadata === null) return null
    // So that what is joined ends with LF, too.
    data.push('')
    return new PackedChunks({
      count: chunks.length,
      data: data.join('\n'),
      lengths: column(lengths),
      kinds: kinds === null ? '' : column(kinds),
      metadata,
      isLines,
    })
  }

  private constructor({ count, data, lengths, metadata, kinds, isLines }: Columns) {
    this.count = count
    this.#data = data
    this.#lengths = lengths
    this.#metadata = metadata
    this.#kinds = kinds
    this.#isLines = isLines
    this.bytes = textBytes(data) + textBytes(lengths) + (metadata?.bytes ?? 0) + textBytes(kinds) + PACKED_BYTES_MIN
  }

  /** The chunks from an index on as the format `lines` writes them without metadata; null where that is not their data. */
  linesFrom(index: number): string | null {
    if (!this.#isLines) return null
    let start = 0
    for (let at = 0; at < index; at++) start += this.#lengths.charCodeAt(at) + 1
    return this.#data.slice(start)
  }

  /** The chunks as they were. */
  unpacked(): readonly Chunk[] {
    const known = this.#unpacked?.deref()
    if (known !== undefined) return known
    const chunks = this.#unpack()
    this.#unpacked = new WeakRef(chunks)
    return chunks
  }

  #unpack(): Chunk[] {
    const chunks: Chunk[] = []
    const metadata = this.#metadata?.unpacked()
    let dataAt = 0
    for (let index = 0; index < this.count; index++) {
      const dataEnd = dataAt + this.#lengths.charCodeAt(index)
      chunks.push({
        kind: this.#kinds === '' ? 'text' : (CHUNK_KINDS[this.#kinds.charCodeAt(index)] as ChunkKind),
        data: this.#data.slice(dataAt, dataEnd),
        metadata: metadata?.[index] ?? null,
      })
      dataAt = dataEnd + 1
    }
    return chunks
  }
}

function column(numbers: readonly number[]): string {
  return String.fromCharCode(...numbers)
}
