import { type AnswerEnd, type Encoder, StreamstackError } from '@streamstack/protocol'
import type { Batch, Stream } from '../stream/index.ts'
import type { Select } from '../stream/reading.ts'
import { encode } from './encode.ts'

/** Collects the answer of an encoder that waits, as the bytes that will be sent. */
export class WholeResult {
  /** Bytes that are held. */
  bytes = 0
  readonly #encoder: Encoder
  readonly #bytesMax: number
  readonly #parts: Buffer[] = []

  constructor(encoder: Encoder, bytesMax: number) {
    this.#encoder = encoder
    this.#bytesMax = bytesMax
  }

  /** Throws `result_too_large` at the bound. */
  add(stream: Stream, batch: Batch, select: Select | null): void {
    const encoded = encode(stream, this.#encoder, batch, select)
    const part = typeof encoded === 'string' ? Buffer.from(encoded) : encoded
    this.bytes += part.length
    // From then on it holds too much: a whole with a hole is none.
    if (this.bytes > this.#bytesMax) {
      throw new StreamstackError(
        'result_too_large',
        `The whole result is larger than ${this.#bytesMax} bytes. Ask for a streaming format: ?format=ndjson or ?format=sse.`,
      )
    }
    this.#parts.push(part)
  }

  /** The document in pieces. */
  document(end: AnswerEnd): Buffer[] {
    return [Buffer.from(this.#encoder.begin(end)), ...this.#parts, Buffer.from(this.#encoder.end(end))]
  }

  /** The chunks alone, as the values of the document's `chunks`. */
  values(): unknown {
    return JSON.parse(`[${Buffer.concat(this.#parts).toString()}]`)
  }
}
