import { type Chunk, type StreamEnd, StreamstackError, formats } from '@streamstack/protocol'
import type { Batch } from '../stream/index.ts'

/** Collects a whole stream for the `json` format: `{outcome, chunks: [{offset, content, metadata}], error}`. */
export class JsonResult {
  readonly #bytesMax: number
  #parts: string[] = []
  #bytes = 0

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  /** `select`: which chunks go in; null: all. Throws `result_too_large` at the bound. */
  add({ chunks, from, to, offset }: Batch, select: ((chunk: Chunk) => boolean) | null = null): void {
    for (let i = from; i < to; i++) {
      const chunk = chunks[i] as Chunk
      if (chunk.type === 'error' || select?.(chunk) === false) continue
      const content = chunk.type === 'text' ? JSON.stringify(chunk.data) : chunk.data
      const part = `{"offset":${offset + i - from},"content":${content},"metadata":${chunk.metadata ?? 'null'}}`
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
