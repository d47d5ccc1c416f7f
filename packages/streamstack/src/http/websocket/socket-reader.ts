import { type ServerMessage, StreamstackError, publicError } from '@streamstack/protocol'
import type { ReaderRecord } from '../../observe/index.ts'
import type { Batch, StreamReader, StreamSource } from '../../stream/index.ts'
import { batchFrames, messagePrefix } from './batch-frames.ts'
import type { Outbox } from './outbox.ts'
import { socketError } from './socket-error.ts'

export interface SocketReaderOptions {
  id: string
  source: StreamSource
  /** Offset after which to read. */
  position: number
  outbox: Outbox
  record: ReaderRecord | null
  /** Its last word is out, and the id is free. */
  onOver: () => void
  onError: (error: unknown) => void
}

/** Reads one stream for one connection: its place is all that it keeps, and it goes on from the log when it is its turn. */
export class SocketReader implements StreamReader {
  /** Offset of the last chunk taken. */
  position: number
  readonly source: StreamSource
  readonly #id: string
  readonly #prefix: Buffer
  readonly #outbox: Outbox
  readonly #record: ReaderRecord | null
  readonly #onOver: () => void
  readonly #onError: (error: unknown) => void
  #isReading = false
  #hasBegun = false
  #isOver = false

  constructor({ id, source, position, outbox, record, onOver, onError }: SocketReaderOptions) {
    this.position = position
    this.source = source
    this.#id = id
    this.#prefix = messagePrefix(id)
    this.#outbox = outbox
    this.#record = record
    this.#onOver = onOver
    this.#onError = onError
  }

  /** Takes what there is, and what comes. */
  begin(): void {
    const { source } = this
    source.attach(this)
    this.#record?.attached(source.stream, this.position)
    this.wake()
  }

  wake(): void {
    if (this.#isOver) return
    this.#record?.woken(this.source.stream)
    if (!this.#isReading) this.#outbox.ready(this)
  }

  /** One batch, or the last word. */
  turn(): void {
    if (this.#isOver || this.#isReading) return
    try {
      this.#step()
    } catch (error) {
      this.#breakOff(error)
    }
  }

  /** Stops reading, without a word. */
  leave(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#outbox.leave(this)
    this.source.detach(this)
    this.#record?.detached()
  }

  #step(): void {
    const { stream, refusal = null } = this.source
    if (refusal !== null) throw refusal
    if (this.position < stream.lastOffset) {
      if (this.position < stream.log.droppedOffset) throw fellBehind()
      const batch = stream.read(this.position)
      if (batch instanceof Promise) {
        this.#readLate(batch)
        return
      }
      if (batch !== null) this.#write(batch)
      if (batch !== null && this.position < stream.lastOffset) {
        this.#outbox.ready(this)
        return
      }
    }
    const { end } = stream
    if (end === null || this.position < stream.lastOffset) return
    const { outcome, offset, error } = end
    this.#finish({ type: 'end', id: this.#id, outcome, offset, error })
  }

  /** A log that reads from disk answers later. */
  #readLate(batch: Promise<Batch | null>): void {
    this.#isReading = true
    void this.#outbox.whenRead(
      batch,
      (late) => {
        this.#isReading = false
        if (this.#isOver) return
        if (late !== null) this.#write(late)
        // What came while the log was being read woke nobody.
        this.#outbox.ready(this)
      },
      (error) => {
        this.#isReading = false
        if (!this.#isOver) this.#breakOff(error)
      },
    )
  }

  #write(batch: Batch): void {
    const { source } = this
    if (!this.#hasBegun) {
      this.#hasBegun = true
      source.answerBegan()
    }
    const frames = batchFrames(source.stream, this.#prefix, batch, source.select)
    this.position = batch.offset + batch.to - batch.from - 1
    this.#outbox.write(frames)
    this.#record?.wrote(this.position, performance.now())
  }

  /** Something is wrong with this reader alone: no outcome of the stream, and others read on. */
  #breakOff(thrown: unknown): void {
    const error = socketError(thrown)
    if (error.code === 'internal') this.#onError(error.cause)
    this.#finish({ type: 'error', id: this.#id, error: publicError(error) })
  }

  #finish(lastWord: ServerMessage): void {
    this.#outbox.send(lastWord)
    this.leave()
    this.#onOver()
  }
}

function fellBehind(): StreamstackError {
  return new StreamstackError(
    'reader_too_slow',
    'This reader fell further behind than the stream keeps; the chunks in between are gone for it.',
  )
}
