import { type Encoder, StreamstackError, publicError } from '@streamstack/protocol'
import { encodeBatch } from '../format/index.ts'
import type { LiveRun } from '../engine/index.ts'
import type { Batch, StreamReader } from '../stream/index.ts'
import type { Output } from './io.ts'

/** Writes a run's stream to an output, as fast as that takes it; the run waits for it. */
export class TerminalReader implements StreamReader {
  /** Offset of the last chunk written. */
  position = 0
  /** Settles when the stream has ended and everything is written, or the output is gone. */
  readonly done: Promise<void>
  /** Whether whoever read the output has left (`| head`). */
  outputIsGone = false
  readonly #live: LiveRun
  readonly #encoder: Encoder
  readonly #output: Output
  #resolve: () => void = () => undefined
  #isBlocked = false
  #isReading = false
  #wasWoken = false
  #isOver = false

  constructor(live: LiveRun, encoder: Encoder, output: Output) {
    this.#live = live
    this.#encoder = encoder
    this.#output = output
    this.done = new Promise((resolve) => {
      this.#resolve = resolve
    })
    output.on('drain', this.#onDrain)
    output.on('error', this.#onGone)
    live.attach(this)
  }

  wake(): void {
    if (this.#isReading) this.#wasWoken = true
    else if (!this.#isBlocked && !this.#isOver) this.#pump()
  }

  #pump(): void {
    const { stream } = this.#live
    while (!this.#isBlocked) {
      if (this.position < stream.log.droppedOffset) {
        return this.#fault(
          new StreamstackError(
            'reader_too_slow',
            'The output took less than the stream keeps; raise streams.window_bytes.',
          ),
        )
      }
      const batch = stream.read(this.position)
      if (batch instanceof Promise) return void this.#readLate(batch)
      if (batch === null) break
      this.#write(batch)
    }
    if (!this.#isBlocked && stream.end !== null) this.#leave(this.#encoder.end(stream.end))
  }

  /** A log that reads from disk answers later. */
  async #readLate(batch: Promise<Batch | null>): Promise<void> {
    this.#isReading = true
    this.#wasWoken = false
    let late: Batch | null
    try {
      late = await batch
    } catch (error) {
      return this.#fault(error)
    } finally {
      this.#isReading = false
    }
    if (this.#isOver) return
    const { end } = this.#live.stream
    if (late !== null) this.#write(late)
    else if (end !== null) return this.#leave(this.#encoder.end(end))
    // What came while the log was reading woke nobody.
    if (late !== null || this.#wasWoken) this.wake()
  }

  #write(batch: Batch): void {
    this.position = batch.offset + batch.to - batch.from - 1
    this.#isBlocked = !this.#output.write(encodeBatch(this.#live.stream, this.#encoder, batch))
  }

  #onDrain = (): void => {
    this.#isBlocked = false
    this.wake()
  }

  /** Nobody wants the rest. */
  #onGone = (): void => {
    this.outputIsGone = true
    this.#live.cancel('Nobody reads the output any more.')
    this.#leave('')
  }

  #fault(error: unknown): void {
    this.#live.cancel('The output could not be written.')
    this.#leave(this.#encoder.fault(publicError(error)))
  }

  #leave(last: string): void {
    if (this.#isOver) return
    this.#isOver = true
    if (last !== '') this.#output.write(last)
    this.#output.off('drain', this.#onDrain)
    this.#output.off('error', this.#onGone)
    this.#live.detach(this)
    this.#resolve()
  }
}
