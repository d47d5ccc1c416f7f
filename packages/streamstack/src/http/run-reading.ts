import type { Chunk, StreamstackError } from '@streamstack/protocol'
import type { RunView } from '../engine/index.ts'
import type { Stream, StreamReader, StreamSource } from '../stream/index.ts'

/** Selects nothing. */
const NOTHING = (): boolean => false

/** A run for one reader, who may lose the right to read it while it goes on. */
export class RunReading implements StreamSource {
  readonly run: string
  readonly url: string
  /** What has begun is read to its end: what bounds it is how long the run may take. */
  readonly expiresAtMs = null
  refusal: StreamstackError | null = null
  readonly #view: RunView
  readonly #readers = new Set<StreamReader>()

  constructor(view: RunView) {
    this.#view = view
    this.run = view.run
    this.url = view.url
  }

  get stream(): Stream {
    return this.#view.stream
  }

  get contentType(): string | undefined {
    return this.#view.contentType
  }

  get responseHeaders(): ReadonlyMap<string, string> {
    return this.#view.responseHeaders
  }

  get failure(): StreamstackError | null {
    return this.#view.failure
  }

  /** Also for a reader that does not look at `refusal`. */
  get select(): ((chunk: Chunk) => boolean) | null {
    return this.refusal === null ? this.#view.select : NOTHING
  }

  /** The token that is taken speaks for the same subject, and more is not asked of it. */
  renew(): void {}

  /** Ends it for this reader, who gets nothing more. The run goes on. */
  refuse(error: StreamstackError): void {
    if (this.refusal !== null) return
    this.refusal = error
    for (const reader of this.#readers) reader.wake()
  }

  attach(reader: StreamReader): void {
    this.#readers.add(reader)
    this.#view.attach(reader)
  }

  detach(reader: StreamReader): void {
    this.#readers.delete(reader)
    this.#view.detach(reader)
  }

  answerBegan(): void {
    this.#view.answerBegan()
  }
}
