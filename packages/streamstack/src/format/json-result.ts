import {
  ALL_KINDS,
  type Chunk,
  type ChunkKinds,
  type StreamEnd,
  StreamstackError,
  formats,
  isNamedKind,
  isTextKind,
} from '@streamstack/protocol'
import type { Batch } from '../stream/index.ts'

/** Collects a whole stream for the `json` format: `{outcome, chunks: [{offset, content, metadata}], error}`, with `kind` where a chunk is no content. */
export class JsonResult {
  readonly #bytesMax: number
  readonly #kinds: ChunkKinds
  #parts: string[] = []
  #bytes = 0

  constructor(bytesMax: number, kinds: ChunkKinds = ALL_KINDS) {
    this.#kinds = kinds
    this.#bytesMax = bytesMax
  }

  /** `select`: which chunks go in; null: all. Throws `result_too_large` at the bound. */
  add({ chunks, from, to, offset }: Batch, select: ((chunk: Chunk) => boolean) | null = null): void {
    for (let i = from; i < to; i++) {
      const chunk = chunks[i] as Chunk
      const { kind } = chunk
      if (kind === 'error' || !this.#kinds.has(kind) || select?.(chunk) === false) continue
      const content = isTextKind(kind) ? JSON.stringify(chunk.data) : chunk.data
      const named = isNamedKind(kind) ? `"kind":"${kind}",` : ''
      const part = `{"offset":${offset + i - from},${named}"content":${content},"metadata":${chunk.metadata ?? 'null'}}`
      this.#bytes += part.length
      if (this.#bytes > this.#bytesMax) {
        throw new StreamstackError(
          'result_too_large',
          `The whole result is larger than ${this.#bytesMax} bytes. Ask for a streaming format: ?format=${formats.ndjson.name} or ?format=${formats.sse.name}.`,
        )
      }
      this.#parts.push(part)
    }
  }

  /** What was collected, in characters. */
  get bytes(): number {
    return this.#bytes
  }

  /** The chunks as the text of a JSON array. */
  chunksJson(): string {
    return `[${this.#parts.join(',')}]`
  }

  /** The whole result. */
  json(run: string | null, end: StreamEnd): string {
    return `{"run":${JSON.stringify(run)},"outcome":"${end.outcome}","chunks":${this.chunksJson()},"error":${JSON.stringify(end.error)}}`
  }
}
