import { type Chunk, StreamstackError } from '@streamstack/protocol'
import type { Batch, StreamLog } from '../stream/index.ts'
import { parseEntry } from './entry.ts'
import type { Journal, JournalSegment } from './journal.ts'
import { readBytes } from './read-lines.ts'

/** Every so many entries their place in the file is remembered. */
const STRIDE = 64
/** What a reader gets at once, about. */
const BATCH_BYTES = 32_768
const SCAN_BYTES = 262_144
const NEWLINE = 10

/** Places of entries in a segment, as far as it was looked through. */
interface Places {
  /** Byte at which each entry `first + index * STRIDE` begins. */
  readonly starts: number[]
  /** Bytes looked through, and lines that end there. */
  bytes: number
  lines: number
}

/** The entries on disk as a log: offsets are the numbers of entries. It is read only; the journal adds to it. */
export class AuditLog implements StreamLog {
  onVisible: (() => void) | null = null
  readonly bytesHeld = 0
  readonly #journal: Journal
  readonly #places = new WeakMap<JournalSegment, Places>()

  constructor(journal: Journal) {
    this.#journal = journal
  }

  get lastOffset(): number {
    return this.#journal.kept.seq
  }

  get droppedOffset(): number {
    const [oldest] = this.#journal.segments
    return oldest === undefined ? this.lastOffset : oldest.first - 1
  }

  append(): never {
    throw new Error('The journal adds to the audit.')
  }

  finish(): never {
    throw new Error('The audit has no end.')
  }

  /** Throws `storage_failed` where the files do not hold what they should. */
  read(after: number): Batch | null {
    if (after >= this.lastOffset) return null
    const segment = this.#journal.segments.findLast(({ first }) => first <= after + 1)
    if (segment === undefined) throw damaged(after + 1)
    const { start, skip } = this.#placeOf(segment, after + 1)
    const rest = segment.bytes - start
    for (let size = 2 * BATCH_BYTES; ; size *= 2) {
      const lines = readBytes(segment.path, start, Math.min(size, rest)).toString('utf8').split('\n').slice(skip, -1)
      if (lines.length > 0) {
        const chunks = this.#chunksOf(lines, after)
        return { chunks, from: 0, to: chunks.length, offset: after + 1, bytesThrough: 0 }
      }
      if (size >= rest) throw damaged(after + 1)
    }
  }

  #chunksOf(lines: readonly string[], after: number): readonly Chunk[] {
    const chunks: Chunk[] = []
    let bytes = 0
    for (const line of lines) {
      const offset = after + 1 + chunks.length
      if (bytes >= BATCH_BYTES || offset > this.lastOffset) break
      if (parseEntry(line)?.seq !== offset) throw damaged(offset)
      chunks.push({ kind: 'json', data: line, metadata: null })
      bytes += line.length
    }
    return chunks
  }

  /** Where to begin to read for an entry, and how many lines come before it there. */
  #placeOf(segment: JournalSegment, seq: number): { readonly start: number; readonly skip: number } {
    const places = this.#places.get(segment) ?? { starts: [0], bytes: 0, lines: 0 }
    this.#places.set(segment, places)
    const index = seq - segment.first
    const stride = Math.floor(index / STRIDE)
    while (places.starts.length <= stride && places.bytes < segment.bytes) {
      const data = readBytes(segment.path, places.bytes, Math.min(SCAN_BYTES, segment.bytes - places.bytes))
      if (data.length === 0) break
      for (let at = data.indexOf(NEWLINE); at !== -1; at = data.indexOf(NEWLINE, at + 1)) {
        if (++places.lines % STRIDE === 0) places.starts.push(places.bytes + at + 1)
      }
      places.bytes += data.length
    }
    const start = places.starts[stride]
    if (start === undefined) throw damaged(seq)
    return { start, skip: index % STRIDE }
  }
}

function damaged(seq: number): StreamstackError {
  return new StreamstackError(
    'storage_failed',
    `Entry ${seq} of the audit is not where it should be. \`streamstack audit verify\` finds out what happened.`,
  )
}
