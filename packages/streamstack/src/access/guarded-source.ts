import type { StreamstackError } from '@streamstack/protocol'
import type { Stream, StreamReader, StreamSource } from '../stream/index.ts'
import type { Select } from '../stream/reading.ts'
import { Guard } from './guard.ts'

/** Selects nothing. */
const NOTHING: Select = () => false

const NO_HEADERS: ReadonlyMap<string, string> = new Map()

/** A stream of chunks for the readers of one caller, guarded and filtered. */
export abstract class GuardedSource extends Guard implements StreamSource {
  abstract readonly stream: Stream
  abstract readonly url: string
  readonly run: string | null = null
  protected readonly readers = new Set<StreamReader>()

  /** A reader has attached, and is among `readers`. */
  protected abstract attached(reader: StreamReader): void

  /** A reader has detached, and is no longer among `readers`. */
  protected abstract detached(reader: StreamReader): void

  get contentType(): string | undefined {
    return undefined
  }

  get responseHeaders(): ReadonlyMap<string, string> {
    return NO_HEADERS
  }

  get failure(): StreamstackError | null {
    return null
  }

  /** Also for a reader that does not look at `refusal`. */
  get select(): Select | null {
    return this.refusal === null ? this.selection() : NOTHING
  }

  /** What of the stream is for this reader; null: all. */
  protected selection(): Select | null {
    return null
  }

  protected wakeReaders(): void {
    for (const reader of this.readers) reader.wake()
  }

  attach(reader: StreamReader): void {
    this.readers.add(reader)
    this.attached(reader)
  }

  detach(reader: StreamReader): void {
    this.readers.delete(reader)
    this.detached(reader)
  }

  /** Most have no producer that sets headers. */
  answerBegan(): void {}
}
