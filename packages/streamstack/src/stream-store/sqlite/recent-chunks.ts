import type { Slice } from '../storage.ts'

interface Run {
  /** Position of the first one. */
  first: number
  chunks: Buffer[]
}

/**
 * Chunks that are kept on disk in the journal, and so not yet where they are read from. There are few: the writer moves them on. Readers at the
 * end of a stream find what they want here, without asking the disk.
 */
export class RecentChunks {
  readonly #runs = new Map<number, Run>()
  /** In the order of the journal: the key of the first of them, and whose they are. */
  #firstKey = 1
  #streams: number[] = []

  add(stream: number, position: number, data: Buffer): void {
    this.#streams.push(stream)
    const run = this.#runs.get(stream)
    if (run === undefined) this.#runs.set(stream, { first: position, chunks: [data] })
    else run.chunks.push(data)
  }

  /** Forgets those that have been moved: up to and with a key of the journal. */
  settle(throughKey: number): void {
    const counts = new Map<number, number>()
    const settled = this.#streams.slice(0, throughKey + 1 - this.#firstKey)
    for (const stream of settled) counts.set(stream, (counts.get(stream) ?? 0) + 1)
    this.#streams = this.#streams.slice(settled.length)
    this.#firstKey += settled.length
    for (const [stream, count] of counts) {
      const run = this.#runs.get(stream)
      if (run === undefined) continue
      if (count === run.chunks.length) this.#runs.delete(stream)
      else {
        run.first += count
        run.chunks = run.chunks.slice(count)
      }
    }
  }

  /** Position of the first chunk of a stream that is here; Infinity: none is. */
  firstOf(stream: number): number {
    return this.#runs.get(stream)?.first ?? Infinity
  }

  /** The next chunks, when the first of them is here. */
  read(stream: number, after: number, through: number, bytesMax: number): Slice | null {
    const run = this.#runs.get(stream)
    if (run === undefined || after + 1 < run.first || after >= through) return null
    const parts: Buffer[] = []
    let bytes = 0
    let last = after
    for (let at = after + 1 - run.first; at < run.chunks.length && last < through; at++) {
      const chunk = run.chunks[at] as Buffer
      if (parts.length > 0 && bytes + chunk.length > bytesMax) break
      parts.push(chunk)
      bytes += chunk.length
      last += 1
    }
    return parts.length === 0 ? null : { after, last, parts, bytes }
  }
}
