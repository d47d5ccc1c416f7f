import type { RunKind } from './run-kinds.ts'

/** How a run ended, as some reader was told. */
export interface SeenEnd {
  readonly outcome: string
  readonly offset: number
}

/** What all readers of one run have seen of it, held against what it must send. */
export class WatchedRun {
  readonly id: string
  readonly kind: RunKind
  /** Path of its stream; null until a reader was told. */
  url: string | null = null
  /** The first end that some reader was told. */
  end: SeenEnd | null = null
  /** Chunks that readers got, all together. */
  chunksSeen = 0
  /** The last chunk that any reader has seen: from then on it must be there for all. */
  #furthest = 0
  readonly #fault: (text: string) => void

  constructor(kind: RunKind, id: string, fault: (text: string) => void) {
    this.kind = kind
    this.id = id
    this.#fault = (text) => fault(`${kind.name} ${id}: ${text}`)
  }

  /** A reader that had everything up to `position` got this next; gives its new position. */
  saw(position: number, chunk: { offset: number | null; content: unknown; metadata: unknown }): number {
    const expected = position + 1
    if (chunk.offset !== expected) {
      const sort = chunk.offset !== null && chunk.offset <= position ? 'doubled or out of order' : 'a gap'
      this.#fault(`${sort}: ${String(chunk.offset)} after ${position}`)
    }
    const { content, metadata } = this.kind.chunk(this.id, expected)
    const wanted = JSON.stringify([content, metadata])
    const found = JSON.stringify([chunk.content, chunk.metadata])
    if (found !== wanted) this.#fault(`at ${expected} ${found.slice(0, 100)} instead of ${wanted.slice(0, 100)}`)
    if (this.end !== null && expected > this.end.offset) {
      this.#fault(`a chunk at ${expected} of a run that has ended at ${this.end.offset}`)
    }
    this.#furthest = Math.max(this.#furthest, expected)
    this.chunksSeen += 1
    return expected
  }

  /** A reader that had everything up to `position` was told the end. `mayBe`: outcomes that what was done to the server allows. */
  ended(position: number, end: SeenEnd, mayBe: readonly string[]): void {
    const { count } = this.kind
    if (end.offset !== position) this.#fault(`its end is at ${end.offset}, the reader is at ${position}`)
    if (end.offset < this.#furthest) this.#fault(`lost: it ended at ${end.offset}, and ${this.#furthest} was seen`)
    if (end.outcome === 'completed' && end.offset !== count) this.#fault(`a false end: completed at ${end.offset}`)
    if (!mayBe.includes(end.outcome)) this.#fault(`ended as ${end.outcome}`)
    this.end ??= end
    if (end.outcome !== this.end.outcome || end.offset !== this.end.offset) {
      this.#fault(`ended as ${JSON.stringify(end)}, and before as ${JSON.stringify(this.end)}`)
    }
  }

  /** Something else went wrong for a reader. */
  failed(what: string): void {
    this.#fault(what)
  }
}
