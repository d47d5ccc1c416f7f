import { type Encoder, StreamstackError, type StreamEnd, publicError } from '@streamstack/protocol'
import type { LiveRun } from '../engine/index.ts'
import { encode } from '../format/index.ts'
import type { Batch } from '../stream/index.ts'
import { Pump, type Select, type Sink } from '../stream/reading.ts'
import type { Output } from './io.ts'

/** Writes a run's stream to an output, as fast as that takes it; the run waits for it. */
export class TerminalReader implements Sink {
  /** Settles when the stream has ended and everything is written, or the output is gone. */
  readonly done: Promise<void>
  /** Whether the reader of the output has closed it (`| head`). */
  outputIsGone = false
  readonly #live: LiveRun
  readonly #encoder: Encoder
  readonly #output: Output
  readonly #pump: Pump
  #resolve: () => void = () => undefined

  constructor(live: LiveRun, encoder: Encoder, output: Output) {
    this.#live = live
    this.#encoder = encoder
    this.#output = output
    this.done = new Promise((resolve) => {
      this.#resolve = resolve
    })
    this.#pump = new Pump({ source: live, position: 0, sink: this, record: null })
    output.on('drain', this.#onDrain)
    output.on('error', this.#onGone)
    this.#pump.attach()
  }

  begin(): void {
    const first = this.#encoder.begin(null)
    if (first !== '') this.#output.write(first)
    this.#pump.wake()
  }

  write(batch: Batch, select: Select | null): boolean {
    return this.#output.write(encode(this.#live.stream, this.#encoder, batch, select))
  }

  flush(): boolean {
    // Nothing is held back.
    return true
  }

  end(end: StreamEnd): void {
    this.#leave(this.#encoder.end(end))
  }

  fault(thrown: unknown): void {
    const isBehind = thrown instanceof StreamstackError && thrown.code === 'reader_too_slow'
    const error = isBehind
      ? new StreamstackError(
          'reader_too_slow',
          'The output took less than the stream keeps; raise streams.window_bytes.',
        )
      : thrown
    this.#live.cancel('The output could not be written.')
    this.#leave(this.#encoder.fault(publicError(error)))
  }

  #onDrain = (): void => this.#pump.resume()

  /** The reader of the output has closed it. */
  #onGone = (): void => {
    this.outputIsGone = true
    this.#live.cancel('The reader of the output has closed it.')
    this.#leave('')
  }

  #leave(last: string): void {
    this.#pump.stop()
    if (last !== '') this.#output.write(last)
    this.#output.off('drain', this.#onDrain)
    this.#output.off('error', this.#onGone)
    this.#resolve()
  }
}
