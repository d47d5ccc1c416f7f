import { type ServerMessage, type StreamEnd, type StreamstackError, publicError } from '@streamstack/protocol'
import type { Batch, StreamSource } from '../../stream/index.ts'
import { Pump, type ReadingRecord, type Select, type Sink } from '../../stream/reading.ts'
import { batchFrames, messagePrefix } from './batch-frames.ts'
import { type Outbox, OutboxTurns } from './outbox.ts'
import { socketError } from './socket-error.ts'

export interface SocketReaderOptions {
  id: string
  source: StreamSource
  /** Offset after which to read. */
  position: number
  outbox: Outbox
  record: ReadingRecord | null
  /** Its last word is out, and the id is free. */
  onOver: () => void
  /** Gives an error in the form that the client receives. */
  tell: (thrown: unknown) => StreamstackError
}

/** Writes one stream to a connection that it shares with others: one batch when it is its turn. */
export class SocketReader implements Sink {
  readonly source: StreamSource
  readonly #id: string
  readonly #prefix: Buffer
  readonly #outbox: Outbox
  readonly #onOver: () => void
  readonly #tell: (thrown: unknown) => StreamstackError
  readonly #pump: Pump
  #hasBegun = false

  constructor({ id, source, position, outbox, record, onOver, tell }: SocketReaderOptions) {
    this.source = source
    this.#id = id
    this.#prefix = messagePrefix(id)
    this.#outbox = outbox
    this.#onOver = onOver
    this.#tell = tell
    this.#pump = new Pump({ source, position, sink: this, record, turns: new OutboxTurns(outbox) })
  }

  /** Takes what there is, and what comes. */
  begin(): void {
    this.#pump.attach()
    this.#pump.wake()
  }

  /** Stops reading, without a word. */
  leave(): void {
    this.#pump.stop()
  }

  write(batch: Batch, select: Select | null): boolean {
    const { source } = this
    if (!this.#hasBegun) {
      this.#hasBegun = true
      source.answerBegan()
    }
    this.#outbox.write(batchFrames(source.stream, this.#prefix, batch, select))
    this.#pump.wrote(performance.now())
    // The outbox gives no turns while its socket is full.
    return true
  }

  flush(): boolean {
    // Nothing is held back.
    return true
  }

  end({ outcome, offset, error }: StreamEnd): void {
    this.#finish({ type: 'end', id: this.#id, outcome, offset, error })
  }

  /** Something is wrong with this reader alone: no outcome of the stream, and others read on. */
  fault(thrown: unknown): void {
    this.#finish({ type: 'error', id: this.#id, error: publicError(socketError(this.#tell(thrown))) })
  }

  #finish(lastWord: ServerMessage): void {
    this.#outbox.send(lastWord)
    this.leave()
    this.#onOver()
  }
}
