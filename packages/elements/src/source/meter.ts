import type { Progress } from '@streamstack/client'

/** Counts what arrives from servers that the SDK does not read; the same numbers as the SDK's. */
export class Meter {
  chunks = 0
  bytes = 0
  #percentage: number | null = null
  readonly #startedAtMs = performance.now()

  countChunk(metadata: Readonly<Record<string, unknown>> | null): void {
    this.chunks++
    const told = Number(metadata?.['progress_percentage'] ?? Number.NaN)
    if (Number.isFinite(told)) this.#percentage = Math.min(100, Math.max(0, told))
  }

  now(): Progress {
    const elapsedMs = performance.now() - this.#startedAtMs
    const rate = (count: number): number => count / Math.max(elapsedMs / 1_000, 0.001)
    return {
      chunks: this.chunks,
      bytes: this.bytes,
      percentage: this.#percentage,
      chunksPerSecond: rate(this.chunks),
      bytesPerSecond: rate(this.bytes),
      elapsedMs,
    }
  }
}
