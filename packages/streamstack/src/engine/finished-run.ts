import type { StreamEnd } from '@streamstack/protocol'
import { Stream, type StreamLog, type StreamReader } from '../stream/index.ts'
import { type RunView, runUrl } from './run-view.ts'

type Finished =
  | 'run'
  | 'url'
  | 'select'
  | 'stream'
  | 'isUnread'
  | 'answerBegan'
  | 'cancel'
  | 'leave'
  | 'attach'
  | 'detach'

/** What is the same for every run that is over: cancelling, leaving and answering change nothing. It holds a stream only while that has readers. */
export abstract class FinishedRun implements Pick<RunView, Finished> {
  readonly run: string
  readonly select = null
  #stream: Stream | null = null

  constructor(run: string) {
    this.run = run
  }

  /** The chunks and the end of the run, for a new stream. */
  protected abstract opened(): { log: StreamLog; end: StreamEnd }

  get stream(): Stream {
    if (this.#stream === null) {
      const { log, end } = this.opened()
      this.#stream = new Stream({ log, whenUnread: 'drop', unreadBytesMax: 0 })
      this.#stream.end = end
    }
    return this.#stream
  }

  get url(): string {
    return runUrl(this.run)
  }

  get isUnread(): boolean {
    return false
  }

  answerBegan(): void {}

  cancel(): void {}

  leave(): void {}

  attach(reader: StreamReader): void {
    this.stream.attach(reader)
  }

  detach(reader: StreamReader): void {
    this.stream.detach(reader)
    if (this.stream.readerCount === 0) this.#stream = null
  }
}
