import type { ChunkKind, Outcome, PublicError } from '@streamstack/protocol'

export interface ObservedChunk {
  /** Null in formats without offsets. */
  readonly offset: number | null
  readonly kind: ChunkKind
  readonly content: unknown
  readonly metadata: Readonly<Record<string, unknown>> | null
  /** Milliseconds since the request was sent. */
  readonly atMs: number
}

export interface ObservedError extends Pick<PublicError, 'code' | 'message'> {
  /** Whether it came in band, after the answer had begun with status 200. */
  readonly isInBand: boolean
  /** Chunks that came before it. */
  readonly afterChunks: number
}

/** All that a caller could see of one call. Times are milliseconds since the request was sent. */
export interface Observed {
  /** Null: no answer. */
  readonly status: number | null
  readonly headers: Readonly<Record<string, string>>
  readonly chunks: readonly ObservedChunk[]
  readonly error: ObservedError | null
  /** Null if the stream had none. */
  readonly outcome: Outcome | null
  readonly totalMs: number
  /** Why the connection did not come to the end that its format has; null: it did. */
  readonly broken: string | null
  readonly hasTimedOut: boolean
  /** By which the server's resident memory grew from before the call to its end; null: the runner did not start the server. */
  readonly memoryGrowthBytes: number | null
  readonly run: string | null
}

/** Time of the first chunk, or of the end when there was none. */
export function firstChunkMs({ chunks, totalMs }: Observed): number {
  return chunks[0]?.atMs ?? totalMs
}

/** Times between chunks, in order. */
export function gapsMs({ chunks }: Observed): number[] {
  return chunks.slice(1).map(({ atMs }, index) => atMs - (chunks[index]?.atMs ?? 0))
}

/** Texts of the answer, joined; reasoning and what is not text do not count. */
export function textOf({ chunks }: Observed): string {
  return chunks
    .filter(({ kind }) => kind === 'text')
    .map(({ content }) => content)
    .join('')
}

export function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((one, other) => one - other)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? 0
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? 0) + upper) / 2
}
