import { MemoryLog, Stream, type StreamReader, type StreamSource } from '../stream/index.ts'

/** What of the newest chunks is kept, for readers that come late or come back. */
const WINDOW_BYTES = 262_144

const NO_HEADERS: ReadonlyMap<string, string> = new Map()

/** A stream of the server itself. It never ends, and no reader holds it up: the log drops the oldest, and who needed those is told. */
export abstract class SystemStream implements StreamSource {
  readonly stream: Stream
  readonly url: string
  readonly run = null
  readonly contentType = undefined
  readonly responseHeaders = NO_HEADERS
  readonly failure = null
  readonly select = null
  /** Offsets go on over restarts, as the clock does: one from before cannot be taken for another of now. */
  protected readonly log = new MemoryLog(WINDOW_BYTES, { after: Date.now() * 1_000 })

  constructor(name: string) {
    this.url = `/v1/stream/${name}`
    this.stream = new Stream({
      log: this.log,
      whenUnread: 'drop',
      unreadBytesMax: WINDOW_BYTES,
    })
  }

  get begin(): number {
    return this.log.droppedOffset
  }

  append(value: object): void {
    this.stream.appendWithoutWaiting({ kind: 'json', data: JSON.stringify(value), metadata: null })
  }

  /** Called before a reader attaches: makes the data that is made only for readers. */
  abstract refresh(): void

  attach(reader: StreamReader): void {
    this.stream.attach(reader)
  }

  detach(reader: StreamReader): void {
    this.stream.detach(reader)
  }

  answerBegan(): void {
    // A system stream has no answer whose headers could change.
  }
}
