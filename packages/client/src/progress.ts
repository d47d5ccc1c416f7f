/** How far a stream has come. */
export interface Progress {
  /** Chunks handed out. */
  chunks: number
  /** Bytes that arrived, reconnections included. */
  bytes: number
  /** 0 to 100, from the `progress_percentage` of the chunks' metadata; null when they do not tell. */
  percentage: number | null
  /** Chunks a second, lately. */
  chunksPerSecond: number
  /** Bytes a second, lately. */
  bytesPerSecond: number
  /** Since the call, in milliseconds. */
  elapsedMs: number
}

/** "Lately" is the time since the mark before the last one: one to two of these. */
const MARK_MS = 2_000

interface Mark {
  atMs: number
  chunks: number
  bytes: number
}

/** Counts what arrives. */
export class ProgressCounter {
  chunks = 0
  bytes = 0
  percentage: number | null = null
  readonly #startedAtMs = performance.now()
  #mark: Mark = { atMs: this.#startedAtMs, chunks: 0, bytes: 0 }
  #markBefore: Mark = this.#mark

  countChunk(metadata: { readonly progress_percentage?: unknown } | null): void {
    this.chunks++
    const told = Number(metadata?.progress_percentage ?? Number.NaN)
    if (Number.isFinite(told)) this.percentage = Math.min(100, Math.max(0, told))
  }

  /** A whole stream is all of it, whatever its last chunk said. */
  complete(): void {
    if (this.percentage !== null) this.percentage = 100
  }

  now(): Progress {
    const { chunks, bytes, percentage } = this
    const atMs = performance.now()
    if (atMs - this.#mark.atMs > MARK_MS) {
      this.#markBefore = this.#mark
      this.#mark = { atMs, chunks, bytes }
    }
    const from = this.#markBefore
    const seconds = (atMs - from.atMs) / 1000
    const rate = (count: number): number => count / (seconds || Infinity)
    return {
      chunks,
      bytes,
      percentage,
      chunksPerSecond: rate(chunks - from.chunks),
      bytesPerSecond: rate(bytes - from.bytes),
      elapsedMs: atMs - this.#startedAtMs,
    }
  }
}
