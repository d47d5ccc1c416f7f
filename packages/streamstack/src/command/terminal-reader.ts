import { type Encoder, StreamstackError, publicError } from '@streamstack/protocol'
import { encodeBatch } from '../format/index.ts'
import type { LiveRun } from '../engine/index.ts'
import type { StreamReader } from '../stream/index.ts'
import type { Output } from './io.ts'

/** Writes a run's stream to an output, as fast as that takes it; the run waits for it. */
export class TerminalReader implements StreamReader {
  /** Offset of the last chunk written. */
  position = 0
  /** Settles when the stream has ended and everything is written, or the output is gone. */
  readonly done: Promise<void>
  readonly #live: LiveRun
  readonly #encoder: Encoder
  readonly #output: Output
  #resolve: () => void = () => undefined
  #isBlocked = false
  #isReading = false
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
    if (this.#isBlocked || this.#isReading || this.#isOver) return
    this.#isReading = true
    this.#pump().then(
      () => {
        this.#isReading = false
      },
      (error: unknown) => this.#fault(error),
    )
  }

  async #pump(): Promise<void> {
    const { run } = this.#live
    const { stream } = run
    while (!this.#isBlocked && !this.#isOver) {
      if (this.position < stream.log.droppedOffset) {
        throw new StreamstackError(
          'reader_too_slow',
          'The output took less than the stream keeps; raise streams.window_bytes.',
        )
      }
      const read = stream.read(this.position)
      const batch = read instanceof Promise ? await read : read
      if (batch === null) break
      this.position = batch.offset + batch.to - batch.from - 1
      this.#isBlocked = !this.#output.write(encodeBatch(stream, this.#encoder, batch))
    }
    if (!this.#isBlocked && stream.end !== null) this.#leave(this.#encoder.end(stream.end))
  }

  #onDrain = (): void => {
    this.#isBlocked = false
    this.wake()
  }

  /** Whoever read us has gone (`| head`): nobody wants the rest. */
  #onGone = (): void => {
    this.#live.run.cancel('Nobody reads the output any more.')
    this.#leave('')
  }

  #fault(error: unknown): void {
    this.#live.run.cancel('The output could not be written.')
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
